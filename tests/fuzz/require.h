#pragma once

#include <cstdio>
#include <cstdlib>

// Ends the fuzzer, which keeps the input, where `condition` does not hold.
#define FUZZ_REQUIRE(condition)                                            \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                        \
    }                                                                      \
  } while (false)
