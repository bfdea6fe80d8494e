#include <sys/timex.h>

#include <cerrno>
#include <cstring>

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

// What adjtimex(2) says: how far the kernel's clock is believed to be off, and whether somebody
// keeps it right. Of this machine, whatever the root.
class TimexSource final : public Source {
 public:
  std::string_view name() const override { return "timex"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    timex clock{};
    const int state = adjtimex(&clock);
    if (state < 0) return Error{std::string("adjtimex: ") + std::strerror(errno)};
    constexpr double kMicro = 1e-6;
    constexpr double kPpm16 = 1.0 / 65536.0 / 1e6;  // parts per million, 16 bits behind the point
    const double divisor = (clock.status & STA_NANO) != 0 ? 1e-9 : kMicro;
    const auto seconds = [&](const char* metric, long value, double unit) {
      Add(readings, metric, {}, static_cast<double>(value) * unit);
    };
    seconds("node_timex_offset_seconds", clock.offset, divisor);
    Add(readings, "node_timex_frequency_adjustment_ratio", {},
        1 + static_cast<double>(clock.freq) * kPpm16);
    seconds("node_timex_maxerror_seconds", clock.maxerror, kMicro);
    seconds("node_timex_estimated_error_seconds", clock.esterror, kMicro);
    Add(readings, "node_timex_status", {}, static_cast<double>(clock.status));
    Add(readings, "node_timex_loop_time_constant", {}, static_cast<double>(clock.constant));
    seconds("node_timex_tick_seconds", clock.tick, kMicro);
    Add(readings, "node_timex_tai_offset_seconds", {}, static_cast<double>(clock.tai));
    Add(readings, "node_timex_sync_status", {}, state != TIME_ERROR);
    return {};
  }
};

}  // namespace

std::unique_ptr<Source> MakeTimexSource() { return std::make_unique<TimexSource>(); }

}  // namespace haidang::agent
