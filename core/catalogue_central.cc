#include "core/catalogue_rows.h"

namespace haidang::catalogue {

std::span<const MetricInfo> CentralMetrics() { return {}; }

}  // namespace haidang::catalogue
