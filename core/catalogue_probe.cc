#include "core/catalogue_rows.h"

namespace haidang::catalogue {
namespace {

using enum MetricType;
using enum DataType;

constexpr MetricInfo kRows[] = {
    {"haidang_agent_bad_commands_total", kCounter, kUInt64, "", "", "agent",
     "Số lệnh nhận được mà không đọc nổi.", "Commands received that could not be read."},
    {"haidang_agent_births_total", kCounter, kUInt64, "", "", "agent",
     "Số lần gửi bản khai báo (NBIRTH).", "Births (NBIRTH) sent."},
    {"haidang_agent_clock_error_seconds", kGauge, kDouble, "seconds", "", "agent",
     "Sai số tối đa của độ lệch đồng hồ đã đo (haidang_agent_clock_offset_seconds).",
     "The most by which the measured offset of the clock may be wrong: half of the round trip."},
    {"haidang_agent_clock_offset_seconds", kGauge, kDouble, "seconds", "", "agent",
     "Đồng hồ của máy đi nhanh hơn đồng hồ máy chủ thu thập bao nhiêu giây (số âm: đi chậm hơn), "
     "đo từ"
     " các xác nhận; trống khi chưa đo được.",
     "By how many seconds this machine's clock is ahead of the collector's (negative: behind), from"
     " acknowledgements' round trips; empty before the first one."},
    {"haidang_agent_connected", kGauge, kBoolean, "", "", "agent",
     "1 nếu phần mềm giám sát đang kết nối với máy chủ trung chuyển (broker) khi đọc, 0 nếu không.",
     "1 where the agent was connected to the broker when this was read, else 0."},
    {"haidang_agent_lost_ticks_total", kCounter, kUInt64, "", "", "agent",
     "Số lần đọc không ghi được vào bộ đệm trên đĩa.",
     "Readings of all sources that could not be stored in the spool."},
    {"haidang_agent_refused_readings_total", kCounter, kUInt64, "", "", "agent",
     "Số giá trị bị bỏ vì vượt giới hạn số chuỗi dữ liệu.",
     "Readings left out because of the limit of series."},
    {"haidang_agent_resent_batches_total", kCounter, kUInt64, "", "", "agent",
     "Số lô dữ liệu đã gửi lại vì chưa được xác nhận.",
     "Batches sent again because no acknowledgement had come."},
    {"haidang_agent_spool_dropped_batches_total", kCounter, kUInt64, "", "", "agent",
     "Số lô dữ liệu phải bỏ vì bộ đệm trên đĩa đã đầy hoặc quá cũ.",
     "Batches given up because the spool was full or they were too old."},
    {"haidang_agent_spool_held_bytes", kGauge, kUInt64, "bytes", "", "agent",
     "Số byte dữ liệu trong bộ đệm trên đĩa, kể cả phần đã được xác nhận nhưng còn giữ lại 48 giờ.",
     "Bytes of data in the spool, with what was acknowledged and is still kept for 48 hours."},
    {"haidang_agent_spool_waiting_batches", kGauge, kUInt64, "", "", "agent",
     "Số lô dữ liệu đang chờ máy chủ thu thập xác nhận.",
     "Batches that wait for the collector's acknowledgement."},
    {"haidang_agent_spool_waiting_bytes", kGauge, kUInt64, "bytes", "", "agent",
     "Số byte dữ liệu đang chờ máy chủ thu thập xác nhận.",
     "Bytes that wait for the collector's acknowledgement."},
    {"haidang_probe_latency_seconds", kHistogram, kBytes, "seconds", "journey,step", "probe",
     "Phân bố thời gian phản hồi của các lần thăm dò thành công.",
     "Distribution of the response times of probes that succeeded."},
    {"haidang_probe_reason", kGauge, kString, "", "journey,step", "probe",
     "Lý do lần thăm dò gần nhất thất bại; rỗng nếu thành công.",
     "Why the last probe failed; empty where it succeeded."},
    {"haidang_probe_runs_total", kCounter, kUInt64, "", "journey,step", "probe",
     "Số lần thăm dò đã chạy xong từ khi phần mềm giám sát khởi động.",
     "Probes that ended since the agent started; tells a new result from one that stands still."},
    {"probe_duration_seconds", kGauge, kDouble, "seconds", "journey,step", "probe",
     "Thời gian của lần thăm dò gần nhất, bằng tổng các giai đoạn.",
     "How long the last probe took: the sum of its phases."},
    {"probe_http_content_length", kGauge, kUInt64, "bytes", "journey,step", "probe",
     "Số byte nội dung đã nhận (không nén) của câu trả lời.",
     "Bytes of the answer's body that were received, uncompressed."},
    {"probe_http_duration_seconds", kGauge, kDouble, "seconds", "journey,phase,step", "probe",
     "Thời gian của từng giai đoạn: resolve (tên miền), connect (kết nối), tls (mã hóa), "
     "processing (máy chủ xử lý), transfer (truyền dữ liệu).",
     "Time of each phase: resolve, connect, tls, processing, transfer."},
    {"probe_http_redirects", kGauge, kUInt64, "", "journey,step", "probe",
     "Số lần chuyển hướng đã theo.", "Redirects that were followed."},
    {"probe_http_status_code", kGauge, kUInt64, "", "journey,step", "probe",
     "Mã trạng thái HTTP của câu trả lời; 0 nếu không có.",
     "HTTP status of the answer; 0 where there was none."},
    {"probe_ssl_earliest_cert_expiry", kGauge, kDouble, "seconds", "journey,step", "probe",
     "Thời điểm hết hạn sớm nhất trong chuỗi chứng thư số của máy chủ, tính bằng giây từ "
     "1970-01-01 UTC.",
     "When the first certificate of the server's chain expires, in seconds since 1970-01-01 UTC."},
    {"probe_success", kGauge, kBoolean, "", "journey,step", "probe",
     "1 nếu lần thăm dò gần nhất thành công, 0 nếu thất bại.",
     "1 where the last probe succeeded, 0 where it failed."},
    {"process_cpu_seconds_total", kCounter, kDouble, "seconds", "", "process",
     "Thời gian CPU mà tiến trình đã dùng.", "CPU time that the process used."},
    {"process_max_fds", kGauge, kUInt64, "", "", "process", "Số tệp mà tiến trình được phép mở.",
     "Files that the process may have open."},
    {"process_open_fds", kGauge, kUInt64, "", "", "process", "Số tệp mà tiến trình đang mở.",
     "Files that the process has open."},
    {"process_resident_memory_bytes", kGauge, kUInt64, "bytes", "", "process",
     "Bộ nhớ RAM mà tiến trình đang chiếm.", "Resident memory of the process."},
    {"process_start_time_seconds", kGauge, kDouble, "seconds", "", "process",
     "Thời điểm tiến trình khởi động, tính bằng giây từ 1970-01-01 UTC.",
     "When the process started, in seconds since 1970-01-01 UTC."},
    {"process_virtual_memory_bytes", kGauge, kUInt64, "bytes", "", "process",
     "Bộ nhớ ảo của tiến trình.", "Virtual memory of the process."},
    {"process_virtual_memory_max_bytes", kGauge, kDouble, "bytes", "", "process",
     "Bộ nhớ ảo tối đa của tiến trình; 2⁶⁴ nếu không giới hạn.",
     "Virtual memory that the process may have; 2⁶⁴ where it is not limited."},
};

}  // namespace

std::span<const MetricInfo> ProbeMetrics() { return kRows; }

}  // namespace haidang::catalogue
