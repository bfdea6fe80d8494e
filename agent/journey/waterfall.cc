#include "agent/journey/waterfall.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "agent/journey/display.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

// What is said, Vietnamese and English.
struct Phase {
  std::string_view name;  // as in probe_http_duration_seconds
  std::string_view vi, en;
  std::string_view bar, ascii;  // one column each
};
constexpr std::array<Phase, kWaterfallPhases> kPhases = {{
    {"redirect", "chuyển hướng", "redirects", "▚", ">"},
    {"resolve", "tra tên miền", "name lookup", "░", "d"},
    {"connect", "kết nối", "connect", "▒", "c"},
    {"tls", "bắt tay TLS", "TLS handshake", "▓", "s"},
    {"processing", "chờ phản hồi", "waiting for the answer", "█", "#"},
    {"transfer", "nhận dữ liệu", "transfer", "▄", "="},
}};
constexpr std::string_view kJourney = "Hành trình / Journey";
constexpr std::string_view kLegend = "Chú giải / Legend";
constexpr std::string_view kPhasesMs = "Các pha, ms / Phases, ms";
constexpr std::string_view kStep = "bước / step";
constexpr std::string_view kSum = "tổng/sum";
constexpr std::string_view kTotal = "Toàn bộ / Total";
constexpr std::string_view kHops = "Chuyển hướng / Redirects";
constexpr std::string_view kWell = "Mọi bước đều được. / Every step went well.";
constexpr std::string_view kFailedVi = "Bước hỏng", kFailedEn = "Failed step";
constexpr std::string_view kNotWalked = "không chạy / not walked";
constexpr std::string_view kCertificate = "chứng chỉ / certificate";
constexpr std::string_view kDays = "ngày/days";

struct Reason {
  std::string_view word, vi, en;
};
constexpr std::array<Reason, 20> kReasons = {{
    {"dns", "tên miền không có địa chỉ", "the name has no address"},
    {"refused", "máy chủ từ chối kết nối", "the connection was refused"},
    {"unreachable", "không có đường đến địa chỉ", "there is no way to the address"},
    {"dns_timeout", "máy chủ tên miền không trả lời kịp", "the name server did not answer in time"},
    {"connect_timeout", "không ai trả lời ở địa chỉ này", "nobody answered at the address"},
    {"tls_timeout", "bắt tay TLS không xong kịp", "the TLS handshake did not end in time"},
    {"timeout", "máy chủ không trả lời kịp", "no answer came in time"},
    {"transfer_timeout", "phản hồi không đến hết kịp", "the answer did not end in time"},
    {"tls", "không bắt tay TLS được", "no TLS session came about"},
    {"tls_expired", "chứng chỉ hết hạn hoặc chưa có hiệu lực", "the certificate is not valid now"},
    {"tls_name", "chứng chỉ của tên miền khác", "the certificate is another host's"},
    {"tls_untrusted", "chứng chỉ không đáng tin", "the certificate is not trusted"},
    {"closed", "kết nối bị đóng giữa chừng", "the connection ended before the answer did"},
    {"protocol", "phản hồi không phải HTTP", "the answer is not HTTP"},
    {"redirect", "chuyển hướng không được phép hoặc quá nhiều",
     "a redirect that is not allowed, or too many"},
    {"status", "mã trạng thái không đúng", "another status than expected"},
    {"content", "nội dung không đúng như mong đợi", "the content is not what is expected"},
    {"too_large", "phản hồi quá lớn", "the answer is too large"},
    {"slow", "chậm hơn mức cho phép", "slower than it may be"},
    {"internal", "tác tử không chạy được bước này", "the agent could not walk this step"},
}};

constexpr size_t kMaxName = 20;       // columns of a step's name
constexpr size_t kCell = 11;          // of the table: a blank and a number
constexpr size_t kRightColumns = 10;  // of a step's time: "12345.6 ms"

