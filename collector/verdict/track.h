#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "collector/verdict/scene.h"
#include "collector/verdict/usual.h"

// What is kept of each measured thing from reading to reading. Pure; bounded.
namespace haidang::verdict {

// One run of a step, as a batch told it.
struct Run {
  bool success = false;
  std::optional<double> seconds;
  Phases phases;
  std::string reason;
  std::string address;
  std::optional<int> status;
};

// A step as one machine walks it.
class StepTrack {
 public:
  struct Rule {
    std::optional<double> objective_seconds;
    // What is usual at the site, where this machine has not walked often enough.
    std::optional<double> site_usual_seconds;
    int64_t interval_ms = 15000;  // between the machine's ticks
    bool first = false;           // it may have ended long ago
  };
  void Add(Run run, const Rule& rule, int64_t now_ms);
  // Of before the collector started, the mean of an hour, or (not `coarse`) of some seconds.
  void Remember(const Run& mean, bool coarse, const Rule& rule, int64_t at_ms);

  const Run& last() const { return last_; }
  int64_t at_ms() const { return at_ms_; }
  bool bad() const { return bad_; }
  int64_t since_ms() const { return bad_ ? since_ms_ : 0; }
  // The run counts as now: the next one is not overdue by two turns.
  bool Current(int64_t now_ms) const;
  // In seconds: the phases, then the total.
  const Usual<7>::Values& usual() const { return usual_.now(); }
  // `judged`: of a step in trouble the last run that was bad, else the last run as it was.
  void Describe(int64_t now_ms, bool judged, Point& point) const;

 private:
  bool IsSlow(const Run& run, const Rule& rule) const;
  void Learn(const Run& run, int64_t now_ms);

  static constexpr size_t kKept = 4;
  // A trouble that lasts so long is usual now.
  static constexpr int64_t kAcceptedMs = int64_t{24} * 3600 * 1000;
  struct Mark {
    int64_t began_ms = 0;
    bool bad = false;
  };

  Run last_;
  bool slow_ = false;
  Run last_bad_;
  bool last_bad_slow_ = false;
  bool bad_ = false;
  int64_t since_ms_ = 0;
  int64_t at_ms_ = 0;
  int64_t gap_ms_ = 0;  // between the last two runs
  int64_t interval_ms_ = 15000;
  std::deque<Mark> marks_;  // the newest last
  Usual<7> usual_;
};

// Counters that stand still or grow, looked at a few times a minute.
template <size_t N>
class Counters {
 public:
  explicit Counters(int64_t window_ms) : window_ms_(window_ms) {}

  // `device_ms`: when they were read. A counter that fell begins anew.
  void Add(int64_t device_ms, const std::array<std::optional<double>, N>& values) {
    if (!kept_.empty()) {
      const Entry& last = kept_.back();
      if (device_ms < last.ms || device_ms - last.ms > 4 * window_ms_) kept_.clear();
      for (size_t i = 0; i < N && !kept_.empty(); ++i) {
        if (values[i].has_value() != kept_.back().values[i].has_value() ||
            (values[i] && *values[i] < *kept_.back().values[i])) {
          kept_.clear();
        }
      }
    }
    // The newest entry moves along until it is old enough to stay.
    if (kept_.size() >= 2 && kept_.back().ms - kept_[kept_.size() - 2].ms < window_ms_ / 12) {
      kept_.pop_back();
    }
    kept_.push_back({device_ms, values});
    while (kept_.size() > 2 && device_ms - kept_[1].ms >= window_ms_) kept_.pop_front();
  }
  // Growth over the window, or since `from_ms` where that is later.
  std::optional<double> Grown(size_t i, int64_t from_ms = 0) const {
    const Entry* first = nullptr;
    for (const Entry& entry : kept_) {
      first = &entry;
      if (entry.ms >= from_ms) break;
    }
    if (first == nullptr || first == &kept_.back() || !first->values[i]) return std::nullopt;
    return *kept_.back().values[i] - *first->values[i];
  }
  // A second.
  std::optional<double> Rate(size_t i) const {
    const auto grown = Grown(i);
    if (!grown || kept_.back().ms <= kept_.front().ms) return std::nullopt;
    return *grown * 1000 / static_cast<double>(kept_.back().ms - kept_.front().ms);
  }

 private:
  struct Entry {
    int64_t ms = 0;
    std::array<std::optional<double>, N> values;
  };
  int64_t window_ms_;
  std::deque<Entry> kept_;
};

// Round trips and loss to one target.
class PathTrack {
 public:
  struct Reading {
    std::optional<bool> success;
    std::optional<double> rtt, sent, lost;
    bool mtu_problem = false;
  };
  // `learn`: nothing is wrong, so this is usual.
  void See(const Reading& reading, int64_t device_ms, bool learn, int64_t now_ms);
  // A round trip of before the collector started.
  void Remember(double rtt, int64_t at_ms);
  // `since_device_ms`: when the machine's trouble began, on the machine's clock; 0 none.
  void Describe(int64_t since_device_ms, PathNow& path) const;

 private:
  Reading last_;
  Counters<2> counters_{60'000};
  Usual<2> usual_{3};  // round trip, loss
  bool ever_ = false;
  int64_t at_ms_ = 0;
};

class NameTrack {
 public:
  void See(std::optional<bool> success, std::optional<double> seconds, bool learn, int64_t now_ms);
  void Remember(double seconds, int64_t at_ms);
  void Describe(NameNow& name) const;

 private:
  std::optional<bool> success_;
  std::optional<double> seconds_;
  Usual<1> usual_{3};
  bool ever_ = false;
  int64_t at_ms_ = 0;
};

}  // namespace haidang::verdict
