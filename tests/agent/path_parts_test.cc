#include <arpa/inet.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "agent/options.h"
#include "agent/path/address.h"
#include "agent/path/dns_message.h"
#include "agent/path/icmp_message.h"
#include "agent/path/resolv_conf.h"
#include "agent/path/round.h"
#include "agent/path/routes.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

const std::string kRouteHead =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

std::string Route(const std::string& device, const std::string& destination,
                  const std::string& gateway, const std::string& flags, const std::string& metric,
                  const std::string& mask) {
  return device + "\t" + destination + "\t" + gateway + "\t" + flags + "\t0\t0\t" + metric + "\t" +
         mask + "\t0\t0\t0          \n";
}

const std::string kZero6(32, '0');

std::string Route6(const std::string& length, const std::string& next, const std::string& metric,
                   const std::string& flags, const std::string& device) {
  return kZero6 + " " + length + " " + kZero6 + " 00 " + next + " " + metric +
         " 00000001 00000000 " + flags + "     " + device + "\n";
}

const std::string kFe80 = "fe800000000000000000000000000001";
const std::string kFd00 = "fd000000000000000000000000000009";

// An answer to the question with `records` after it.
std::string Answer(uint16_t id, uint16_t flags, uint16_t count, const std::string& records,
                   DnsType type = DnsType::kA) {
  std::string packet = EncodeDnsQuery(id, "motcua.example", type);
  const auto put = [&](size_t at, uint16_t number) {
    packet[at] = static_cast<char>(number >> 8);
    packet[at + 1] = static_cast<char>(number & 0xff);
  };
  put(2, flags);
  put(6, count);
  return packet + records;
}

const std::string kRecordA = "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1"s;
const std::string kCname = "\xc0\x0c\0\5\0\1\0\0\0\0\0\2\xc0\x0c"s;

std::optional<DnsAnswer> Read(const std::string& packet, DnsType type = DnsType::kA) {
  return ParseDnsAnswer(packet, 7, "MotCua.example", type);
}

std::optional<PathOptions> Paths(const std::string& text) {
  const auto options = ParseOptions(text, "agent.toml", Need::kReading);
  INFO((options.ok() ? "" : options.error().message));
  REQUIRE(options.ok());
  return options->path;
}

std::string Fault(const std::string& text) {
  const auto options = ParseOptions(text, "agent.toml", Need::kReading);
  REQUIRE_FALSE(options.ok());
  return options.error().message;
}

}  // namespace

TEST_CASE("the gateway is the next hop of the default route with the lowest metric") {
  const std::string lan = Route("eth0", "000200C0", "00000000", "0001", "0", "00FFFFFF");
  const std::string first = Route("eth0", "00000000", "010200C0", "0003", "100", "00000000");
  const std::string second = Route("wlan0", "00000000", "0101A8C0", "0003", "600", "00000000");
  CHECK(FindGateway4(kRouteHead + second + lan + first) == "192.0.2.1");
  CHECK(FindGateway4(kRouteHead + first + second) == "192.0.2.1");
  CHECK(FindGateway4(kRouteHead + second) == "192.168.1.1");
  CHECK_FALSE(FindGateway4(kRouteHead + lan));
  CHECK_FALSE(FindGateway4(kRouteHead));
  CHECK_FALSE(FindGateway4(""));
}

TEST_CASE("routes that lead to no gateway") {
  const std::string on_link = Route("ppp0", "00000000", "00000000", "0001", "0", "00000000");
  const std::string far = Route("eth0", "00000000", "010200C0", "0003", "100", "00000000");
  CHECK(FindGateway4(kRouteHead + on_link + far) == "");  // the modem's counts
  CHECK_FALSE(
      FindGateway4(kRouteHead + Route("*", "00000000", "00000000", "0201", "0", "00000000")));
  CHECK_FALSE(
      FindGateway4(kRouteHead + Route("eth0", "00000000", "010200C0", "0002", "0", "00000000")));
  // 0.0.0.0/1, as tunnels set it.
  CHECK_FALSE(
      FindGateway4(kRouteHead + Route("tun0", "00000000", "010200C0", "0003", "0", "00000080")));
  CHECK_FALSE(FindGateway4("eth0 00000000 0102"));
  CHECK_FALSE(FindGateway4("eth0 00000000 zzzzzzzz 0003 0 0 0 00000000\n"));
  CHECK_FALSE(FindGateway4("eth0 00000000 010200C0FF 0003 0 0 0 00000000\n"));
  CHECK_FALSE(FindGateway4("\0\n\n \t\n"s));
}

