#include "agent/sources/smart.h"

#include <unistd.h>

#include <map>
#include <optional>
#include <utility>

#include "agent/cadence.h"
#include "agent/item_trouble.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

// smartctl's exit status where a disk sleeps, as we ask for it: no failure of its own has it.
constexpr int kAsleep = 3;

// Why what smartctl wrote cannot be it; empty where it may.
std::string WhyNone(const Command& command, const ChildResult& result) {
  if (!result.problem.empty()) return NameOf(command) + " " + result.problem;
  if (result.truncated) return NameOf(command) + " wrote too much";
  if (!result.output.empty()) return {};
  const std::string_view errors = result.errors;
  const std::string line = Printable(errors.substr(0, errors.find('\n')));
  return NameOf(command) + " ended with exit code " + std::to_string(result.code) +
         (line.empty() ? "" : ": " + line);
}

class SmartSource final : public Source {
 public:
  SmartSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
              std::chrono::milliseconds sampling, const SmartOptions& options)
      : runner_(std::move(runner)),
        clock_(clock),
        options_(options),
        cadence_(clock, options.interval, sampling) {}

  std::string_view name() const override { return "smart"; }

  void Prepare() override {
    if (child_ != nullptr || !cadence_.IsDue()) return;
    cadence_.Begin();
    left_ = options_.devices;
    if (!left_.empty()) return Begin();
    Start({"--scan-open"}, [this](const ChildResult& result) { OnScan(result); });
  }

  bool Ready() const override { return child_ == nullptr || looked_; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    if (!fault_.empty()) return Error{fault_};
    for (const auto& [label, disk] : disks_) Report(label, disk, readings);
    return {};
  }

 private:
  struct Disk {
    explicit Disk(const std::string& label, const Clock& clock)
        : trouble("smart " + label, clock) {}
    std::optional<Result<SmartState>> state;  // nothing: it has slept since we know it
    ItemTrouble trouble;
  };

  void Start(std::vector<std::string> arguments, std::function<void(ChildResult)> done) {
    Command command = options_.command;
    command.max_output = kMaxSmartJson;
    command.argv.emplace_back("--json=c");
    for (std::string& argument : arguments) command.argv.push_back(std::move(argument));
    child_ = runner_->Start(std::move(command), std::move(done));
  }

  void OnScan(const ChildResult& result) {
    fault_ = WhyNone(options_.command, result);
    if (fault_.empty()) {
      auto devices = ParseSmartScan(result.output);
      if (devices) {
        left_ = std::move(*devices);
      } else {
        fault_ = NameOf(options_.command) + ": " + devices.error().message;
      }
    }
    Begin();
  }

  // The disks that are left are those there are.
  void Begin() {
    std::map<std::string, Disk> disks;
    for (const SmartDevice& device : left_) {
      const std::string label = LabelOf(device);
      if (auto known = disks_.extract(label)) {
        disks.insert(std::move(known));
      } else {
        disks.try_emplace(label, label, clock_);
      }
    }
    disks_ = std::move(disks);
    AskNext();
  }

  void AskNext() {
    if (left_.empty()) {
      child_.reset();
      looked_ = true;
      return;
    }
    const SmartDevice device = left_.front();
    left_.erase(left_.begin());
    std::vector<std::string> arguments = {"--info", "--health", "--attributes", "--log=devstat",
                                          "--nocheck=standby," + std::to_string(kAsleep)};
    if (!device.type.empty()) arguments.push_back("--device=" + device.type);
    arguments.push_back(device.name);
    Start(std::move(arguments), [this, label = LabelOf(device)](const ChildResult& result) {
      OnDisk(disks_.at(label), result);
      AskNext();
    });
  }

  void OnDisk(Disk& disk, const ChildResult& result) {
    if (result.end == ChildResult::End::kExited && result.code == kAsleep) return;
    const std::string why = WhyNone(options_.command, result);
    disk.state = why.empty() ? ParseSmart(result.output) : Result<SmartState>(Error{why});
    if (*disk.state) {
      disk.trouble.Worked();
    } else {
      disk.trouble.Failed(disk.state->error().message);
    }
  }

  static void Report(const std::string& device, const Disk& disk, std::vector<Reading>& readings) {
    if (!disk.state) return;
    const Labels labels = {{"device", device}};
    Add(readings, "haidang_smart_success", labels, disk.state->ok());
    if (!*disk.state) return;
    const SmartState& state = **disk.state;
    Add(readings, "haidang_smart_info",
        {{"device", device},
         {"firmware", state.firmware},
         {"model", state.model},
         {"protocol", state.protocol},
         {"serial", state.serial}},
        uint64_t{1});
    const auto add = [&](std::string_view metric, const auto& value) {
      if (value) Add(readings, metric, labels, *value);
    };
    add("haidang_smart_passed", state.passed);
    add("haidang_smart_temperature_celsius", state.temperature_celsius);
    add("haidang_smart_wear_ratio", state.wear_ratio);
    add("haidang_smart_spare_ratio", state.spare_ratio);
    add("haidang_smart_power_on_seconds", state.power_on_seconds);
    add("haidang_smart_power_cycles", state.power_cycles);
    add("haidang_smart_reallocated_sectors", state.reallocated_sectors);
    add("haidang_smart_pending_sectors", state.pending_sectors);
    add("haidang_smart_media_errors", state.media_errors);
  }

  const std::shared_ptr<ChildRunner> runner_;
  const Clock& clock_;
  const SmartOptions options_;
  Cadence cadence_;
  std::unique_ptr<Child> child_;   // while a look is under way
  std::vector<SmartDevice> left_;  // to be asked in it
  std::map<std::string, Disk> disks_;
  std::string fault_;    // of the scan
  bool looked_ = false;  // once at least
};

}  // namespace

SmartOptions::SmartOptions() {
  command.argv = {"/usr/sbin/smartctl"};
  command.timeout = 30s;
}

SmartOptions ReadSmartOptions(ConfigTable& root) {
  SmartOptions options;
  options.configured = root.Has("smart");
  ConfigTable table = root.Table("smart");
  options.command = ReadCommand(table, std::move(options.command));
  options.interval = table.Duration("interval", options.interval, 1min, 24h);
  for (const std::string& text : table.Strings("devices", {}, kMaxSmartDevices)) {
    auto device = ParseSmartDevice(text);
    if (!device) {
      table.Fault("devices", "\"" + Printable(text) +
                                 "\" is no disk; allowed: [\"/dev/sda\", \"/dev/bus/0 -d "
                                 "megaraid,1\"], empty: those that smartctl finds");
      break;
    }
    options.devices.push_back(std::move(*device));
  }
  table.Finish();
  return options;
}

bool WantsSmart(const std::string& root, const SmartOptions& options) {
  return options.configured ||
         (geteuid() == 0 && access((root + "usr/sbin/smartctl").c_str(), X_OK) == 0);
}

std::unique_ptr<Source> MakeSmartSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                                        std::chrono::milliseconds sampling,
                                        const SmartOptions& options) {
  return std::make_unique<SmartSource>(std::move(runner), clock, sampling, options);
}

}  // namespace haidang::agent
