#include "agent/sources/paced_source.h"

#include <iterator>
#include <utility>

#include "agent/paced.h"

namespace haidang::agent {
namespace {

class PacedSource final : public Source {
 public:
  PacedSource(std::string_view name, Loop& loop, const Clock& clock,
              std::chrono::milliseconds every, std::function<Result<std::vector<Reading>>()> look)
      : name_(name), look_(loop, clock, every, std::move(look)) {}

  std::string_view name() const override { return name_; }
  void Prepare() override { look_.Prepare(); }
  bool Ready() const override { return look_.Ready(); }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    auto latest = look_.Latest();
    if (!latest) return latest.error();
    std::move(latest->begin(), latest->end(), std::back_inserter(readings));
    return {};
  }

 private:
  const std::string_view name_;
  Paced<std::vector<Reading>> look_;
};

}  // namespace

std::unique_ptr<Source> MakePacedSource(std::string_view name, Loop& loop, const Clock& clock,
                                        std::chrono::milliseconds every,
                                        std::function<Result<std::vector<Reading>>()> look) {
  return std::make_unique<PacedSource>(name, loop, clock, every, std::move(look));
}

}  // namespace haidang::agent
