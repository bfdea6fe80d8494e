// What anybody may send to the source "path", and the files that it goes by; the first byte says
// which. What is accepted is what it claims to be.

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/path/address.h"
#include "agent/path/dns_message.h"
#include "agent/path/icmp_message.h"
#include "agent/path/resolv_conf.h"
#include "agent/path/routes.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

void TryAnswer(std::string_view packet) {
  const auto v4 = ParseDnsAnswer(packet, 7, "a.vn", DnsType::kA);
  const auto v6 = ParseDnsAnswer(packet, 7, "a.vn", DnsType::kAaaa);
  // One packet cannot answer both, unless it says that nobody could read the question.
  if (v4 && v6) FUZZ_REQUIRE(v4 == DnsAnswer::kRefusal && v6 == DnsAnswer::kRefusal);
  if (v4 || v6) FUZZ_REQUIRE(packet.size() >= 12 && packet[0] == 0 && packet[1] == 7);
  if (v4) FUZZ_REQUIRE(!ParseDnsAnswer(packet, 8, "a.vn", DnsType::kA));
}

void TryEcho(int family, std::string_view packet) {
  const auto echo = ParseEchoReply(family, packet);
  static_cast<void>(ParseQuotedRequest(family, packet));
  if (!echo) return;
  FUZZ_REQUIRE(packet.size() >= kLeastEcho);
  const std::string again = EncodeEchoRequest(family, *echo, packet.size());
  FUZZ_REQUIRE(again.size() == packet.size());
  FUZZ_REQUIRE(std::equal(again.begin() + 6, again.begin() + kLeastEcho, packet.begin() + 6));
}

void TryConf(std::string_view text) {
  const ResolvConf conf = ParseResolvConf(text);
  FUZZ_REQUIRE(!conf.servers.empty() && conf.servers.size() <= 3);
  for (const std::string& server : conf.servers) FUZZ_REQUIRE(Address::Parse(server, 53));
  FUZZ_REQUIRE(conf.timeout.count() >= 1 && conf.timeout.count() <= 30);
  FUZZ_REQUIRE(conf.attempts >= 1 && conf.attempts <= 5);
}

void TryName(std::string_view name) {
  if (!CheckDnsName(name)) return;
  const std::string query = EncodeDnsQuery(7, name, DnsType::kA);
  FUZZ_REQUIRE(query.size() <= 12 + 255 + 4);
  std::string answer = query;
  answer[2] = '\x81';
  FUZZ_REQUIRE(ParseDnsAnswer(answer, 7, name, DnsType::kA) == DnsAnswer::kNoAddress);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      TryAnswer(text);
      break;
    case 1:
      TryEcho(AF_INET, text);
      break;
    case 2:
      TryEcho(AF_INET6, text);
      break;
    case 3:
      if (const auto gateway = FindGateway4(text)) {
        FUZZ_REQUIRE(gateway->empty() || Address::Parse(*gateway, 0));
      }
      break;
    case 4:
      // A link-local one may name a device that is not there.
      if (const auto gateway = FindGateway6(text)) {
        const std::string address = gateway->substr(0, gateway->find('%'));
        FUZZ_REQUIRE(gateway->empty() || Address::Parse(address, 0));
      }
      break;
    case 5:
      TryConf(text);
      break;
    default:
      TryName(text);
      break;
  }
  return 0;
}
