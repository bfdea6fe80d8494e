#include <cstdio>

#include "tests/support/wan/lines.h"

// haidang-wan: the lines of a made-up province (lines.h), commanded over standard input.
int main() {
  haidang::wan::Lines lines;
  const auto done = lines.Run();
  if (done) return 0;
  std::fprintf(stderr, "haidang-wan: %s\n", done.error().message.c_str());
  return 1;
}
