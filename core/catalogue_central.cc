#include "core/catalogue_rows.h"

namespace haidang::catalogue {
namespace {

using enum MetricType;
using enum DataType;

constexpr MetricInfo kRows[] = {
    {"haidang_collector_acknowledgements_total", kCounter, kUInt64, "", "", "collector",
     "Số xác nhận đã gửi tới các máy.",
     "Acknowledgements (Node Control/Committed) sent to machines."},
    {"haidang_collector_batches_total", kCounter, kUInt64, "", "", "collector",
     "Số lô dữ liệu đã ghi bền vững.", "Batches committed to the store."},
    {"haidang_collector_births_total", kCounter, kUInt64, "", "", "collector",
     "Số bản khai báo (NBIRTH) đã nhận.", "Births (NBIRTH) taken in."},
    {"haidang_collector_broker_connected", kGauge, kBoolean, "", "", "collector",
     "1 nếu đang kết nối với máy chủ trung chuyển (broker), 0 nếu không.",
     "1 while the broker is connected, else 0."},
    {"haidang_collector_build_info", kGauge, kUInt64, "", "version", "collector",
     "Luôn là 1; nhãn cho biết phiên bản.", "Always 1; its label tells the version."},
    {"haidang_collector_capped_series_total", kCounter, kUInt64, "", "", "collector",
     "Số chuỗi dữ liệu được khai báo nhưng không đọc vì vượt giới hạn.",
     "Series that births declared and that are not read because of a limit."},
    {"haidang_collector_commit_duration_seconds", kHistogram, kDouble, "seconds", "", "collector",
     "Thời gian của mỗi lần ghi bền vững vào kho.", "Time that a commit to the store took."},
    {"haidang_collector_commit_failures_total", kCounter, kUInt64, "", "", "collector",
     "Số lần ghi vào kho thất bại; không lô nào trong đó được xác nhận.",
     "Commits to the store that failed; nothing of them was acknowledged."},
    {"haidang_collector_commits_total", kCounter, kUInt64, "", "", "collector",
     "Số lần ghi bền vững vào kho.", "Commits to the store."},
    {"haidang_collector_deaths_total", kCounter, kUInt64, "", "", "collector",
     "Số bản tin ngừng (NDEATH) đã nhận và được tính.", "Deaths (NDEATH) that counted."},
    {"haidang_collector_duplicate_batches_total", kCounter, kUInt64, "", "", "collector",
     "Số lô dữ liệu đã có nên được bỏ qua.",
     "Batches that were dropped because the store has them."},
    {"haidang_collector_gap_batches_total", kCounter, kUInt64, "", "", "collector",
     "Số lô dữ liệu mà máy cho biết sẽ không bao giờ tới.",
     "Batches that will never come, as births told."},
    {"haidang_collector_held_bytes", kGauge, kUInt64, "bytes", "", "collector",
     "Số byte đang giữ lại để chờ bản khai báo.", "Bytes held until a birth makes them readable."},
    {"haidang_collector_held_dropped_total", kCounter, kUInt64, "", "", "collector",
     "Số bản tin đang giữ phải bỏ vì hết chỗ; máy sẽ gửi lại.",
     "Held messages dropped for lack of room; their machines send them again."},
    {"haidang_collector_held_messages", kGauge, kUInt64, "", "", "collector",
     "Số bản tin đang giữ lại để chờ bản khai báo.",
     "Messages held until a birth makes them readable."},
    {"haidang_collector_journal_rows", kGauge, kUInt64, "", "", "collector",
     "Số lô dữ liệu hiện có trong kho.", "Batches that the journal holds."},
    {"haidang_collector_machines", kGauge, kUInt64, "", "state", "collector",
     "Số máy theo trạng thái.", "Machines by state."},
    {"haidang_collector_open_findings", kGauge, kUInt64, "", "kind", "collector",
     "Số phát hiện đang mở theo loại.", "Open findings by kind."},
    {"haidang_collector_quarantined_batches_total", kCounter, kUInt64, "", "reason", "collector",
     "Số lô dữ liệu bị cách ly theo lý do.", "Batches put into quarantine, by reason."},
    {"haidang_collector_rebirths_asked_total", kCounter, kUInt64, "", "", "collector",
     "Số lần yêu cầu máy gửi lại bản khai báo.", "Rebirths asked of machines."},
    {"haidang_collector_received_bytes_total", kCounter, kUInt64, "bytes", "", "collector",
     "Số byte nội dung bản tin đã nhận.", "Bytes of message payloads received."},
    {"haidang_collector_refused_messages_total", kCounter, kUInt64, "", "reason", "collector",
     "Số bản tin bị từ chối theo lý do.", "Messages that were not taken, by reason."},
    {"haidang_collector_seq_gaps_total", kCounter, kUInt64, "", "", "collector",
     "Số lần số thứ tự bản tin (seq) bị đứt quãng.",
     "Times that seq did not follow the one before."},
    {"haidang_collector_series", kGauge, kUInt64, "", "", "collector",
     "Số chuỗi dữ liệu của tất cả các máy.", "Series of all machines."},
    {"haidang_collector_values_total", kCounter, kUInt64, "", "", "collector",
     "Số giá trị trong các lô dữ liệu đã ghi.", "Values in the batches committed."},
    {"haidang_machine_state", kGauge, kUInt64, "", "state", "collector",
     "1 cho trạng thái hiện tại của máy, 0 cho các trạng thái khác.",
     "1 for the state that the machine is in, 0 for the others."},
    {"haidang_machine_up", kGauge, kUInt64, "", "", "collector",
     "1 nếu máy đang trực tuyến, 0 nếu không.", "1 while the machine is online, else 0."},
};

}  // namespace

std::span<const MetricInfo> CentralMetrics() { return kRows; }

}  // namespace haidang::catalogue
