#include "tests/support/fleet/generated_source.h"

#include <utility>

#include "tests/support/fleet/simulated_agent.h"

namespace haidang::fleet {

GeneratedSource::GeneratedSource(size_t series, double change, uint64_t seed)
    : change_(change), random_(static_cast<std::minstd_rand::result_type>(seed)) {
  series_.reserve(series);
  for (auto& declared : MakeSeries(series)) series_.push_back({std::move(declared), 0});
}

Status GeneratedSource::Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) {
  std::uniform_real_distribution<double> chance(0, 1);
  readings.reserve(series_.size());
  for (Made& made : series_) {
    if (!begun_ || chance(random_) < change_) {
      const uint64_t bits = random_();
      if (made.declared.type == MetricType::kCounter) {
        made.count += 1 + bits % 1500;
      } else {
        made.count = bits % 100'000;
      }
    }
    Value value = made.count;
    if (made.declared.datatype == DataType::kDouble) value = static_cast<double>(made.count) / 100;
    readings.push_back({made.declared.series, std::move(value)});
  }
  begun_ = true;
  return {};
}

}  // namespace haidang::fleet
