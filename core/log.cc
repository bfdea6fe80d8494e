#include "core/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>
#include <memory>

namespace haidang {
namespace {

// "<4>" before a line is how systemd learns its priority.
class SyslogPriority final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string_view text;
    switch (message.level) {
      case spdlog::level::trace:
      case spdlog::level::debug:
        text = "<7>";
        break;
      case spdlog::level::warn:
        text = "<4>";
        break;
      case spdlog::level::err:
        text = "<3>";
        break;
      case spdlog::level::critical:
        text = "<2>";
        break;
      default:
        text = "<6>";
    }
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<SyslogPriority>();
  }
};

spdlog::level::level_enum LevelOf(std::string_view level) {
  if (level == "debug") return spdlog::level::debug;
  if (level == "warning") return spdlog::level::warn;
  if (level == "error") return spdlog::level::err;
  return spdlog::level::info;
}

}  // namespace

void SetUpLog(std::string_view program, std::string_view level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (std::getenv("JOURNAL_STREAM") != nullptr) {
    formatter->add_flag<SyslogPriority>('*').set_pattern("%*%v");
  } else {
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %n %l: %v");
  }
  auto logger = std::make_shared<spdlog::logger>(std::string(program), std::move(sink));
  logger->set_formatter(std::move(formatter));
  logger->set_level(LevelOf(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

bool LogLimit::Ready() {
  const int64_t now = clock_.MonotonicNs();
  if (started_ && now < next_ns_) {
    ++held_back_;
    return false;
  }
  started_ = true;
  next_ns_ = now + interval_ms_ * 1'000'000;
  suppressed_ = held_back_;
  held_back_ = 0;
  return true;
}

}  // namespace haidang
