#include "tests/support/onestop/route_faults.h"

#include <array>
#include <utility>

namespace haidang::onestop {
namespace {

using Answer = RouteFault::Answer;

constexpr std::array<std::pair<Answer, std::string_view>, 7> kAnswers = {{
    {Answer::kUsual, "usual"},
    {Answer::kError500, "error500"},
    {Answer::kForbidden, "forbidden"},
    {Answer::kNotFound, "not-found"},
    {Answer::kWrongContent, "wrong-content"},
    {Answer::kLoop, "loop"},
    {Answer::kHang, "hang"},
}};

}  // namespace

std::optional<Answer> ParseAnswer(std::string_view text) {
  for (const auto& [answer, name] : kAnswers) {
    if (name == text) return answer;
  }
  return std::nullopt;
}

Status RouteFaults::Set(const std::string& path, RouteFault fault) {
  {
    const std::lock_guard lock(mutex_);
    if (fault.answer == Answer::kUsual && fault.delay.count() == 0) {
      faults_.erase(path);
    } else if (faults_.size() >= kMost && !faults_.contains(path)) {
      return Error{"more than " + std::to_string(kMost) + " faults at once"};
    } else {
      faults_[path] = fault;
    }
  }
  changed_.notify_all();
  return {};
}

RouteFault RouteFaults::Find(std::string_view path) const {
  RouteFault fault;
  size_t longest = 0;
  for (const auto& [beginning, found] : faults_) {
    if (!path.starts_with(beginning) || beginning.size() < longest) continue;
    longest = beginning.size();
    fault = found;
  }
  return fault;
}

Answer RouteFaults::Suffer(std::string_view path) {
  std::unique_lock lock(mutex_);
  const auto end = std::chrono::steady_clock::now() + Find(path).delay;
  changed_.wait_until(lock, end, [&] { return closed_ || Find(path).delay.count() == 0; });
  changed_.wait(lock, [&] { return closed_ || Find(path).answer != Answer::kHang; });
  const Answer answer = Find(path).answer;
  return answer == Answer::kHang ? Answer::kError500 : answer;
}

void RouteFaults::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace haidang::onestop