TEST_CASE("the gateway of IPv6") {
  const std::string unreachable = Route6("00", kZero6, "ffffffff", "00200200", "lo");
  CHECK(FindGateway6(unreachable + Route6("00", kFe80, "00000400", "00450003", "eth0")) ==
        "fe80::1%eth0");
  CHECK(FindGateway6(Route6("00", kFd00, "00000400", "00000003", "eth0") +
                     Route6("00", kFe80, "00000800", "00450003", "wlan0")) == "fd00::9");
  CHECK(FindGateway6(Route6("00", kZero6, "00000400", "00000001", "tun0")) == "");
  CHECK_FALSE(FindGateway6(Route6("40", kFe80, "00000400", "00000003", "eth0")));
  CHECK_FALSE(FindGateway6(unreachable));
  CHECK_FALSE(FindGateway6(kZero6 + " 00 " + kZero6 + " 00 zz"));
}

TEST_CASE("resolv.conf as glibc reads it") {
  const auto conf = ParseResolvConf(
      "# of systemd\nsearch example\nnameserver 10.0.0.1\n nameserver\tfd00::53 ; x\n"
      "nameserver garbage\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n"
      "options ndots:2 timeout:1 attempts:3 rotate");
  CHECK(conf.servers == std::vector<std::string>{"10.0.0.1", "fd00::53", "10.0.0.3"});
  CHECK(conf.timeout == 1s);
  CHECK(conf.attempts == 3);

  const auto none = ParseResolvConf("options timeout:0 attempts:99 timeout:x attempts:-1\n");
  CHECK(none.servers == std::vector<std::string>{"127.0.0.1"});
  CHECK(none.timeout == 1s);
  CHECK(none.attempts == 5);
  CHECK(ParseResolvConf("options timeout:4000000000").timeout == 30s);
  CHECK(ParseResolvConf("").timeout == 5s);
  CHECK(ParseResolvConf("").attempts == 2);
}

TEST_CASE("addresses") {
  CHECK(Address::Parse("10.1.2.3", 53)->text() == "10.1.2.3");
  CHECK(Address::Parse("fd00::1", 0)->family() == AF_INET6);
  CHECK(Address::Parse("[fd00::1]", 0)->text() == "fd00::1");
  CHECK(Address::Parse("fe80::1%lo", 0)->text() == "fe80::1");
  CHECK_FALSE(Address::Parse("fe80::1%nosuchdevice", 0));
  CHECK_FALSE(Address::Parse("fe80::1%", 0));
  CHECK_FALSE(Address::Parse("motcua.example", 0));
  CHECK_FALSE(Address::Parse("", 0));
  CHECK_FALSE(Address::Parse("10.1.2", 0));
  CHECK_FALSE(Address::Parse("10.1.2.3\0x"s, 0));
  CHECK(Address::Parse("10.1.2.3", 1)->IsSameHost(*Address::Parse("10.1.2.3", 2)));
  CHECK_FALSE(Address::Parse("10.1.2.3", 1)->IsSameHost(*Address::Parse("10.1.2.4", 1)));
  CHECK_FALSE(Address::Parse("0.0.0.0", 1)->IsSameHost(*Address::Parse("::", 1)));
}

TEST_CASE("names that a name server can be asked for") {
  for (const char* good : {"a", "motcua.example", "motcua.example.", "_a.b-c.vn", "1.2.3.4.5"}) {
    INFO(good);
    CHECK(CheckDnsName(good).ok());
  }
  CHECK(CheckDnsName(std::string(63, 'a') + ".vn").ok());
  for (const std::string bad : {"", ".", "a..b", ".a", "a b", "a/b", "một-cửa.vn"}) {
    INFO(bad);
    CHECK_FALSE(CheckDnsName(bad).ok());
  }
  CHECK_FALSE(CheckDnsName(std::string(64, 'a')).ok());
  std::string longest;
  while (longest.size() < 252) longest += "a.";
  CHECK(CheckDnsName(longest + "a").ok());
  CHECK_FALSE(CheckDnsName(longest + "ab").ok());
}

