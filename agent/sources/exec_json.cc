#include "agent/sources/exec_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/cadence.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxDocuments = 32;

// Why there is no document in what a program wrote; empty where there is one.
std::string WhyNone(const Command& command, const ChildResult& result) {
  const std::string name = NameOf(command);
  if (!result.problem.empty()) return name + " " + result.problem;
  if (result.code != 0) {
    const std::string_view errors = result.errors;
    const std::string_view line = errors.substr(0, errors.find('\n'));
    return fmt::format("{} ended with exit code {}{}{}", name, result.code,
                       line.empty() ? "" : ": ", Printable(line));
  }
  return {};
}

class ExecJsonSource final : public Source {
 public:
  ExecJsonSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                 std::chrono::milliseconds tick, const std::vector<ExecJsonOptions>& documents)
      : runner_(std::move(runner)) {
    asked_.reserve(documents.size());  // programs call back into them
    for (const ExecJsonOptions& one : documents) {
      asked_.push_back({{"exec_json", one.json, clock}, one.command, {clock, one.interval, tick}});
    }
  }

  std::string_view name() const override { return "exec_json"; }

  void Prepare() override {
    for (Asked& one : asked_) {
      if (one.run != nullptr || !one.cadence.IsDue()) continue;
      one.cadence.Begin();
      one.run = runner_->Start(one.command, [&one](const ChildResult& result) {
        one.run = nullptr;
        const std::string fault = WhyNone(one.command, result);
        if (fault.empty()) {
          one.item.Answered(result.output);
        } else {
          one.item.Failed(fault);
        }
      });
    }
  }

  bool Ready() const override {
    return std::all_of(asked_.begin(), asked_.end(),
                       [](const Asked& one) { return one.run == nullptr; });
  }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    for (const Asked& one : asked_) one.item.Report(readings);
    return {};
  }

 private:
  // A document and the program that writes it.
  struct Asked {
    JsonItem item;
    Command command;
    Cadence cadence;
    std::unique_ptr<Child> run = {};  // null: none is under way
  };

  std::shared_ptr<ChildRunner> runner_;
  std::vector<Asked> asked_;
};

}  // namespace

std::vector<ExecJsonOptions> ReadExecJsonOptions(ConfigTable& root, JsonTaken& taken) {
  std::vector<ExecJsonOptions> all;
  for (ConfigTable& table : root.Tables("exec_json", kMaxDocuments)) {
    ExecJsonOptions one;
    one.json = ReadJsonOptions(table, taken);
    one.command.max_output = JsonItem::kMaxBytes;
    one.command = ReadCommand(table, std::move(one.command));
    one.interval = table.Duration("interval", 1min, 1s, 24h);
    table.Finish();
    all.push_back(std::move(one));
  }
  return all;
}

std::unique_ptr<Source> MakeExecJsonSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                                           std::chrono::milliseconds tick,
                                           const std::vector<ExecJsonOptions>& documents) {
  return std::make_unique<ExecJsonSource>(std::move(runner), clock, tick, documents);
}

}  // namespace haidang::agent
