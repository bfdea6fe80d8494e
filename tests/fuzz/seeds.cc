// Writes the fuzzers' first inputs below the directory named: messages that our own encoders make.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "collector/store/chunk/histograms.h"
#include "collector/store/chunk/texts.h"
#include "collector/store/chunk/ticks.h"
#include "collector/store/chunk/values.h"
#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/summary.h"
#include "core/histogram.h"
#include "tests/collector/chunk/generators.h"
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
  commands.Add(EncodeJourneys(std::vector<Lease>{{"mot-cua", 60}}, 1'760'000'000'000));
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

void WriteChunkSeeds(const std::filesystem::path& root) {
  Corpus chunks(root / "chunk");
  Corpus values(root / "chunk_values");
  for (uint64_t seed = 1; seed <= 28; ++seed) {
    store::testing::Generator generator(seed);
    const auto series = generator.Series(seed % store::testing::Generator::kKinds, 40);
    const auto presence = generator.PresenceOf(40);
    chunks.Add(store::EncodeValues(series, presence));
    chunks.Add(store::EncodeValues(series, {}));
    std::vector<int64_t> times_ms;
    std::vector<std::string> texts;
    store::HistogramColumn histograms;
    Histogram histogram;
    std::string bits(1, static_cast<char>(seed));
    for (const double value : series) {
      const auto pattern = std::bit_cast<uint64_t>(value);
      times_ms.push_back(1'760'000'000'000 + static_cast<int64_t>(times_ms.size() * 15'000 + seed));
      texts.push_back("DISK OK " + std::to_string(pattern % 1000));
      histogram.Observe(value);
      histograms.Append(histogram);
      bits.append(reinterpret_cast<const char*>(&pattern), sizeof pattern);
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    chunks.Add(store::EncodeTicks(times_ms));
    chunks.Add(store::EncodeTexts(views, presence));
    chunks.Add(store::EncodeHistograms(histograms));
    values.Add(bits);
  }
}

void WriteRollupSeeds(const std::filesystem::path& root) {
  constexpr int64_t kWindow = 7'200'000;
  Corpus rollups(root / "rollup");
  for (uint64_t seed = 1; seed <= 28; ++seed) {
    store::testing::Generator generator(seed);
    const auto series = generator.Series(seed % store::testing::Generator::kKinds, 48);
    store::NumberSummer gauge(0, false), counter(0, true);
    store::HistogramSummer histograms(0);
    Histogram histogram;
    int64_t time_ms = 0;
    for (const double value : series) {
      gauge.See(time_ms, value);
      counter.See(time_ms, value);
      histogram.Observe(value);
      histograms.See(time_ms, histogram.Encode());
      time_ms += seed % 5 == 0 ? 400'000 : 150'000;
      if (time_ms >= kWindow) break;
    }
    store::PieceMaker maker({store::RollupLevel::kFiveMinutes, 0, kWindow});
    maker.Add(1, gauge.rollup());
    maker.Add(2, counter.rollup());
    maker.Add(3, histograms.Take());
    rollups.Add(std::string(1, '\0') + maker.Finish());
  }
}

}  // namespace

void WriteAccessLogSeeds(const std::filesystem::path& root) {
  Corpus corpus(root / "access_log");
  corpus.Add(
      "h - - [17/May/2015:10:05:03 +0000] \"GET /a?b HTTP/1.1\" 200 5 \"-\" \"Mozilla \\\"x\\\"\"");
  corpus.Add("#Fields: date cs-method cs-uri-stem sc-status time-taken\n2026-11-23 GET /a 200 15");
  corpus.Add(
      "h: 1.2.3.4:5 [06/Feb/2009:12:14:14.655] f b/s 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 "
      "0/0 "
      "\"GET /a HTTP/1.1\"");
  corpus.Add("%h %U%q \\\"%r\\\" %>s %{ms}T\nh /a?b \"GET / HTTP/1.1\" 404 7");
  corpus.Add("${status};$request_uri;$request_time\n499;/a;0.125");
  corpus.Add("count requests 7 1 a GET 2xx\n/*a?b*");
  corpus.Add("latency 1 a %01%00%00%00%00%00%00%00%00%00\n");
}

void WriteJsonSeeds(const std::filesystem::path& root) {
  Corpus corpus(root / "json");
  corpus.Add("/a/1\n{\"a\":[1,2.5,true,null,\"7\"],\"b\":{\"c~d/e\":-1e3}}");
  corpus.Add("/b/c~0d~1e\n{\"b\":{\"c~d/e\":5},\"b\":1}");
  corpus.Add("\n18446744073709551615");
  corpus.Add("3,1,2,-;Out of memory: Killed process 4711 (java) total-vm:8kB, anon-rss:2kB");
}

void WriteJourneySeeds(const std::filesystem::path& root) {
  Corpus corpus(root / "journey");
  corpus.Add(
      "0sectok\n<form><!-- x --><input type='hidden' name=sectok value=\"a&amp;&#x2F;b\"></form>");
  corpus.Add("0csrf-token\n<script>'<input'</script><meta content=x name=csrf-token><textarea>");
  corpus.Add("1/a/1/b\n{\"a\":[1,{\"b\":[true,null,-1.50e3,\"x\\u00e9\"]}],\"a\":2}");
  corpus.Add("2(a+)+$|(?<=x)\\p{L}*(?R)?\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
  corpus.Add("3https://m.example/{a}?q={secret.b}&{{c}}\nx/../%2f");
  corpus.Add("3{\"a\":\"{x}\",\"b\":[{y},{}]}\n12.5");
  corpus.Add("4p@ss w/%25\np%40ss+w\\/%2525 p@ss&#32;w/%25");
  corpus.Add("5tra cứu\n01234567012345670123456701234567");
  corpus.Add("0Location\nHTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n");
}

void WriteProgramSeeds(const std::filesystem::path& root) {
  Corpus corpus(root / "programs");
  corpus.Add(
      "LOAD OK|load1=2.720;5.000;10.000;0; 'a b'=50%;~:80;@10:20;0;100\nmore | t=20ms;10:;; c=7c");
  corpus.Add("/ 1 MB|'it''s'=1.5e3KiB;;;; u=U x=3rpm");
  corpus.Add(
      "{\"smartctl\":{\"exit_status\":0},\"devices\":[{\"name\":\"/dev/bus/0\",\"type\":"
      "\"megaraid,1\"}]}");
  corpus.Add(
      "{\"smartctl\":{\"exit_status\":4},\"device\":{\"protocol\":\"ATA\"},\"smart_status\":{"
      "\"passed\":true},\"power_on_time\":{\"hours\":7},\"ata_smart_attributes\":{\"table\":[{"
      "\"id\":5,\"name\":\"SSD_Life_Left\",\"value\":90,\"raw\":{\"value\":7,\"string\":\"7 "
      "(1)\"}}]}}");
  corpus.Add(
      "{\"smartctl\":{\"exit_status\":2,\"messages\":[{\"string\":\"no\",\"severity\":\"error\"}]}"
      "}");
}

// Files of the fixture machines, in the order of the selectors of kernel_fuzzer.cc.
void WriteKernelSeeds(const std::filesystem::path& root) {
  constexpr const char* kFiles[] = {
      "proc/stat",
      "proc/loadavg",
      "proc/meminfo",
      "proc/diskstats",
      "proc/net/dev",
      "proc/1/mountinfo",
      "proc/mdstat",
      "proc/self/stat",
      "proc/net/softnet_stat",
      "proc/schedstat",
      "etc/os-release",
      "proc/sys/kernel/random/boot_id",
      "proc/stat",
      "proc/vmstat",
      "proc/pressure/cpu",
      "proc/pressure/io",
      "proc/pressure/memory",
      "proc/sys/fs/file-nr",
      "proc/sys/kernel/random/entropy_avail",
      "proc/sys/kernel/random/poolsize",
      "proc/sys/net/netfilter/nf_conntrack_count",
      "proc/sys/net/netfilter/nf_conntrack_max",
      "proc/net/netstat",
      "proc/net/snmp6",
      "proc/net/sockstat",
      "proc/net/arp",
  };
  Corpus corpus(root / "kernel");
  for (const std::string machine : {"storage-server", "commune-server", "broken"}) {
    char which = 0;
    for (const char* name : kFiles) {
      std::ifstream file(std::filesystem::path(FIXTURES) / "machines" / machine / name);
      const std::string text(std::istreambuf_iterator<char>(file), {});
      // What a fuzzer changes well is short; a line of each kind is near the start.
      if (file) corpus.Add(which + text.substr(0, 4096));
      ++which;
    }
  }
}

// In the order of the selectors of path_fuzzer.cc.
void WritePathSeeds(const std::filesystem::path& root) {
  Corpus corpus(root / "path");
  const std::string zero(32, '0');
  // The question for "a.vn", then an answer to it: an alias, an address.
  const std::string question("\1a\2vn\0\0\1\0\1", 10);
  corpus.Add(std::string("\0\0\7\x81\x80\0\1\0\2\0\0\0\0", 13) + question +
             std::string("\xc0\x0c\0\5\0\1\0\0\0\0\0\2\xc0\x0c", 14) +
             std::string("\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1", 16));
  corpus.Add(std::string("\0\0\7\x81\x83\0\1\0\0\0\0\0\0", 13) + question);
  corpus.Add(std::string("\1\0\0\0\0\0\0\0\1", 9) + "12345678");
  corpus.Add(std::string("\2\x81\0\0\0\0\0\0\1", 9) + "12345678");
  corpus.Add("\3eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0\n");
  corpus.Add("\4" + zero + " 00 " + zero + " 00 fe800000000000000000000000000001" +
             " 00000400 00000001 00000000 00450003 eth0\n");
  corpus.Add("\5nameserver fe80::1%lo\nnameserver 10.0.0.1\noptions timeout:2 attempts:3\n");
  corpus.Add("\6motcua.example.");
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds DIR\n", stderr);
    return 2;
  }
  WriteSeeds(argv[1]);
  WriteChunkSeeds(argv[1]);
  WriteRollupSeeds(argv[1]);
  WriteAccessLogSeeds(argv[1]);
  WriteJsonSeeds(argv[1]);
  WriteJourneySeeds(argv[1]);
  WriteProgramSeeds(argv[1]);
  WriteKernelSeeds(argv[1]);
  WritePathSeeds(argv[1]);
  return 0;
}
