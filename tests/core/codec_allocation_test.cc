// The codec's bounds on memory, counted in the allocator itself: bytes asked for, never given back.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"
#include "tests/core/generators.h"
#include "tests/core/raw_payload.h"

namespace {

size_t allocated_bytes = 0;

template <typename Work>
size_t BytesAllocatedBy(Work&& work) {
  const size_t before = allocated_bytes;
  work();
  return allocated_bytes - before;
}

}  // namespace

// Not inlined, or the compiler sees new's memory end in free and warns.
[[gnu::noinline]] void* operator new(size_t size) {
  allocated_bytes += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  allocated_bytes += size;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

using namespace haidang;
using namespace haidang::sparkplug;
using haidang::sparkplug::testing::Generator;
using haidang::sparkplug::testing::RawPayload;
namespace raw = haidang::sparkplug::testing;

namespace {

void CheckDataBound(const std::string& payload, size_t content_bytes) {
  BatchDecoder decoder;
  const size_t used = BytesAllocatedBy([&] { (void)decoder.Decode(payload); });
  INFO(payload.size() << " bytes of message, " << content_bytes << " of content, " << used);
  CHECK(used <= BatchDecoder::kAllocationFactor * content_bytes + BatchDecoder::kAllocationBase);
}

std::string Repeat(const std::string& part, size_t times) {
  std::string out;
  out.reserve(part.size() * times);
  for (size_t i = 0; i < times; ++i) out += part;
  return out;
}

std::string Stamp() {
  std::string stamp(28, '\x01');
  return RawPayload().Metric(RawPayload().Number(raw::kAlias, 2).Text(raw::kBytes, stamp)).bytes();
}

std::string Number() {
  return RawPayload()
      .Metric(RawPayload().Number(raw::kAlias, 1).Number(raw::kTimestamp, 1).Number(raw::kLong, 1))
      .bytes();
}

}  // namespace

TEST_CASE("decoding live data allocates nothing in steady state") {
  Generator generator(1);
  std::vector<std::string> messages;
  for (int i = 0; i < 50; ++i) {
    Batch batch = generator.MakeBatch(60);
    messages.push_back(SealBatch(EncodeBatch(batch), 1, i % 2 == 0));
  }
  BatchDecoder decoder;
  for (const std::string& message : messages) REQUIRE(decoder.Decode(message));
  const size_t used = BytesAllocatedBy([&] {
    for (const std::string& message : messages) {
      if (!decoder.Decode(message)) std::abort();
    }
  });
  CHECK(used == 0);
}

TEST_CASE("no data makes the decoder take more than its factor") {
  const std::string smallest =
      RawPayload().Metric(RawPayload().Number(raw::kAlias, 32).Number(raw::kBoolean, 1)).bytes();
  for (const size_t count : {10UL, 1000UL, 10'000UL, 100'000UL, 1'000'000UL}) {
    const std::string samples = Stamp() + Number() + Repeat(smallest, count);
    CheckDataBound(samples, samples.size());
    const std::string batches = Repeat(Stamp() + Number(), count / 8);
    CheckDataBound(batches, batches.size());
    const std::string empty = Repeat(RawPayload().Text(raw::kPayloadMetrics, "").bytes(), count);
    CheckDataBound(empty, empty.size());
  }
  Generator generator(2);
  for (int i = 0; i < 100; ++i) {
    const std::string noise = generator.Blob(5000);
    CheckDataBound(noise, noise.size());
  }
}

TEST_CASE("an envelope takes no more than its inflated content justifies") {
  Generator generator(3);
  for (const uint64_t count : {1, 10, 300}) {
    std::vector<std::string> stored;
    size_t content = 0;
    for (uint64_t i = 0; i < count; ++i) {
      Batch batch = generator.MakeBatch(60);
      stored.push_back(EncodeBatch(batch));
      content += SealBatch(stored.back(), 0, true).size();
    }
    CheckDataBound(SealEnvelope(stored, 1, 1), content);
  }
}

TEST_CASE("a large message's room is given back") {
  const std::string smallest =
      RawPayload().Metric(RawPayload().Number(raw::kAlias, 32).Number(raw::kBoolean, 1)).bytes();
  BatchDecoder decoder;
  REQUIRE(decoder.Decode(Stamp() + Number() + Repeat(smallest, 500'000)));
  const std::string small = Stamp() + Number() + smallest;
  const size_t used = BytesAllocatedBy([&] { (void)decoder.Decode(small); });
  CHECK(used <= BatchDecoder::kAllocationFactor * small.size() + BatchDecoder::kAllocationBase);
  REQUIRE(decoder.Decode(small));
}

TEST_CASE("births, deaths and commands are bounded likewise") {
  const auto check = [](const std::string& payload) {
    const size_t used = BytesAllocatedBy([&] {
      (void)DecodeBirth(payload);
      (void)DecodeDeath(payload);
      (void)DecodeCommand(payload);
    });
    INFO(payload.size() << " bytes of message, " << used);
    CHECK(used <= kBirthAllocationFactor * payload.size() + 1024);
  };
  Generator generator(4);
  for (const size_t count : {0UL, 1UL, 100UL, 5000UL})
    check(EncodeBirth(generator.MakeBirth(count)));
  for (int i = 0; i < 100; ++i) check(generator.Blob(5000));
  RawPayload metric;
  metric.Text(1, "x").Number(2, 1).Number(3, 1).Number(4, 4).Number(7, 1);
  const std::string minimal = RawPayload().Metric(metric).bytes();
  for (const size_t count : {10UL, 1000UL, 20'000UL, 100'000UL}) check(Repeat(minimal, count));
  check(Repeat(RawPayload().Text(raw::kPayloadMetrics, "").bytes(), 1'000'000));
}
