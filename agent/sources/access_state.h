#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sources/access_counts.h"
#include "agent/sources/log_tail.h"
#include "core/result.h"

// What an access log's reader needs to go on after a restart: how far each file was read, and what
// was counted until there, in one file that is replaced whole, so that the two never disagree.
// docs/agent-sources.md describes it.
namespace haidang::agent {

// Text without blanks and control characters: other bytes, and %, as %XX. "" is "-".
std::string EscapeWord(std::string_view text);
std::optional<std::string> UnescapeWord(std::string_view word);

std::string FormatAccessState(const std::vector<TailState>& tails, const AccessCounts& counts);

// Puts what was counted into `counts`. An Error where `text` is damaged: `counts` may then hold
// some of it.
Result<std::vector<TailState>> ParseAccessState(std::string_view text, AccessCounts& counts);

// Nothing where there is no file.
Result<std::optional<std::string>> ReadStateFile(const std::string& path);

}  // namespace haidang::agent
