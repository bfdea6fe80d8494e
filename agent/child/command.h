#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/result.h"

namespace haidang::agent {

// Whom a program runs as: ids, and the groups that are that user's own. A value.
struct ChildUser {
  std::string name;
  std::string home;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // all of them, `gid` among them
};

// Looks the user up. An Error where there is none, or where this process may not become that user:
// only root may. Asks the system's directories of users, which may take long: not on the loop.
Result<ChildUser> FindUser(const std::string& name);

// A program that is to be run, as it stands: no shell looks at it.
struct Command {
  std::vector<std::string> argv;       // argv[0] is an absolute path
  std::optional<ChildUser> user = {};  // nothing: the agent's own
  // Beside PATH, LANG, HOME, USER and LOGNAME, or instead of them. Nothing else is handed on.
  std::map<std::string, std::string, std::less<>> environment = {};
  std::chrono::milliseconds timeout{10'000};
  size_t max_output = 64U << 10;  // bytes of standard output that are kept
};

// "check_load", for messages.
std::string NameOf(const Command& command);

// The keys that every section which runs a program has: command, user, environment, timeout. What
// `command` holds already is the default; a `command.argv` that is empty makes the key required.
Command ReadCommand(ConfigTable& table, Command command = {});

}  // namespace haidang::agent
