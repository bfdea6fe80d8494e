#include "agent/sources/host.h"

#include <sys/utsname.h>

#include <chrono>
#include <utility>

#include "agent/sources.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxLabelBytes = 256;
constexpr int64_t kAgainMs = 600'000;  // what nearly never changes is read so often

std::string Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return ToUtf8(text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin), kMaxLabelBytes);
}

// The first line of a file; empty where it cannot be read.
std::string FirstLine(const std::string& path) {
  const auto text = ReadSmallFile(path, 65536);
  return text ? Trimmed(std::string_view(*text).substr(0, text->find('\n'))) : std::string();
}

// What a machine is: kernel, distribution, maker.
class HostSource final : public Source {
 public:
  explicit HostSource(std::string root) : root_(std::move(root)) {}

  std::string_view name() const override { return "host"; }

  Status Read(int64_t wall_ms, std::vector<Reading>& readings, std::vector<Event>&) override {
    const bool due = read_ms_ < 0 || wall_ms < read_ms_ || wall_ms - read_ms_ >= kAgainMs;
    if (due) {
      read_ms_ = wall_ms;
      uname_ = Uname();
      dmi_ = Dmi();
      ReadOs();
    }
    Add(readings, "node_uname_info", uname_, true);
    if (!dmi_.empty()) Add(readings, "node_dmi_info", dmi_, true);
    if (os_.empty()) return {};
    Add(readings, "node_os_info", os_, true);
    if (os_version_) {
      Add(readings, "node_os_version",
          {{"id", os_.at("id")}, {"id_like", os_.at("id_like")}, {"name", os_.at("name")}},
          *os_version_);
    }
    return {};
  }

 private:
  Labels Uname() const {
    const std::string kernel = root_ + "proc/sys/kernel/";
    std::string machine = FirstLine(kernel + "arch");  // since Linux 6.1
    utsname here{};
    if (machine.empty() && uname(&here) == 0) machine = here.machine;
    return {{"domainname", FirstLine(kernel + "domainname")},
            {"machine", machine},
            {"nodename", FirstLine(kernel + "hostname")},
            {"release", FirstLine(kernel + "osrelease")},
            {"sysname", FirstLine(kernel + "ostype")},
            {"version", FirstLine(kernel + "version")}};
  }

  // As many as a series may have labels; serial numbers only root may read.
  Labels Dmi() const {
    Labels labels;
    bool any = false;
    for (const char* name :
         {"bios_date", "bios_release", "bios_vendor", "bios_version", "board_name", "board_vendor",
          "board_version", "chassis_serial", "chassis_vendor", "product_family", "product_name",
          "product_serial", "product_sku", "product_uuid", "product_version"}) {
      any = !labels.emplace(name, FirstLine(root_ + "sys/class/dmi/id/" + name))
                 .first->second.empty() ||
            any;
    }
    labels.emplace("system_vendor", FirstLine(root_ + "sys/class/dmi/id/sys_vendor"));
    return any ? labels : Labels();
  }

  void ReadOs() {
    auto text = ReadSmallFile(root_ + "etc/os-release", 65536);
    if (!text) text = ReadSmallFile(root_ + "usr/lib/os-release", 65536);
    os_.clear();
    os_version_.reset();
    if (!text) return;
    const auto release = ParseOsRelease(*text);
    const auto value = [&](std::string_view key) {
      const auto found = release.find(key);
      return found == release.end() ? std::string() : ToUtf8(found->second, kMaxLabelBytes);
    };
    os_ = {{"build_id", value("BUILD_ID")},
           {"id", value("ID")},
           {"id_like", value("ID_LIKE")},
           {"image_id", value("IMAGE_ID")},
           {"image_version", value("IMAGE_VERSION")},
           {"name", value("NAME")},
           {"pretty_name", value("PRETTY_NAME")},
           {"variant", value("VARIANT")},
           {"variant_id", value("VARIANT_ID")},
           {"version", value("VERSION")},
           {"version_codename", value("VERSION_CODENAME")},
           {"version_id", value("VERSION_ID")}};
    os_version_ = ParseReal(value("VERSION_ID"));
  }

  const std::string root_;
  int64_t read_ms_ = -1;
  Labels uname_, dmi_, os_;
  std::optional<double> os_version_;
};

}  // namespace

std::map<std::string, std::string, std::less<>> ParseOsRelease(std::string_view text) {
  std::map<std::string, std::string, std::less<>> values;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    std::string_view raw = line.substr(equals + 1);
    const char quote = raw.empty() ? '\0' : raw.front();
    const bool quoted = (quote == '"' || quote == '\'') && raw.size() > 1 && raw.ends_with(quote);
    if (quoted) raw = raw.substr(1, raw.size() - 2);
    std::string value;
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\\' && quote == '"' && i + 1 < raw.size()) ++i;
      value += raw[i];
    }
    values[std::string(line.substr(0, equals))] = std::move(value);
  }
  return values;
}

std::unique_ptr<Source> MakeHostSource(std::string root) {
  return std::make_unique<HostSource>(std::move(root));
}

}  // namespace haidang::agent
