#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

Value OrNull(const std::optional<double>& value) { return value ? Value(*value) : Value(Null{}); }

class AgentSource final : public Source {
 public:
  explicit AgentSource(std::function<AgentStats()> stats) : stats_(std::move(stats)) {}

  std::string_view name() const override { return "agent"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const AgentStats stats = stats_();
    Add(readings, "haidang_agent_connected", {}, stats.connected);
    Add(readings, "haidang_agent_spool_waiting_batches", {}, stats.waiting_batches);
    Add(readings, "haidang_agent_spool_waiting_bytes", {}, stats.waiting_bytes);
    Add(readings, "haidang_agent_spool_dropped_batches_total", {}, stats.dropped_batches);
    Add(readings, "haidang_agent_resent_batches_total", {}, stats.resent_batches);
    Add(readings, "haidang_agent_births_total", {}, stats.births);
    Add(readings, "haidang_agent_bad_commands_total", {}, stats.bad_commands);
    Add(readings, "haidang_agent_refused_readings_total", {}, stats.refused_readings);
    Add(readings, "haidang_agent_lost_ticks_total", {}, stats.lost_ticks);
    Add(readings, "haidang_agent_spool_held_bytes", {}, stats.held_bytes);
    Add(readings, "haidang_agent_clock_offset_seconds", {}, OrNull(stats.clock_offset_seconds));
    Add(readings, "haidang_agent_clock_error_seconds", {}, OrNull(stats.clock_error_seconds));
    return {};
  }

 private:
  std::function<AgentStats()> stats_;
};

}  // namespace

std::unique_ptr<Source> MakeAgentSource(std::function<AgentStats()> stats) {
  return std::make_unique<AgentSource>(std::move(stats));
}

}  // namespace haidang::agent
