#include <catch2/catch.hpp>

#include "collector/verdict/sentences.h"

using namespace haidang;
using namespace haidang::verdict;
using query::Certainty;
using query::Culprit;
using query::Sentence;

namespace {

constexpr int64_t kNow = 1767573000000;  // 07:30 in Viet Nam

void Says(const Sentence& sentence, const char* vi, const char* en) {
  CHECK(sentence.vi == vi);
  CHECK(sentence.en == en);
}

}  // namespace

TEST_CASE("a slow step: since when, how slow, where") {
  say::Headline head;
  head.step = "dang-nhap";
  head.since_ms = kNow - 1080000;
  head.now_ms = kNow;
  head.seconds = 6.8;
  head.usual_seconds = 1.1;
  head.sites = 31;
  head.measured = 54;
  Says(say::Begin(head),
       "Từ 07:12, bước “dang-nhap” mất 6,8 giây thay vì 1,1 giây (31 trên 54 điểm)",
       "Since 07:12 “dang-nhap” takes 6.8 s instead of 1.1 s (31 of 54 sites)");
  head.usual_seconds.reset();
  head.sites = head.measured = 54;
  head.since_ms = kNow - 9 * 3600000;
  Says(say::Begin(head), "Từ 22:30 hôm qua, bước “dang-nhap” mất 6,8 giây tại cả 54 điểm",
       "Since 22:30 yesterday “dang-nhap” takes 6.8 s at all 54 sites");
}

TEST_CASE("a failing step tells why") {
  say::Headline head;
  head.step = "tra-cuu";
  head.since_ms = head.now_ms = kNow;
  head.failing = true;
  head.reason = "status";
  head.status = 500;
  head.sites = 1;
  head.measured = 6;
  head.site_name = "Phường Hồng Gai";
  Says(say::Begin(head),
       "Từ 07:30, bước “tra-cuu” thất bại (máy chủ trả về mã lỗi 500) tại Phường Hồng Gai "
       "(1 trên 6 điểm)",
       "Since 07:30 “tra-cuu” fails (the server answers with status 500) at Phường Hồng Gai "
       "(1 of 6 sites)");
  for (const char* reason :
       {"dns", "refused", "unreachable", "dns_timeout", "connect_timeout", "tls_timeout", "timeout",
        "transfer_timeout", "tls", "tls_expired", "tls_name", "tls_untrusted", "closed", "protocol",
        "redirect", "content", "too_large", "slow", "internal"}) {
    CHECK(say::Reason(reason, {}).en != "it fails");
    CHECK(say::Reason(reason, {}).vi != "lỗi chưa rõ");
  }
  CHECK(say::Reason("something new", {}).en == "it fails");
}

TEST_CASE("places, and how sure it is") {
  Says(say::Place(Culprit::kSystem, Certainty::kCertain, "ps-db1", ""),
       "nguyên nhân nằm ở chính hệ thống một cửa điện tử (máy ps-db1)",
       "the cause lies with the one-stop system itself (machine ps-db1)");
  Says(say::Place(Culprit::kService, Certainty::kLikely, "dan-cu", ""),
       "nhiều khả năng nguyên nhân nằm ở dịch vụ phía sau (dan-cu)",
       "the cause probably lies with a service behind it (dan-cu)");
  Says(say::Place(Culprit::kLink, Certainty::kCertain, "", "Phường Hà Tu"),
       "nguyên nhân nằm ở đường truyền giữa điểm và tỉnh (Phường Hà Tu)",
       "the cause lies with the link between the site and the province (Phường Hà Tu)");
  Says(say::Place(Culprit::kUnknown, Certainty::kUnknown, "", ""),
       "chưa xác định được nguyên nhân nằm ở đâu", "where the cause lies cannot be told");
}

TEST_CASE("evidence with its numbers") {
  Says(say::PhasesNow({0.004, 0.009, 0.02, 6.4, 0.05, 0}, {0.004, 0.009, 0.021, 0.8, 0.04, 0},
                      kProcessing),
       "phân giải tên miền (DNS) 4 ms, kết nối 9 ms, bắt tay TLS 20 ms, truyền dữ liệu 50 ms như "
       "thường lệ; chờ phản hồi đầu tiên 6,4 giây, bình thường 0,8 giây",
       "DNS 4 ms, connect 9 ms, TLS 20 ms, transfer 50 ms as usual; first byte 6.4 s, usually "
       "0.8 s");
  MachineNow machine;
  machine.machine = "ps-db1";
  machine.loads[kCpu] = 0.3;
  machine.loads[kDisk] = 0.98;
  machine.disk = "sda";
  Says(say::ServerBusy(machine), "máy chủ ps-db1: ổ đĩa sda bận 98 %",
       "server ps-db1: disk sda busy 98 %");
  PathNow path;
  path.way = Way::kHub;
  path.success = true;
  path.sent = 40;
  path.lost = 10;
  Says(say::WayBad(path), "mất gói 25 % trên đường tới trung tâm mạng của tỉnh",
       "25 % of packets to the province's hub are lost");
  path.lost = 0;
  path.rtt = 0.31;
  path.usual_rtt = 0.009;
  Says(say::WayBad(path), "độ trễ tới trung tâm mạng của tỉnh 0,3 giây, bình thường 9 ms",
       "the province's hub answers after 0.3 s, usually 9 ms");
  Says(say::SameAt(31, 54), "tình trạng giống nhau tại 31 trên 54 điểm",
       "the same at 31 of 54 sites");
  Says(say::ClockOff(-31536000), "đồng hồ máy chạy chậm 365 ngày",
       "the machine's clock is 365 days behind");
}
