#pragma once

#include <span>
#include <string_view>

namespace haidang::agent {

// A source as people name it: under [sources] off, after --source, in `haidang-agent sources`.
struct SourceInfo {
  std::string_view name;
  std::string_view reads;   // what it reads, in few words
  std::string_view config;  // the section that must stand in the configuration; "": none, it is on
};

// All that there are, in the order in which they are read. Static data.
std::span<const SourceInfo> AllSources();

// Null when there is no such source.
const SourceInfo* FindSource(std::string_view name);

// "agent, cpu, …" in order of names: for messages.
std::string_view SourceNames();

}  // namespace haidang::agent