double TimeOf(const WalkedStep& step) {
  double sum = 0;
  for (const double seconds : step.phases_s) sum += std::max(seconds, 0.0);
  return sum;
}

std::string Ms(double seconds) { return fmt::format("{:.1f}", seconds * 1e3); }

std::string Bytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const auto value = static_cast<double>(bytes);
  if (bytes < 1 << 20) return fmt::format("{:.1f} KiB", value / 1024);
  return fmt::format("{:.1f} MiB", value / (1 << 20));
}

class Drawing {
 public:
  Drawing(const Walk& walk, const WaterfallOptions& options)
      : walk_(walk), width_(std::clamp<size_t>(options.width, 60, 240)), ascii_(options.ascii) {
    for (const WalkedStep& step : walk.steps) {
      name_columns_ = std::max(name_columns_, Columns(Clean(step.name)));
      if (!step.walked) continue;
      end_s_ = std::max(end_s_, std::max(step.begin_s, 0.0) + TimeOf(step));
    }
    name_columns_ = std::min(name_columns_, kMaxName);
    bar_columns_ = width_ - name_columns_ - kRightColumns - 4;
  }

  std::string Draw() {
    Line(fmt::format("{}: {}", kJourney, Clean(walk_.journey)));
    Axis();
    for (const WalkedStep& step : walk_.steps) Bar(step);
    Legend();
    Table();
    Hops();
    Line("");
    Line(fmt::format("{}: {} ms", kTotal, Ms(end_s_)));
    Outcome();
    return std::move(text_);
  }

 private:
  // What came from outside, fit for a terminal.
  static std::string Clean(std::string_view text, size_t max_bytes = 200) {
    return Printable(text, max_bytes);
  }

  // Blanks at the end are left out.
  void Line(std::string line) {
    while (!line.empty() && line.back() == ' ') line.pop_back();
    text_ += CutToColumns(line, width_) + "\n";
  }

  std::string Name(const WalkedStep& step) const {
    return PadToColumns(CutToColumns(Clean(step.name), name_columns_), name_columns_);
  }

  // The column of the bar that a time falls in, at most bar_columns_.
  size_t ColumnOf(double seconds) const {
    if (!(end_s_ > 0)) return 0;
    const double share = std::clamp(seconds / end_s_, 0.0, 1.0);
    return static_cast<size_t>(std::lround(share * static_cast<double>(bar_columns_)));
  }

  void Axis() {
    const std::string right = Ms(end_s_) + " ms";
    Line(std::string(name_columns_ + 2, ' ') + "0" +
         std::string(bar_columns_ - std::min(bar_columns_, right.size() + 1), ' ') + right);
  }

  void Bar(const WalkedStep& step) {
    if (!step.walked) {
      Line(Name(step) + "  " + std::string(kNotWalked));
      return;
    }
    std::string bar;
    double at_s = std::max(step.begin_s, 0.0);
    size_t at = std::min(ColumnOf(at_s), bar_columns_ - 1);
    bar.append(at, ' ');
    for (size_t phase = 0; phase < kWaterfallPhases; ++phase) {
      if (!(step.phases_s[phase] > 0)) continue;
      at_s += step.phases_s[phase];
      for (const size_t end = ColumnOf(at_s); at < end; ++at) {
        bar += ascii_ ? kPhases[phase].ascii : kPhases[phase].bar;
      }
    }
    // A step too short for a column is seen as well.
    if (bar.find_first_not_of(' ') == bar.npos) bar += ascii_ ? "|" : "▏";
    const std::string time = Ms(TimeOf(step)) + " ms";
    Line(Name(step) + "  " + PadToColumns(bar, bar_columns_) + "  " +
         std::string(kRightColumns - std::min(kRightColumns, time.size()), ' ') + time);
  }

  void Legend() {
    Line("");
    Line(std::string(kLegend) + ":");
    for (const Phase& phase : kPhases) {
      Line(fmt::format("  {} {} / {}", ascii_ ? phase.ascii : phase.bar, phase.vi, phase.en));
    }
  }

