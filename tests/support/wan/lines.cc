#include "tests/support/wan/lines.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <sstream>
#include <utility>

namespace haidang::wan {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::vector<std::string> Words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace

int64_t Lines::NowNs() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

Status Lines::Do(std::string_view command) {
  const auto words = Words(command);
  if (!words.empty() && words[0] == "line") return Make(words);
  if (!words.empty() && words[0] == "set") return Set(words);
  return Error{"say \"line NAME SPACE DEVICE SPACE DEVICE\" or \"set NAME KEY=VALUE…\""};
}

Status Lines::Make(const std::vector<std::string>& words) {
  if (words.size() != 6) return Error{"line NAME SPACE DEVICE SPACE DEVICE"};
  if (lines_.contains(words[1])) return Error{words[1] + " is there"};
  auto first = OpenTun(words[2], words[3]);
  if (!first) return first.error();
  auto second = OpenTun(words[4], words[5]);
  if (!second) return second.error();
  Line line{{std::move(*first), std::move(*second)}, {directions_.size(), directions_.size() + 1}};
  for (const size_t end : {0U, 1U}) {
    Direction& direction = directions_.emplace_back(static_cast<uint32_t>(directions_.size()));
    direction.from = line.ends[end].get();
    direction.to = line.ends[1 - end].get();
  }
  lines_.emplace(words[1], std::move(line));
  return {};
}

Status Lines::Set(const std::vector<std::string>& words) {
  const auto line = words.size() < 2 ? lines_.end() : lines_.find(words[1]);
  if (line == lines_.end()) return Error{"there is no such line"};
  for (size_t i = 2; i < words.size(); ++i) {
    std::string_view pair = words[i];
    std::optional<size_t> only;
    if (pair.starts_with("ab.")) only = 0;
    if (pair.starts_with("ba.")) only = 1;
    if (only) pair.remove_prefix(3);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return Error{words[i] + " is not KEY=VALUE"};
    for (size_t end = 0; end < 2; ++end) {
      if (only.value_or(end) != end) continue;
      Shape& shape = directions_[line->second.directions[end]].shaper.shape;
      if (auto done = Apply(pair.substr(0, equals), pair.substr(equals + 1), shape); !done) {
        return done;
      }
    }
  }
  return {};
}

void Lines::Take(Direction& direction) {
  uint8_t buffer[65536];
  for (;;) {
    const ssize_t size = read(direction.from, buffer, sizeof(buffer));
    if (size <= 0) return;
    const std::span<const uint8_t> packet(buffer, static_cast<size_t>(size));
    const auto due = direction.shaper.Departure(NowNs(), packet);
    if (!due || waiting_.size() >= kMostWaiting) continue;
    waiting_.push({*due, order_++, direction.to, {packet.begin(), packet.end()}});
  }
}

void Lines::SendDue() {
  while (!waiting_.empty() && waiting_.top().due_ns <= NowNs()) {
    const Waiting& next = waiting_.top();
    // What a device does not take (it is down, its queue is full) is lost, as on any line.
    [[maybe_unused]] const ssize_t written = write(next.to, next.packet.data(), next.packet.size());
    waiting_.pop();
  }
}

bool Lines::ReadCommands() {
  char buffer[4096];
  const ssize_t size = read(STDIN_FILENO, buffer, sizeof(buffer));
  if (size <= 0) return size < 0 && errno == EINTR;
  input_.append(buffer, static_cast<size_t>(size));
  for (size_t end = 0; (end = input_.find('\n')) != std::string::npos; input_.erase(0, end + 1)) {
    const auto done = Do(std::string_view(input_).substr(0, end));
    std::printf("%s\n", done ? "ok" : ("error: " + done.error().message).c_str());
    std::fflush(stdout);
  }
  return input_.size() <= sizeof(buffer);
}

Status Lines::Run() {
  std::vector<pollfd> polled;
  for (;;) {
    polled.assign(1, {STDIN_FILENO, POLLIN, 0});
    for (const Direction& direction : directions_) polled.push_back({direction.from, POLLIN, 0});
    timespec wait{60, 0};
    if (!waiting_.empty()) {
      const int64_t ns = std::clamp<int64_t>(waiting_.top().due_ns - NowNs(), 0, 60 * kSecond);
      wait = {ns / kSecond, ns % kSecond};
    }
    if (ppoll(polled.data(), polled.size(), &wait, nullptr) < 0 && errno != EINTR) {
      return Error{std::string("poll: ") + std::strerror(errno)};
    }
    for (size_t i = 1; i < polled.size(); ++i) {
      if (polled[i].revents != 0) Take(directions_[i - 1]);
    }
    SendDue();
    if (polled[0].revents != 0 && !ReadCommands()) return {};
  }
}

}  // namespace haidang::wan
