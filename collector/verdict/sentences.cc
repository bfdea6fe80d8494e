#include "collector/verdict/sentences.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "collector/verdict/clues.h"
#include "collector/verdict/numbers.h"

namespace haidang::verdict::say {
namespace {

Sentence PhaseName(size_t phase) {
  static const std::array<Sentence, 6> kNames{{
      {"phân giải tên miền (DNS)", "DNS"},
      {"kết nối", "connect"},
      {"bắt tay TLS", "TLS"},
      {"chờ phản hồi đầu tiên", "first byte"},
      {"truyền dữ liệu", "transfer"},
      {"chuyển hướng", "redirects"},
  }};
  return kNames[std::min(phase, kNames.size() - 1)];
}

Sentence LoadText(const MachineNow& machine) {
  std::vector<Sentence> parts;
  const auto put = [&](Load load, double least, const std::string& vi, const std::string& en) {
    if (!machine.loads[load] || *machine.loads[load] < least) return;
    const Sentence share = Percent(*machine.loads[load]);
    parts.push_back({vi + " " + share.vi, en + " " + share.en});
  };
  put(kCpu, 0.8, "CPU bận", "CPU busy");
  put(kMemory, 0.9, "bộ nhớ (RAM) đã dùng", "memory used");
  put(kDisk, 0.8, "ổ đĩa " + machine.disk + " bận", "disk " + machine.disk + " busy");
  put(kWaitCpu, 0.5, "chờ CPU", "waiting for CPU");
  put(kWaitMemory, 0.1, "chờ bộ nhớ", "waiting for memory");
  put(kWaitDisk, 0.3, "chờ ổ đĩa", "waiting for disk");
  return Join(parts, ", ");
}

Sentence WayName(Way way, const std::string& target) {
  if (way == Way::kGateway) return {"bộ định tuyến của điểm", "the site's gateway"};
  if (way == Way::kHub) return {"trung tâm mạng của tỉnh", "the province's hub"};
  return {"máy chủ " + target, "host " + target};
}

}  // namespace

Sentence Reason(const std::string& reason, std::optional<int> status) {
  struct Row {
    const char* reason;
    Sentence text;
  };
  static const std::vector<Row> kRows = {
      {"dns", {"không phân giải được tên miền", "the name is not found"}},
      {"dns_timeout", {"máy chủ tên miền không trả lời", "the name server does not answer"}},
      {"refused", {"kết nối bị từ chối", "the connection is refused"}},
      {"unreachable", {"không có đường tới máy chủ", "there is no way to the server"}},
      {"connect_timeout", {"quá thời gian kết nối", "connecting takes too long"}},
      {"tls_timeout", {"quá thời gian bắt tay TLS", "the TLS handshake takes too long"}},
      {"timeout", {"chờ phản hồi quá lâu", "no answer comes in time"}},
      {"transfer_timeout", {"truyền dữ liệu quá lâu", "the answer is not complete in time"}},
      {"tls", {"bắt tay TLS thất bại", "the TLS handshake fails"}},
      {"tls_expired",
       {"chứng thư số ngoài thời hạn hiệu lực", "the certificate is outside its validity"}},
      {"tls_name", {"chứng thư số thuộc tên miền khác", "the certificate is of another name"}},
      {"tls_untrusted", {"chứng thư số không đáng tin cậy", "the certificate is not trusted"}},
      {"closed", {"máy chủ đóng kết nối giữa chừng", "the server closes the connection"}},
      {"protocol", {"câu trả lời sai giao thức HTTP", "the answer is no valid HTTP"}},
      {"redirect", {"chuyển hướng sai hoặc quá nhiều", "redirects are wrong or too many"}},
      {"content", {"nội dung trả về khác mong đợi", "the content is not the expected one"}},
      {"too_large", {"nội dung trả về quá lớn", "the answer is too large"}},
      {"slow", {"chậm hơn mức cho phép", "slower than allowed"}},
      {"internal", {"phần mềm giám sát gặp lỗi", "the agent itself fails"}},
  };
  if (reason == "status") {
    if (!status || *status == 0) {
      return {"mã trạng thái HTTP báo lỗi", "the HTTP status is an error"};
    }
    return {fmt::format("máy chủ trả về mã lỗi {}", *status),
            fmt::format("the server answers with status {}", *status)};
  }
  for (const Row& row : kRows) {
    if (reason == row.reason) return row.text;
  }
  return {"lỗi chưa rõ", "it fails"};
}

Sentence Join(const std::vector<Sentence>& parts, const char* between) {
  Sentence all;
  for (const Sentence& part : parts) {
    if (part.vi.empty()) continue;
    if (!all.vi.empty()) {
      all.vi += between;
      all.en += between;
    }
    all.vi += part.vi;
    all.en += part.en;
  }
  return all;
}

Sentence Begin(const Headline& of) {
  const Sentence since = Time(of.since_ms, of.now_ms);
  Sentence out{"Từ " + since.vi + ", bước “" + of.step + "” ",
               "Since " + since.en + " “" + of.step + "” "};
  if (of.failing) {
    const Sentence why = Reason(of.reason, of.status);
    out.vi += "thất bại (" + why.vi + ")";
    out.en += "fails (" + why.en + ")";
  } else if (of.seconds) {
    const Sentence now = Seconds(*of.seconds);
    out.vi += "mất " + now.vi;
    out.en += "takes " + now.en;
    if (of.usual_seconds) {
      const Sentence usual = Seconds(*of.usual_seconds);
      out.vi += " thay vì " + usual.vi;
      out.en += " instead of " + usual.en;
    }
  } else {
    out.vi += "phản hồi chậm";
    out.en += "is slow";
  }
  if (of.sites == 1 && !of.site_name.empty()) {
    out.vi += " tại " + of.site_name;
    out.en += " at " + of.site_name;
  }
  const bool all = of.sites == of.measured && of.sites > 1;
  if (all) {
    out.vi += fmt::format(" tại cả {} điểm", of.sites);
    out.en += fmt::format(" at all {} sites", of.sites);
  } else if (of.measured > 1) {
    out.vi += fmt::format(" ({} trên {} điểm)", of.sites, of.measured);
    out.en += fmt::format(" ({} of {} sites)", of.sites, of.measured);
  }
  return out;
}

Sentence Place(query::Culprit culprit, query::Certainty certainty, const std::string& name,
               const std::string& site_name) {
  const Sentence at =
      site_name.empty() ? Sentence{} : Sentence{" (" + site_name + ")", " (" + site_name + ")"};
  Sentence place;
  switch (culprit) {
    case query::Culprit::kUnknown:
      return {"chưa xác định được nguyên nhân nằm ở đâu", "where the cause lies cannot be told"};
    case query::Culprit::kMachine:
      place = {"chính máy trạm đang đo" + (name.empty() ? "" : " " + name),
               "the measuring machine itself" + (name.empty() ? "" : " (" + name + ")")};
      break;
    case query::Culprit::kSite:
      place = {"mạng nội bộ của điểm" + at.vi, "the site's own network" + at.en};
      break;
    case query::Culprit::kLink:
      place = {"đường truyền giữa điểm và tỉnh" + at.vi,
               "the link between the site and the province" + at.en};
      break;
    case query::Culprit::kSystem:
      place = {"chính hệ thống một cửa điện tử" + (name.empty() ? "" : " (máy " + name + ")"),
               "the one-stop system itself" + (name.empty() ? "" : " (machine " + name + ")")};
      break;
    case query::Culprit::kService:
      place = {"dịch vụ phía sau" + (name.empty() ? "" : " (" + name + ")"),
               "a service behind it" + (name.empty() ? "" : " (" + name + ")")};
      break;
  }
  if (certainty == query::Certainty::kCertain) {
    return {"nguyên nhân nằm ở " + place.vi, "the cause lies with " + place.en};
  }
  return {"nhiều khả năng nguyên nhân nằm ở " + place.vi,
          "the cause probably lies with " + place.en};
}

Sentence SameCause(size_t steps) {
  if (steps == 1) {
    return {"thêm một bước khác có cùng nguyên nhân", "one other step has the same cause"};
  }
  const std::string n = std::to_string(steps);
  return {"thêm " + n + " bước khác có cùng nguyên nhân", n + " other steps have the same cause"};
}

Sentence PhasesNow(const Phases& now, const Phases& usual, std::optional<size_t> phase) {
  std::vector<Sentence> well, late;
  for (size_t i = 0; i < now.size(); ++i) {
    if (!now[i] || (*now[i] == 0 && i != phase)) continue;
    const Sentence name = PhaseName(i), seconds = Seconds(*now[i]);
    const bool above = usual[i] && *now[i] > std::max(1.6 * *usual[i], *usual[i] + 0.02);
    Sentence text{name.vi + " " + seconds.vi, name.en + " " + seconds.en};
    if (i == phase || above) {
      if (usual[i]) {
        const Sentence before = Seconds(*usual[i]);
        text.vi += ", bình thường " + before.vi;
        text.en += ", usually " + before.en;
      }
      late.push_back(std::move(text));
    } else if (usual[i]) {
      well.push_back(std::move(text));
    }
  }
  Sentence out = Join(well, ", ");
  if (!out.vi.empty()) {
    out.vi += " như thường lệ";
    out.en += " as usual";
  }
  return Join({out, Join(late, "; ")}, "; ");
}

Sentence SameAt(size_t sites, size_t measured) {
  return {fmt::format("tình trạng giống nhau tại {} trên {} điểm", sites, measured),
          fmt::format("the same at {} of {} sites", sites, measured)};
}

Sentence OnlyHere(size_t well) {
  if (well == 1) {
    return {"cùng lúc đó, 1 điểm khác vẫn bình thường", "1 other site is well at the same time"};
  }
  return {fmt::format("chỉ xảy ra ở đây; cùng lúc đó, {} điểm khác vẫn bình thường", well),
          fmt::format("only here; {} other sites are well at the same time", well)};
}

Sentence NoNeighbours() {
  return {"chưa có điểm khác nào để so sánh cùng lúc", "no other site can be compared with now"};
}

Sentence WayBad(const PathNow& path) {
  const Sentence name = WayName(path.way, path.target);
  if (path.mtu_problem) {
    return {"gói tin lớn bị mất trên đường tới " + name.vi + " (lỗi MTU)",
            "large packets vanish on the way to " + name.en + " (MTU problem)"};
  }
  if (path.success == false) {
    return {name.vi + " không trả lời", name.en + " does not answer"};
  }
  const double loss = LossOf(path);
  if (loss >= path.usual_loss.value_or(0) + 0.05) {
    const Sentence share = Percent(loss);
    return {"mất gói " + share.vi + " trên đường tới " + name.vi,
            share.en + " of packets to " + name.en + " are lost"};
  }
  if (!path.rtt) return {};
  const Sentence now = Seconds(*path.rtt);
  Sentence out{"độ trễ tới " + name.vi + " " + now.vi, name.en + " answers after " + now.en};
  if (path.usual_rtt) {
    const Sentence usual = Seconds(*path.usual_rtt);
    out.vi += ", bình thường " + usual.vi;
    out.en += ", usually " + usual.en;
  }
  return out;
}

Sentence WaysGood(bool gateway, bool hub, bool host) {
  std::vector<Sentence> parts;
  if (gateway) parts.push_back({"bộ định tuyến của điểm", "the site's gateway"});
  if (hub) parts.push_back({"trung tâm mạng của tỉnh", "the province's hub"});
  if (host) parts.push_back({"máy chủ của hệ thống", "the system's host"});
  if (parts.empty()) return {};
  const Sentence all = Join(parts, ", ");
  return {"đường tới " + all.vi + " bình thường", "the way to " + all.en + " is well"};
}

Sentence HubBadAt(size_t sites, size_t known) {
  return {
      fmt::format("đường tới trung tâm mạng của tỉnh có vấn đề tại {} trên {} điểm", sites, known),
      fmt::format("the way to the province's hub is bad at {} of {} sites", sites, known)};
}

Sentence NamesBad(const MachineNow& machine) {
  const NameNow* worst = nullptr;
  for (const NameNow& name : machine.names) {
    if (name.success == false) {
      return {"máy chủ tên miền không trả lời về " + name.name,
              "the name server gives no address of " + name.name};
    }
    if (name.seconds && (worst == nullptr || *name.seconds > *worst->seconds)) worst = &name;
  }
  if (worst == nullptr) return {};
  const Sentence now = Seconds(*worst->seconds);
  Sentence out{"máy chủ tên miền trả lời sau " + now.vi, "the name server answers after " + now.en};
  if (worst->usual_seconds) {
    const Sentence usual = Seconds(*worst->usual_seconds);
    out.vi += ", bình thường " + usual.vi;
    out.en += ", usually " + usual.en;
  }
  return out;
}

Sentence NamesOfPortalOnly() {
  return {"các tên miền khác vẫn phân giải được", "other names are still found"};
}

Sentence Starved(const MachineNow& machine) {
  const Sentence load = LoadText(machine);
  if (load.vi.empty()) return {};
  return {"máy " + machine.machine + ": " + load.vi, "machine " + machine.machine + ": " + load.en};
}

Sentence LoadFine(const MachineNow& machine) {
  if (!machine.loads[kCpu]) return {};
  const Sentence cpu = Percent(*machine.loads[kCpu]);
  return {"máy đo không quá tải (CPU bận " + cpu.vi + ")",
          "the measuring machine is not overloaded (CPU " + cpu.en + " busy)"};
}

Sentence ClockOff(double seconds) {
  const Sentence off = Span(std::abs(seconds));
  return seconds > 0 ? Sentence{"đồng hồ máy chạy nhanh " + off.vi,
                                "the machine's clock is " + off.en + " ahead"}
                     : Sentence{"đồng hồ máy chạy chậm " + off.vi,
                                "the machine's clock is " + off.en + " behind"};
}

Sentence NetworkErrors(const MachineNow& machine) {
  if (machine.carrier_lost) {
    return {"cổng mạng của máy vừa mất tín hiệu", "the machine's network port lost its signal"};
  }
  const std::string number = fmt::format("{:.0f}", machine.network_errors.value_or(0));
  return {"cổng mạng của máy có " + number + " lỗi mỗi giây",
          "the machine's network port has " + number + " errors a second"};
}

Sentence ServerGone(const MachineNow& machine) {
  return {"máy chủ " + machine.machine + " mất kết nối",
          "server " + machine.machine + " has vanished"};
}

Sentence ServerBusy(const MachineNow& machine) {
  const Sentence load = LoadText(machine);
  if (load.vi.empty()) return {};
  return {"máy chủ " + machine.machine + ": " + load.vi,
          "server " + machine.machine + ": " + load.en};
}

Sentence ServerFailed(const MachineNow& machine) {
  if (machine.failed.empty()) return {};
  return {"trên máy chủ " + machine.machine + ", “" + machine.failed.front() + "” đang lỗi",
          "on server " + machine.machine + ", “" + machine.failed.front() + "” has failed"};
}

Sentence ServersFine(size_t machines) {
  return {fmt::format("{} máy chủ của hệ thống không quá tải", machines),
          fmt::format("the system's own servers ({}) are not overloaded", machines)};
}

Sentence AddressSplit(const std::string& bad, const std::string& good) {
  return {"nơi gặp lỗi đều nối tới " + bad + "; nơi bình thường nối tới " + good,
          "those in trouble speak to " + bad + ", those that are well to " + good};
}

Sentence StrangeAddress(const std::string& address) {
  return {"địa chỉ trả lời (" + address + ") chưa từng phục vụ hệ thống này",
          "the address that answers (" + address + ") has never served this system"};
}

Sentence OnlyDependants(const std::string& service, size_t well_steps) {
  return {fmt::format("chỉ các bước cần “{}” gặp vấn đề; {} bước khác vẫn bình thường", service,
                      well_steps),
          fmt::format("only steps that need “{}” are in trouble; {} other steps are well", service,
                      well_steps)};
}

Sentence OthersToo(size_t steps) {
  return {fmt::format("{} bước không cần dịch vụ phía sau cũng gặp vấn đề", steps),
          fmt::format("{} steps that need no service behind are in trouble, too", steps)};
}

Sentence ProbeOfService(const std::string& service, bool bad) {
  return bad ? Sentence{"thăm dò trực tiếp “" + service + "” cũng gặp vấn đề",
                        "probing “" + service + "” directly is in trouble, too"}
             : Sentence{"thăm dò trực tiếp “" + service + "” vẫn bình thường",
                        "probing “" + service + "” directly is well"};
}

Sentence ColleagueWell(const std::string& machine) {
  return {"máy " + machine + " cùng điểm vẫn bình thường",
          "machine " + machine + " of the same site is well"};
}

Sentence AnotherContent() {
  return {"các điểm khác vẫn nhận đúng nội dung và đúng chứng thư số",
          "other sites get the right content and the right certificate"};
}

Sentence Contradiction() {
  return {"các dấu hiệu chưa thống nhất với nhau", "the signs do not agree with each other"};
}

Sentence TooFewFacts() {
  return {"chưa đủ dữ liệu để kết luận", "there is too little data to tell"};
}

Sentence ConnectAsUsual() {
  return {"thời gian kết nối tới hệ thống vẫn như thường lệ",
          "connecting to the system takes as long as usual"};
}

}  // namespace haidang::verdict::say
