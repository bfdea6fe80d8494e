#pragma once

#include "agent/sources/file_source.h"

// Parsers of the network's counters below /proc/net.
namespace haidang::agent {

// net/netstat and net/snmp: a line of names and one of numbers for each protocol. Those that
// node_exporter tells without being asked for more.
Status ParseNetstat(std::string_view text, std::vector<Reading>& readings);
// net/snmp6: a name and a number a line.
Status ParseSnmp6(std::string_view text, std::vector<Reading>& readings);
// net/sockstat and net/sockstat6: a protocol, then names and numbers in turn.
Status ParseSockstat(std::string_view text, std::vector<Reading>& readings);

// net/arp: a neighbour a line, behind a line of headings; told is how many each device has.
Status ParseArp(std::string_view text, std::vector<Reading>& readings);

}  // namespace haidang::agent
