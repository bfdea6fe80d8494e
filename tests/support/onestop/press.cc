#include "tests/support/onestop/press.h"

#include <httplib.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace haidang::onestop {
namespace {

using Steady = std::chrono::steady_clock;

struct Answers {
  std::mutex mutex;
  std::vector<double> seconds;
  int64_t failures = 0;
};

void OnePerson(const PressOptions& options, Steady::time_point end, Answers& answers) {
  httplib::Client client(options.url);
  client.set_keep_alive(true);
  client.set_read_timeout(std::chrono::seconds(60));
  if (options.ca_file.empty()) {
    client.enable_server_certificate_verification(false);
  } else {
    client.set_ca_cert_path(options.ca_file.c_str());
  }
  const std::string path = httplib::append_query_params("/tra-cuu", {{"q", options.query}});
  while (Steady::now() < end) {
    const auto start = Steady::now();
    const auto response = client.Get(path);
    const std::chrono::duration<double> took = Steady::now() - start;
    const std::lock_guard lock(answers.mutex);
    if (response && response->status == 200) {
      answers.seconds.push_back(took.count());
    } else {
      ++answers.failures;
      if (!response) break;  // nobody there: do not spin
    }
  }
}

double Quantile(std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

Result<PressResult> Press(const PressOptions& options) {
  if (!httplib::Client(options.url).is_valid()) {
    return Error{"cannot press " + options.url + ": not a URL of http or https"};
  }
  Answers answers;
  std::vector<std::thread> people;
  const auto end = Steady::now() + options.duration;
  for (int i = 0; i < options.people; ++i) {
    people.emplace_back([&] { OnePerson(options, end, answers); });
  }
  for (auto& person : people) person.join();
  std::sort(answers.seconds.begin(), answers.seconds.end());
  PressResult result;
  result.failures = answers.failures;
  result.requests = static_cast<int64_t>(answers.seconds.size()) + answers.failures;
  result.median_seconds = Quantile(answers.seconds, 0.5);
  result.p95_seconds = Quantile(answers.seconds, 0.95);
  return result;
}

std::string ToJson(const PressResult& result) {
  return nlohmann::json{{"requests", result.requests},
                        {"failures", result.failures},
                        {"median_seconds", result.median_seconds},
                        {"p95_seconds", result.p95_seconds}}
      .dump();
}

}  // namespace haidang::onestop
