#include "agent/child/command.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxArguments = 64;
constexpr size_t kMaxEnvironment = 32;
constexpr int kMaxGroups = 65536;

Result<std::vector<gid_t>> GroupsOf(const ChildUser& user) {
  std::vector<gid_t> groups(64);
  for (;;) {
    int count = static_cast<int>(groups.size());
    if (getgrouplist(user.name.c_str(), user.gid, groups.data(), &count) >= 0) {
      groups.resize(static_cast<size_t>(count));
      return groups;
    }
    if (count <= static_cast<int>(groups.size()) || count > kMaxGroups) {
      return Error{"the groups of user \"" + Printable(user.name) + "\" cannot be told"};
    }
    groups.resize(static_cast<size_t>(count));
  }
}

bool IsVariableName(std::string_view name) {
  const auto plain = [](char c) {
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), plain);
}

void CheckArguments(ConfigTable& table, const std::vector<std::string>& argv) {
  if (!argv.empty() && argv[0].starts_with('/') && !argv[0].ends_with('/')) return;
  table.Fault("command",
              "does not begin with the path of a program; allowed: [\"/usr/lib/nagios/plugins/"
              "check_load\", \"-w\", \"5\"], a text for each argument");
}

void ReadUser(ConfigTable& table, Command& command) {
  const std::string name = table.String("user", "", 64);
  if (name.empty()) return;
  auto user = FindUser(name);
  if (!user) {
    return table.Fault("user", user.error().message +
                                   "; allowed: a user of this machine where the "
                                   "agent runs as root, or leave it out");
  }
  // Its own user needs no change, and has its groups already.
  if (user->uid != geteuid()) command.user = std::move(*user);
}

}  // namespace

Result<ChildUser> FindUser(const std::string& name) {
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  int code = 0;
  while ((code = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) ==
             ERANGE &&
         buffer.size() < 1U << 20) {
    buffer.resize(2 * buffer.size());
  }
  if (found == nullptr) {
    const bool absent = code == 0 || code == ENOENT || code == ESRCH;
    return Error{absent ? "there is no user \"" + Printable(name) + "\""
                        : "user \"" + Printable(name) +
                              "\" cannot be looked up: " + std::generic_category().message(code)};
  }
  ChildUser user{name, entry.pw_dir, entry.pw_uid, entry.pw_gid, {}};
  if (geteuid() != 0 && user.uid != geteuid()) {
    return Error{"the agent does not run as root and cannot run programs as \"" + Printable(name) +
                 "\""};
  }
  auto groups = GroupsOf(user);
  if (!groups) return groups.error();
  user.groups = std::move(*groups);
  return user;
}

std::string NameOf(const Command& command) {
  if (command.argv.empty()) return {};
  return Printable(command.argv[0].substr(command.argv[0].rfind('/') + 1));
}

Command ReadCommand(ConfigTable& table, Command command) {
  command.argv = command.argv.empty()
                     ? table.RequiredStrings("command", kMaxArguments)
                     : table.Strings("command", std::move(command.argv), kMaxArguments);
  CheckArguments(table, command.argv);
  ReadUser(table, command);
  command.environment = table.Texts("environment", kMaxEnvironment);
  for (const auto& [name, value] : command.environment) {
    if (IsVariableName(name)) continue;
    table.Fault("environment", "\"" + Printable(name) +
                                   "\" is no name of a variable; allowed: { PGPASSFILE = "
                                   "\"/etc/haidang/pgpass\" }");
  }
  command.timeout = table.Duration("timeout", command.timeout, 100ms, 10min);
  return command;
}

}  // namespace haidang::agent