TEST_CASE("a question to a name server") {
  CHECK(EncodeDnsQuery(0x1234, "a.vn", DnsType::kAaaa) ==
        "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\2vn\0\0\x1c\0\1"s);
  CHECK(EncodeDnsQuery(1, "a.vn.", DnsType::kA) == EncodeDnsQuery(1, "a.vn", DnsType::kA));
}

TEST_CASE("answers of a name server") {
  CHECK(Read(Answer(7, 0x8180, 1, kRecordA)) == DnsAnswer::kAddress);
  CHECK(Read(Answer(7, 0x8180, 2, kCname + kRecordA)) == DnsAnswer::kAddress);
  CHECK(Read(Answer(7, 0x8180, 1, kCname)) == DnsAnswer::kNoAddress);
  CHECK(Read(Answer(7, 0x8180, 0, "")) == DnsAnswer::kNoAddress);
  CHECK(Read(Answer(7, 0x8183, 0, "")) == DnsAnswer::kNoName);
  CHECK(Read(Answer(7, 0x8182, 0, "")) == DnsAnswer::kRefusal);         // SERVFAIL
  CHECK(Read(Answer(7, 0x8185, 0, "")) == DnsAnswer::kRefusal);         // REFUSED
  CHECK(Read(Answer(7, 0x8380, 0, "")) == DnsAnswer::kAddress);         // more than fits
  CHECK(Read("\0\7\x81\x81\0\0\0\0\0\0\0\0"s) == DnsAnswer::kRefusal);  // FORMERR, bare
  // An A record is no answer to a question for AAAA.
  CHECK(Read(Answer(7, 0x8180, 1, kRecordA, DnsType::kAaaa), DnsType::kAaaa) ==
        DnsAnswer::kNoAddress);
}

TEST_CASE("packets that are no answer to the question") {
  CHECK_FALSE(Read(Answer(8, 0x8180, 1, kRecordA)));  // another id
  CHECK_FALSE(Read(Answer(7, 0x0100, 1, kRecordA)));  // a question
  CHECK_FALSE(Read(Answer(7, 0xa980, 1, kRecordA)));  // another opcode
  CHECK_FALSE(Read(Answer(7, 0x8180, 1, kRecordA), DnsType::kAaaa));
  CHECK_FALSE(ParseDnsAnswer(Answer(7, 0x8180, 1, kRecordA), 7, "motcua.exampl", DnsType::kA));
  CHECK_FALSE(ParseDnsAnswer(Answer(7, 0x8180, 1, kRecordA), 7, "other.example", DnsType::kA));
  CHECK_FALSE(Read("\0\7\x81\x83\0\0\0\0\0\0\0\0"s));  // NXDOMAIN of what?
  const std::string whole = Answer(7, 0x8180, 1, kRecordA);
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    const auto read = Read(whole.substr(0, size));
    CHECK((!read || read == DnsAnswer::kRefusal));
  }
}

TEST_CASE("records that lie") {
  // An address of a wrong size, a label that is no label, a name without an end.
  CHECK(Read(Answer(7, 0x8180, 1, "\xc0\x0c\0\1\0\1\0\0\0\0\0\5\x7f\0\0\1\0"s)) ==
        DnsAnswer::kNoAddress);
  CHECK(Read(Answer(7, 0x8180, 1, "\x80" + std::string(20, '\0'))) == DnsAnswer::kRefusal);
  CHECK(Read(Answer(7, 0x8180, 1, std::string(300, '\x3f'))) == DnsAnswer::kRefusal);
  CHECK(Read(Answer(7, 0x8180, 65535, kCname)) == DnsAnswer::kRefusal);
  CHECK(Read(Answer(7, 0x8180, 1, "\xc0"s)) == DnsAnswer::kRefusal);
}

