#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/store/reader.h"
#include "collector/verdict/track.h"

namespace haidang::collector {

// How things went before the collector started, so that what is usual is known at once.
struct JourneyHistory {
  struct StepRow {
    std::string machine, journey, step;
    int64_t at_ms = 0;
    bool coarse = false;  // the mean of an hour, else of some seconds
    verdict::Run mean;
  };
  struct PathRow {
    std::string machine, role, target;
    int64_t at_ms = 0;
    double rtt = 0;
  };
  struct NameRow {
    std::string machine, name;
    int64_t at_ms = 0;
    double seconds = 0;
  };
  std::vector<StepRow> steps;  // by time
  std::vector<PathRow> paths;  // by time
  std::vector<NameRow> names;  // by time
};

// Reads means of the last day's hours, and finer ones of the last minutes, in which every run
// was well. What cannot be read is left out: then it is learnt anew. On any thread.
JourneyHistory ReadJourneyHistory(store::Reader& reader, int64_t now_ms);

}  // namespace haidang::collector
