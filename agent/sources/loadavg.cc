#include "agent/sources/loadavg.h"

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

class LoadavgSource final : public Source {
 public:
  explicit LoadavgSource(std::string root) : path_(std::move(root) + "proc/loadavg") {}

  std::string_view name() const override { return "loadavg"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadSmallFile(path_);
    if (!text) return text.error();
    const auto load = ParseLoadAverage(*text);
    if (!load) return Error{path_ + ": " + load.error().message};
    Add(readings, "node_load1", {}, load->one);
    Add(readings, "node_load5", {}, load->five);
    Add(readings, "node_load15", {}, load->fifteen);
    return {};
  }

 private:
  std::string path_;
};

}  // namespace

Result<LoadAverage> ParseLoadAverage(std::string_view text) {
  const auto one = ParseReal(TakeField(text));
  const auto five = ParseReal(TakeField(text));
  const auto fifteen = ParseReal(TakeField(text));
  if (!one || !five || !fifteen || *one < 0 || *five < 0 || *fifteen < 0) {
    return Error{"does not begin with three load averages"};
  }
  return LoadAverage{*one, *five, *fifteen};
}

std::unique_ptr<Source> MakeLoadavgSource(std::string root) {
  return std::make_unique<LoadavgSource>(std::move(root));
}

}  // namespace haidang::agent
