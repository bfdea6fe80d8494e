#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/query/match.h"
#include "core/query.h"

// Questions about what is stored, and their answers (docs/queries.md).
namespace haidang::store {

// What is told of each step. Of histograms: kIncrease, kAvg, kQuantile and kBelow (how many
// observations were at or below a bound).
enum class Function {
  kLast,
  kFirst,
  kMin,
  kMax,
  kAvg,
  kSum,
  kCount,
  kIncrease,
  kRate,
  kQuantile,
  kBelow
};
// How series become one.
enum class Combine { kNone, kSum, kAvg, kMin, kMax, kCount };
// Where values are read; kAuto takes the coarsest that tells the steps, and finer ones beside it.
enum class Source { kAuto, kBatches, kFiveMinutes, kHour };

// Nothing where there is no such word.
std::optional<Function> ParseFunction(std::string_view word);
std::optional<Combine> ParseCombine(std::string_view word);
std::optional<Source> ParseSource(std::string_view word);
std::string_view ToString(Function function);
std::string_view ToString(Source source);

struct RangeQuestion {
  std::string metric;
  std::string machine;  // "": any
  std::vector<Matcher> matchers;
  int64_t from_ms = 0;
  int64_t to_ms = 0;               // inclusive
  std::optional<int64_t> step_ms;  // nothing: a point for each batch
  Function function = Function::kLast;
  double q = 0;  // of kQuantile, in [0, 1]; of kBelow the bound, > 0
  Combine combine = Combine::kNone;
  std::vector<std::string> by;  // labels that stay apart when series are combined
  Source source = Source::kAuto;
  // Without a step: keeps the last point of each stretch of so many milliseconds.
  std::optional<int64_t> thin_ms;
  // Columns carry where the machine stood, and end when it moves; own labels that are called so are
  // told as exported_<name>. Else they have, and are matched by, their own labels alone.
  bool places = true;
};

// The last value that was known at `at_ms` or before it.
struct LastQuestion {
  std::string metric;
  std::vector<Matcher> matchers;
  int64_t at_ms = 0;
  int64_t back_ms = 24LL * 3600 * 1000;  // how far back it is looked for
};

// What a question may cost.
struct QueryBounds {
  size_t columns = 10000;                     // of the answer
  size_t series = 50000;                      // that are read
  size_t points = 1000000;                    // of the answer
  size_t cells = 16000000;                    // under way at once, 8 bytes each
  size_t bytes = 512U << 20;                  // that are decoded
  std::chrono::milliseconds deadline{10000};  // where there is a clock
};

struct QueryControl {
  QueryBounds bounds;
  // Whether the question is to end: its asker has left, the program stops. Called on the reader's
  // thread, between windows, pieces and machines; empty: it goes on.
  std::function<bool()> cancelled = {};
};

struct SeriesAnswer {
  std::vector<query::Column> columns;  // of numbers, by machine and labels
  std::vector<Source> sources;         // where they were read, ascending
  std::string refused;                 // why it is not answered, and what to do; "" where it is
};

// The longest range of any question: a hundred years.
inline constexpr int64_t kMaxQueryRangeMs = 36600LL * 24 * 3600 * 1000;
inline constexpr size_t kMaxBy = 16;  // labels

}  // namespace haidang::store
