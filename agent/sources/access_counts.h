#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sources/access_line.h"
#include "core/histogram.h"
#include "core/sample.h"

namespace haidang::agent {

// Addresses that are counted together.
struct UrlGroup {
  std::string name;
  std::vector<std::string> paths;  // MatchesUrl; any of them
};

// Requests that are a piece of work done: haidang_volume_total{system,kind}.
struct VolumeRule {
  std::string system;
  std::string kind;
  std::vector<std::string> paths;    // MatchesUrl; any of them
  std::vector<std::string> methods;  // empty: any
};

// What was counted of one access log since it was followed first. A series begins at zero: what
// would make a new one begin higher is told one reading later (Begin), as nobody can tell an
// increase from nothing.
class AccessCounts {
 public:
  // The rules must outlive it.
  AccessCounts(const std::vector<UrlGroup>& groups, const std::vector<VolumeRule>& volumes);

  // Before each reading: what was told as zero is told in full from now on. True where there is
  // such a series.
  bool Begin();

  void Request(const AccessLine& line);
  void Bad() { ++bad_.value; }
  void Lost() { ++gaps_.value; }

  // Adds the series of the log `name`; volumes are not among them.
  void Report(const std::string& name, std::vector<Reading>& readings) const;
  // Of rule `index`.
  uint64_t volume(size_t index) const { return volumes_[index].told(); }

  // Lines of a state file (access_state.h). A line that does not fit the rules any more is passed
  // over; false where it is none of these.
  void Save(std::string& out) const;
  bool Load(std::string_view line);

 private:
  struct Counter {
    uint64_t value = 0;
    bool begun = false;
    uint64_t told() const { return begun ? value : 0; }
  };
  struct Group {
    std::string_view name;
    Counter bytes;
    Histogram latency;
    bool timed = false;  // `latency` has been told, if as empty
  };

  size_t GroupOf(std::string_view path) const;
  bool LoadCount(std::string_view what, Counter count, std::string_view line);
  bool LoadLatency(std::string_view line);
  Group* FindGroup(std::string_view escaped);

  const std::vector<UrlGroup>& url_groups_;
  const std::vector<VolumeRule>& rules_;
  std::vector<Group> groups_;      // as url_groups_, then "other"
  std::vector<Counter> requests_;  // by group, method, class of status
  std::vector<Counter> volumes_;   // as rules_
  Counter bad_;
  Counter gaps_;
};

}  // namespace haidang::agent
