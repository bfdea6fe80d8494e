#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

// Questions to a name server and its answers, as they travel over UDP (RFC 1035, RFC 3596).
namespace haidang::agent {

enum class DnsType : uint16_t { kA = 1, kAaaa = 28 };

// What an answer says.
enum class DnsAnswer {
  kAddress,    // at least one address, or more than fits into a packet
  kNoAddress,  // the name is there, without an address of this type
  kNoName,     // NXDOMAIN: there is no such name
  kRefusal,    // the server failed or would not answer, or nobody can read what it says
};

// Whether a name server can be asked for `name`: labels of 1–63 letters, digits, "-" and "_",
// 253 bytes in all; one dot may end it. An Error says what is wrong.
Status CheckDnsName(std::string_view name);

// A question for the name as it stands (no search domains), with recursion. Required:
// CheckDnsName(name).
std::string EncodeDnsQuery(uint16_t id, std::string_view name, DnsType type);

// What `packet`, which anybody may have sent, says to that question; nothing where it is no answer
// to it.
std::optional<DnsAnswer> ParseDnsAnswer(std::string_view packet, uint16_t id, std::string_view name,
                                        DnsType type);

}  // namespace haidang::agent
