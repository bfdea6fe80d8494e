#pragma once

#include <cstddef>

namespace haidang::agent {

// Series that a machine may have, which its birth declares. Further ones are left out.
inline constexpr size_t kMaxSeries = 5000;

}  // namespace haidang::agent
