#include "server/configuration.h"

#include <utility>

#include "core/config.h"
#include "core/io/secret.h"
#include "core/io/state_directory.h"
#include "server/calendar.h"
#include "server/csv.h"

namespace haidang::server {
namespace {

constexpr size_t kMaxFileBytes = 16U << 20;

// The file that `table`'s key `file` names; nothing where it names none.
template <typename File, typename Parse>
void ReadNamed(ConfigTable table, const std::string& path, Parse parse, std::optional<File>& out) {
  if (path.empty()) return;
  const Result<std::string> text = ReadFile(path, kMaxFileBytes);
  if (!text) {
    return table.Fault("file", text.error().message + "; allowed: a CSV file of at most 16 MiB");
  }
  Result<File> file = parse(*text);
  if (!file) return table.Fault("file", path + ": " + file.error().message);
  out = std::move(*file);
}

}  // namespace

Result<Configuration> LoadConfiguration(const std::string& path) {
  const auto file = ConfigFile::Load(path);
  if (!file) return file.error();
  auto options = ReadOptions(**file);
  if (!options) return options.error();
  Configuration configuration{std::move(*options), {}, {}, {}};
  ConfigTable root = (*file)->root();
  ReadNamed(root.Table("sites"), configuration.options.sites_file, ParseSites, configuration.sites);
  ReadNamed(root.Table("inventory"), configuration.options.inventory_file, ParseInventory,
            configuration.inventory);
  std::optional<std::vector<CalendarDay>> days;
  ReadNamed(root.Table("calendar"), configuration.options.calendar_file, ParseCalendarDays, days);
  configuration.calendar = {configuration.options.office_hours,
                            days.value_or(std::vector<CalendarDay>{})};
  if (const auto secret = ReadSecret(configuration.options.secret_file); !secret) {
    root.Table("collector").Fault("secret_file", secret.error().message);
  }
  const Status state = CheckStateDirectory(configuration.options.state_directory);
  if (!state) root.Table("state").Fault("directory", state.error().message);
  if (auto error = (*file)->error()) return *error;
  return configuration;
}

}  // namespace haidang::server