TEST_CASE("echo requests and replies") {
  const Echo echo{.sequence = 0xabcd, .token = 0x1122334455667788};
  for (const int family : {AF_INET, AF_INET6}) {
    std::string packet = EncodeEchoRequest(family, echo, 64);
    CHECK(packet.size() == 64);
    CHECK(ParseQuotedRequest(family, packet) == 0xabcd);
    CHECK(ParseQuotedRequest(family, packet.substr(0, 8)) == 0xabcd);
    CHECK_FALSE(ParseQuotedRequest(family, packet.substr(0, 7)));
    CHECK_FALSE(ParseEchoReply(family, packet));  // our own request
    packet[0] = static_cast<char>(family == AF_INET ? 0 : 129);
    CHECK(ParseEchoReply(family, packet) == echo);
    CHECK(ParseEchoReply(family, packet.substr(0, 16)) == echo);
    CHECK_FALSE(ParseEchoReply(family, packet.substr(0, 15)));
    CHECK_FALSE(ParseEchoReply(family, ""));
    CHECK_FALSE(ParseQuotedRequest(family, packet));
    packet[1] = 1;
    CHECK_FALSE(ParseEchoReply(family, packet));
    CHECK(EncodeEchoRequest(family, echo, 0).size() == kLeastEcho);
  }
  CHECK(EncodeEchoRequest(AF_INET, echo, 9000).size() == 9000);
}

TEST_CASE("the median") {
  CHECK_FALSE(MedianOf({}));
  CHECK(MedianOf({7}) == 7);
  CHECK(MedianOf({9, 1}) == 5);
  CHECK(MedianOf({100, 1, 3}) == 3);
  CHECK(MedianOf({4, 1, 3, 100}) == 3);
}

TEST_CASE("the configuration of paths") {
  CHECK_FALSE(Paths(""));
  const auto bare = Paths("[path]\n");
  REQUIRE(bare);
  CHECK((bare->gateway && bare->hub.empty() && bare->hosts.empty() && bare->names.empty()));
  CHECK(bare->interval == 15s);
  CHECK(bare->echoes == 5);
  CHECK(bare->method == PathMethod::kAuto);

  const auto full = Paths(
      "[path]\nhub = \"hub.quangninh.example\"\nhosts = [ { name = \"mot-cua\", address = "
      "\"fd00::1\", port = 443 }, { name = \"b\", address = \"b.example\" } ]\n"
      "names = [\"motcua.example\"]\ninterval = 5\ngateway = false\nechoes = 2\nmethod = "
      "\"tcp\"\n");
  REQUIRE(full);
  CHECK(full->hub == "hub.quangninh.example");
  REQUIRE(full->hosts.size() == 2);
  CHECK(full->hosts[0].address == "fd00::1");
  CHECK(full->hosts[0].port == 443);
  CHECK(full->hosts[1].port == 0);
  CHECK(full->names == std::vector<std::string>{"motcua.example"});
  CHECK((full->interval == 5s && !full->gateway && full->echoes == 2));
  CHECK(full->method == PathMethod::kTcp);
}

TEST_CASE("faults in the configuration of paths") {
  CHECK(Fault("[path]\nhub = \"a b\"\n").starts_with("agent.toml:2: path.hub: \"a b\" is no host"));
  CHECK(Fault("[path]\nhub = \"http://hub\"\n").find("path.hub") != std::string::npos);
  CHECK(Fault("[path]\nhosts = [ { name = \"a\" } ]\n").find("address") != std::string::npos);
  CHECK(Fault("[path]\nhosts = [ { name = \"a\", address = \"b\" }, { name = \"a\", address = "
              "\"c\" } ]\n")
            .find("there are two hosts \"a\"") != std::string::npos);
  CHECK(Fault("[path]\nnames = [\"a\", \"a\"]\n").find("twice") != std::string::npos);
  CHECK(Fault("[path]\nnames = [\"a..b\"]\n").find("part is empty") != std::string::npos);
  CHECK(Fault("[path]\nmethod = \"udp\"\n").find("path.method") != std::string::npos);
  CHECK(Fault("[path]\necho = 2\n").find("did you mean echoes") != std::string::npos);
  std::string many = "[path]\nhosts = [";
  for (int i = 0; i < 17; ++i) {
    many += "{ name = \"h" + std::to_string(i) + "\", address = \"a\" },";
  }
  CHECK(Fault(many + "]\n").find("path.hosts") != std::string::npos);
  CHECK(Fault("[path]\nnames = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]\n")
            .find("path.names") != std::string::npos);
}
