#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Names and property keys of a birth, docs/wire-format.md. On the wire: never rename.
namespace haidang::sparkplug::names {

inline constexpr std::string_view kBdSeq = "bdSeq";
inline constexpr std::string_view kRebirth = "Node Control/Rebirth";
inline constexpr std::string_view kSpoolBatch = "Spool/Batch";
inline constexpr std::string_view kSpoolStamp = "Spool/Stamp";
inline constexpr std::string_view kAgentState = "Agent/State";
inline constexpr std::string_view kAgentEvents = "Agent/Events";
inline constexpr std::string_view kCommitted = "Node Control/Committed";
inline constexpr std::string_view kCommittedSpool = "Node Control/Committed/Spool";
inline constexpr std::string_view kCommittedStore = "Node Control/Committed/Store";
inline constexpr std::string_view kCommittedRanges = "Node Control/Committed/Ranges";
inline constexpr std::string_view kCommittedNewest = "Node Control/Committed/Newest";
inline constexpr std::string_view kCommittedReceived = "Node Control/Committed/Received";
inline constexpr std::string_view kCommittedCheck = "Node Control/Committed/Check";
inline constexpr std::string_view kBackfillRate = "Node Control/Backfill Rate";
inline constexpr std::string_view kJourneys = "Node Control/Journeys";
inline constexpr std::string_view kSpoolId = "Spool/Id";
inline constexpr std::string_view kSpoolFirst = "Spool/First/";
inline constexpr std::string_view kSpoolNext = "Spool/Next/";
inline constexpr std::string_view kSpoolReason = "Spool/Reason/";
inline constexpr std::string_view kSpoolEnded = "Spool/Ended/";
inline constexpr std::string_view kSpoolGroups = "Spool/Groups";
inline constexpr std::string_view kAgentVersion = "Agent/Version";
inline constexpr std::string_view kAgentOs = "Agent/OS";
inline constexpr std::string_view kAgentClass = "Agent/Class";
inline constexpr std::string_view kAgentSite = "Agent/Site";
inline constexpr std::string_view kAgentInterval = "Agent/Interval";
inline constexpr std::string_view kAgentBoot = "Agent/Boot";
inline constexpr std::string_view kAgentUptime = "Agent/Uptime";

inline constexpr std::string_view kPropertyUnit = "unit";
inline constexpr std::string_view kPropertyType = "type";
inline constexpr std::string_view kPropertySource = "source";

bool IsProperty(std::string_view key);  // one of the three above

// The property key of a label: its name; where that is one of the three above or begins with "_",
// with a "_" before it.
std::string LabelKey(std::string_view label);
// The label of a property key that is none of the three above.
std::string_view LabelOfKey(std::string_view key);

// 16 lower-case hex digits.
std::string SpoolHex(uint64_t spool_id);
// False where `hex` is not what SpoolHex writes.
bool ParseSpoolHex(std::string_view hex, uint64_t& spool_id);

}  // namespace haidang::sparkplug::names