  // Numbers to the right of their columns; what the answer was stands below.
  void Table() {
    Line("");
    Line(std::string(kPhasesMs) + ":");
    std::vector<std::string> cells;
    cells.reserve(kWaterfallPhases + 1);
    for (const Phase& phase : kPhases) cells.emplace_back(phase.name);
    cells.emplace_back(kSum);
    Row(kStep, cells);
    for (const WalkedStep& step : walk_.steps) {
      if (!step.walked) continue;
      cells.clear();
      for (const double seconds : step.phases_s) cells.push_back(Ms(std::max(seconds, 0.0)));
      cells.push_back(Ms(TimeOf(step)));
      Row(Clean(step.name), cells);
      Line("  " + Answer(step));
    }
  }

  // Cells that do not fit the width stand below, in columns as well.
  void Row(std::string_view name, const std::vector<std::string>& cells) {
    const size_t first = std::max(name_columns_, Columns(kStep));
    const size_t fitting = (width_ - first) / kCell;
    std::string line = PadToColumns(CutToColumns(name, first), first);
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i == fitting) {
        Line(line);
        line = std::string(first, ' ');
      }
      const size_t columns = Columns(cells[i]);
      line += std::string(kCell - std::min(kCell - 1, columns), ' ') + cells[i];
    }
    Line(line);
  }

  static std::string Answer(const WalkedStep& step) {
    std::vector<std::string> parts;
    if (step.status != 0) parts.push_back(fmt::format("HTTP {}", step.status));
    if (step.status != 0) parts.push_back(Bytes(step.bytes));
    if (!step.protocol.empty()) parts.push_back(Clean(step.protocol));
    if (!step.address.empty()) parts.push_back(Clean(step.address));
    if (step.cert_days) {
      parts.push_back(fmt::format("{} {:.0f} {}", kCertificate, *step.cert_days, kDays));
    }
    if (!step.reason.empty()) parts.push_back(Clean(step.reason));
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text.empty() ? "-" : text;
  }

  void Hops() {
    bool first = true;
    for (const WalkedStep& step : walk_.steps) {
      if (step.hops_s.empty()) continue;
      if (first) Line("");
      if (first) Line(std::string(kHops) + ", ms:");
      first = false;
      std::string hops;
      for (const double seconds : step.hops_s) hops += " " + Ms(seconds);
      Line("  " + Name(step) + " " + hops);
    }
  }

  void Outcome() {
    const auto failed = std::find_if(walk_.steps.begin(), walk_.steps.end(),
                                     [](const WalkedStep& step) { return !step.reason.empty(); });
    if (failed == walk_.steps.end()) {
      Line(std::string(kWell));
      return;
    }
    const auto known = std::find_if(kReasons.begin(), kReasons.end(), [&](const Reason& reason) {
      return reason.word == failed->reason;
    });
    const std::string word = Clean(failed->reason), name = Clean(failed->name);
    const bool is_known = known != kReasons.end();
    // Whoever must act needs all of the reason, however narrow the terminal is.
    text_ += fmt::format("{}: {}: {} ({})\n", kFailedVi, name,
                         is_known ? known->vi : std::string_view(word), word);
    text_ += fmt::format("{}: {}: {} ({})\n", kFailedEn, name,
                         is_known ? known->en : std::string_view(word), word);
    if (!failed->detail.empty()) text_ += fmt::format("  {}\n", Clean(failed->detail, 1000));
  }

  const Walk& walk_;
  const size_t width_;
  const bool ascii_;
  double end_s_ = 0;
  size_t name_columns_ = 4;
  size_t bar_columns_ = 0;
  std::string text_;
};

}  // namespace

std::string DrawWaterfall(const Walk& walk, const WaterfallOptions& options) {
  return Drawing(walk, options).Draw();
}

}  // namespace haidang::agent
