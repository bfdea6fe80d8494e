#include "core/objective_config.h"

#include <optional>
#include <string_view>

namespace haidang {
namespace {

constexpr size_t kMaxNameBytes = 64;

std::optional<double> ReadShare(ConfigTable& table, std::string_view key) {
  if (!table.Has(key)) return std::nullopt;
  return table.Number(key, query::kMinShare, query::kMinShare, query::kMaxShare);
}

}  // namespace

query::Objective ReadObjective(ConfigTable& table) {
  query::Objective objective;
  objective.journey = table.RequiredString("journey", kMaxNameBytes);
  objective.step = table.String("step", "", kMaxNameBytes);
  objective.seconds = table.Number("seconds", objective.seconds, 0.001, 3600);
  objective.minutes = table.Integer("minutes", objective.minutes, 0, 1440);
  objective.share = ReadShare(table, "share");
  objective.availability = ReadShare(table, "availability");
  table.Finish();
  return objective;
}

}  // namespace haidang
