#include "core/sparkplug/lease.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace haidang::sparkplug {
namespace {

using nlohmann::json;

// Takes the text in as it is read, without a tree of it in memory. A false ends the reading.
class Reader final : public nlohmann::json_sax<json> {
 public:
  std::vector<Lease> leases;
  bool listed = false;  // "lease" was there

  bool null() override { return Skip(); }
  bool boolean(bool /*value*/) override { return Skip(); }
  bool number_integer(number_integer_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return Number(value);
  }
  bool binary(binary_t& /*value*/) override { return false; }

  bool string(string_t& text) override {
    if (At(3) && key_ == Key::kJourney) {
      leases.back().journey = std::move(text);
      return true;
    }
    return Skip();
  }

  bool start_object(size_t /*count*/) override {
    if (++depth_ > kMaxDepth) return false;
    if (depth_ == 1) return true;
    if (!in_list_) return key_ != Key::kLease || depth_ != 2;  // "lease" is no list
    if (depth_ != 3) return key_ == Key::kOther;
    if (leases.size() == kMaxLeases) return false;
    leases.emplace_back();
    return true;
  }

  bool key(string_t& name) override {
    key_ = Key::kOther;
    if (depth_ == 1 && name == "lease") {
      key_ = Key::kLease;
      if (listed) return false;
    }
    if (At(3) && name == "journey") key_ = Key::kJourney;
    if (At(3) && name == "interval_s") key_ = Key::kInterval;
    return true;
  }

  bool end_object() override {
    if (At(3)) {
      const Lease& lease = leases.back();
      if (lease.journey.empty() || lease.journey.size() > kMaxJourneyNameBytes) return false;
      if (!(lease.interval_seconds > 0)) return false;
    }
    --depth_;
    key_ = Key::kOther;
    return true;
  }

  bool start_array(size_t /*count*/) override {
    if (++depth_ > kMaxDepth || depth_ == 1) return false;
    if (depth_ == 2 && key_ == Key::kLease) {
      in_list_ = listed = true;
      return true;
    }
    if (!in_list_ || At(4)) return key_ == Key::kOther;
    return depth_ > 4;
  }

  bool end_array() override {
    if (depth_ == 2) in_list_ = false;
    --depth_;
    key_ = Key::kOther;
    return true;
  }

  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*fault*/) override {
    return false;
  }

 private:
  enum class Key { kOther, kLease, kJourney, kInterval };
  static constexpr int kMaxDepth = 8;

  bool At(int depth) const { return in_list_ && depth_ == depth; }

  bool Number(double value) {
    if (!At(3) || key_ != Key::kInterval) return Skip();
    if (!std::isfinite(value) || value <= 0) return false;
    leases.back().interval_seconds = std::clamp(value, kMinLeaseSeconds, kMaxLeaseSeconds);
    return true;
  }

  // A value of a key that is not known; elsewhere it stands where something else has to.
  bool Skip() const { return depth_ > 0 && !At(2) && key_ == Key::kOther; }

  int depth_ = 0;
  bool in_list_ = false;
  Key key_ = Key::kOther;
};

bool HasTwice(const std::vector<Lease>& leases) {
  std::vector<std::string_view> names;
  names.reserve(leases.size());
  for (const Lease& lease : leases) names.emplace_back(lease.journey);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

}  // namespace

std::string EncodeLeases(std::span<const Lease> leases) {
  json list = json::array();
  for (const Lease& lease : leases) {
    json interval = lease.interval_seconds;
    if (lease.interval_seconds == std::floor(lease.interval_seconds)) {
      interval = static_cast<int64_t>(lease.interval_seconds);
    }
    list.push_back({{"journey", lease.journey}, {"interval_s", interval}});
  }
  return json{{"lease", std::move(list)}, {"offer", true}}.dump(-1, ' ', false,
                                                                json::error_handler_t::replace);
}

Result<std::vector<Lease>> DecodeLeases(std::string_view text) {
  if (text.size() > kMaxLeasesBytes) return Error{"leases: larger than 128 KiB"};
  Reader reader;
  if (!json::sax_parse(text, &reader)) return Error{"leases: no such JSON, or out of bounds"};
  if (!reader.listed) return Error{"leases: no \"lease\""};
  if (HasTwice(reader.leases)) return Error{"leases: a journey stands there twice"};
  return std::move(reader.leases);
}

}  // namespace haidang::sparkplug
