#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "tests/collector/query/random_store.h"

namespace haidang::collector::testing {

using Key = std::tuple<std::string, Labels>;                // machine and labels of a column
using Expected = std::map<Key, std::map<int64_t, double>>;  // by step, unknown ones left out

// The answer to `question`, found naively from what is known at each batch.
Expected NaiveAnswer(const RandomStore& store, const store::RangeQuestion& question);

}  // namespace haidang::collector::testing
