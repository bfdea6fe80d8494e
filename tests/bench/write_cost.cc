// What a receiver of remote write takes of what haidang-ingest-cost hands to the collector:
// `haidang-write-cost URL AGENTS SERIES TICKS CONNECTIONS` posts the same agents' samples, made
// before, as fast as they are taken, and prints a JSON object. Each connection has machines of its
// own, so that every series comes in order.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "collector/remote/http_post.h"
#include "collector/remote/write_request.h"
#include "core/clock.h"
#include "tests/support/fleet/simulated_agent.h"

namespace {

using namespace haidang;

constexpr size_t kAgentsARequest = 100;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "haidang-write-cost: %s\n", why.c_str());
  std::exit(1);
}

// The requests of the agents from `first` to before `last`, tick by tick.
std::vector<remote::Request> MakeRequests(size_t first, size_t last, size_t series, size_t ticks) {
  std::vector<remote::Request> requests;
  remote::RequestOptions options;
  options.max_samples = kAgentsARequest * series;
  remote::WriteRequests writer(
      options, [&](remote::Request&& request) { requests.push_back(std::move(request)); });
  fleet::Counters counters;
  std::vector<fleet::SimulatedAgent> agents;
  std::vector<Labels> places;
  for (size_t i = first; i < last; ++i) {
    agents.emplace_back("bench", "may-" + std::to_string(i), i + 1, series, 15000, counters);
    places.push_back({{"instance", "may-" + std::to_string(i)}, {"class", "server"}});
  }
  const std::vector<sparkplug::BirthSeries> described = fleet::MakeSeries(series);
  std::unordered_map<uint64_t, const sparkplug::BirthSeries*> by_alias;
  for (const auto& one : described) by_alias[one.alias] = &one;
  const int64_t begin_ms = SystemClock().WallMs() - static_cast<int64_t>(ticks) * 15000;
  sparkplug::BatchDecoder decoder;
  for (size_t tick = 0; tick < ticks; ++tick) {
    for (size_t i = 0; i < agents.size(); ++i) {
      const int64_t time_ms = begin_ms + static_cast<int64_t>(tick) * 15000;
      const std::string payload = agents[i].NextBatch(time_ms, 0);
      const auto message = decoder.Decode(payload);
      if (!message || message->batches.size() != 1) Die("a batch of its own cannot be read");
      for (const sparkplug::SampleView& sample : message->batches[0].samples) {
        const sparkplug::BirthSeries& own = *by_alias.at(sample.alias);
        Labels labels = own.series.labels;
        labels.insert(places[i].begin(), places[i].end());
        const remote::Sample one{time_ms, AsNumber(ToValue(sample.value, own.datatype))};
        writer.Add(own.series.metric, labels, {&one, 1});
      }
    }
  }
  writer.Flush();
  return requests;
}

void Post(const remote::RemoteOptions& options, const std::vector<remote::Request>& requests) {
  static const std::atomic<bool> stopping = false;
  auto post = remote::HttpPost::Make(options);
  if (!post) Die(post.error().message);
  for (const remote::Request& request : requests) {
    const auto answer = (*post)->Send(request.body, stopping);
    if (!answer || answer->status / 100 != 2) {
      Die(options.url.shown + ": " + (answer ? answer->why + answer->body : "no answer"));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) Die("usage: haidang-write-cost URL AGENTS SERIES TICKS CONNECTIONS");
  remote::RemoteOptions options;
  auto url = remote::ParseRemoteUrl(argv[1]);
  if (!url) Die(url.error().message);
  options.url = *url;
  const auto number = [&](int i) { return std::strtoul(argv[i], nullptr, 10); };
  const size_t agents = number(2), series = number(3), ticks = number(4), connections = number(5);
  if (agents < connections || connections == 0 || series == 0 || ticks == 0) Die("too little");
  std::vector<std::vector<remote::Request>> requests;
  for (size_t i = 0; i < connections; ++i) {
    requests.push_back(
        MakeRequests(agents * i / connections, agents * (i + 1) / connections, series, ticks));
  }
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (const auto& own : requests) threads.emplace_back([&] { Post(options, own); });
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto values = static_cast<double>(agents * series * ticks);
  std::printf("{\"values\": %.0f, \"seconds\": %.3f, \"values_per_second\": %.0f}\n", values,
              took.count(), values / took.count());
}
