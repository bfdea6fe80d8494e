// Writes the fuzzers' first inputs below the directory named: messages that our own encoders make.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "core/histogram.h"
#include "tests/core/generators.h"

using namespace haidang;
using namespace haidang::sparkplug;
using haidang::sparkplug::testing::Generator;

namespace {

class Corpus {
 public:
  explicit Corpus(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder_);
  }
  void Add(const std::string& bytes) {
    std::ofstream file(folder_ / ("seed-" + std::to_string(count_++)), std::ios::binary);
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file << bytes;
    file.close();
  }

 private:
  std::filesystem::path folder_;
  int count_ = 0;
};

void WriteSeeds(const std::filesystem::path& root) {
  Corpus data(root / "data");
  Corpus births(root / "birth");
  Corpus commands(root / "command");
  Corpus histograms(root / "histogram");
  commands.Add(EncodeRebirth(1'760'000'000'000));
  commands.Add(EncodeBackfillRate(2.5, 1'760'000'000'000));
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Generator generator(seed);
    Batch first = generator.MakeBatch(8);
    Batch second = generator.MakeBatch(4);
    const std::string stored[] = {EncodeBatch(first), EncodeBatch(second)};
    data.Add(SealBatch(stored[0], static_cast<uint8_t>(seed), seed % 2 == 0));
    data.Add(SealEnvelope(stored, static_cast<uint8_t>(seed), 1'760'000'000'000));
    births.Add(EncodeBirth(generator.MakeBirth(6)));
    births.Add(EncodeDeath(static_cast<uint8_t>(seed), 1'760'000'000'000));
    commands.Add(EncodeCommitted(generator.MakeCommitted()));
    histograms.Add(EncodeEvents(first.events));
    Histogram histogram;
    for (uint64_t i = 0; i < seed; ++i) histogram.Observe(static_cast<double>(i) / 7);
    histograms.Add(histogram.Encode());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds DIR\n", stderr);
    return 2;
  }
  WriteSeeds(argv[1]);
  return 0;
}
