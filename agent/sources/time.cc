#include "agent/sources.h"
#include "agent/sources/stat.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

class TimeSource final : public Source {
 public:
  explicit TimeSource(std::string root) : path_(std::move(root) + "proc/stat") {}

  std::string_view name() const override { return "time"; }

  Status Read(int64_t wall_ms, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadSmallFile(path_);
    if (!text) return text.error();
    const auto boot = ParseBootTime(*text);
    if (!boot) return Error{path_ + ": does not say when the machine booted (btime)"};
    Add(readings, "node_boot_time_seconds", {}, static_cast<double>(*boot));
    Add(readings, "node_time_seconds", {}, static_cast<double>(wall_ms) / 1000);
    return {};
  }

 private:
  std::string path_;
};

}  // namespace

std::unique_ptr<Source> MakeTimeSource(std::string root) {
  return std::make_unique<TimeSource>(std::move(root));
}

}  // namespace haidang::agent
