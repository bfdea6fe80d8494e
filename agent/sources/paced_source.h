#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/source.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// A source whose readings are brought by a worker every `every` and stand until the next ones: for
// what changes seldom, or is slow to read (sensors behind a bus). `name` lives as long as the
// source; `look` owns what it touches.
std::unique_ptr<Source> MakePacedSource(std::string_view name, Loop& loop, const Clock& clock,
                                        std::chrono::milliseconds every,
                                        std::function<Result<std::vector<Reading>>()> look);

}  // namespace haidang::agent
