#include "core/catalogue_rows.h"

namespace haidang::catalogue {
namespace {

using enum MetricType;
using enum DataType;

constexpr MetricInfo kRows[] = {
    {"haidang_certificate_chain_not_after_seconds", kGauge, kDouble, "seconds", "name,target",
     "certificate",
     "Thời điểm hết hạn sớm nhất trong cả chuỗi chứng thư, tính bằng giây từ 1970-01-01 UTC.",
     "When the first certificate of the chain expires, in seconds since 1970-01-01 UTC."},
    {"haidang_certificate_not_after_seconds", kGauge, kDouble, "seconds", "name,target",
     "certificate", "Thời điểm chứng thư hết hạn, tính bằng giây từ 1970-01-01 UTC.",
     "When the certificate expires, in seconds since 1970-01-01 UTC."},
    {"haidang_certificate_not_before_seconds", kGauge, kDouble, "seconds", "name,target",
     "certificate", "Thời điểm chứng thư bắt đầu có hiệu lực, tính bằng giây từ 1970-01-01 UTC.",
     "When the certificate begins to be valid, in seconds since 1970-01-01 UTC."},
    {"haidang_certificate_problem", kGauge, kString, "", "name,target", "certificate",
     "Lý do chứng thư sẽ bị từ chối; rỗng nếu không có vấn đề.",
     "Why a client would refuse the certificate; empty where it would not."},
    {"haidang_certificate_subject", kGauge, kString, "", "name,target", "certificate",
     "Chủ thể của chứng thư (RFC 2253).", "The certificate's subject (RFC 2253)."},
    {"haidang_certificate_success", kGauge, kBoolean, "", "name", "certificate",
     "1 nếu đọc được chứng thư, 0 nếu không.",
     "1 where the certificates could be read, 0 where one could not."},
    {"haidang_certificate_valid", kGauge, kBoolean, "", "name,target", "certificate",
     "1 nếu chứng thư và chuỗi của nó hợp lệ lúc này, 0 nếu không.",
     "1 where the certificate and its chain are valid now, else 0."},
    {"haidang_files", kGauge, kUInt64, "", "name", "files",
     "Số tệp khớp với mẫu, không kể tệp nhỏ hơn kích thước tối thiểu.",
     "Files that match the pattern and are not smaller than min_bytes."},
    {"haidang_files_bytes", kGauge, kUInt64, "bytes", "name", "files",
     "Tổng kích thước của các tệp đó.", "Size of these files together."},
    {"haidang_files_newest_bytes", kGauge, kUInt64, "bytes", "name", "files",
     "Kích thước của tệp mới nhất.", "Size of the newest file."},
    {"haidang_files_newest_mtime_seconds", kGauge, kDouble, "seconds", "name", "files",
     "Thời điểm tệp mới nhất được sửa lần cuối, tính bằng giây từ 1970-01-01 UTC; tuổi của tệp là "
     "time() trừ giá trị này.",
     "When the newest file was last changed, in seconds since 1970-01-01 UTC; its age is time() "
     "minus this."},
    {"haidang_files_newest_path", kGauge, kString, "", "name", "files",
     "Đường dẫn của tệp mới nhất.", "Path of the newest file."},
    {"haidang_files_success", kGauge, kBoolean, "", "name", "files",
     "1 nếu tìm tệp theo mẫu thành công, 0 nếu không.",
     "1 where the files could be looked for, 0 where they could not."},
    {"haidang_process_cpu_seconds_total", kCounter, kDouble, "seconds", "mode,name",
     "process_groups",
     "Thời gian CPU mà các tiến trình của nhóm đã dùng, kể từ khi phần mềm giám sát khởi động.",
     "Processor time of the group's processes since the agent started; what ended still counts."},
    {"haidang_process_oldest_start_time_seconds", kGauge, kDouble, "seconds", "name",
     "process_groups",
     "Thời điểm tiến trình lâu nhất của nhóm khởi động, tính bằng giây từ 1970-01-01 UTC.",
     "When the group's oldest process started, in seconds since 1970-01-01 UTC."},
    {"haidang_process_open_fds", kGauge, kUInt64, "", "name", "process_groups",
     "Số tệp mà các tiến trình của nhóm đang mở; trống nếu không có quyền xem.",
     "Open files of the group's processes; no value where the agent may not see them."},
    {"haidang_process_resident_memory_bytes", kGauge, kUInt64, "bytes", "name", "process_groups",
     "Bộ nhớ RAM mà các tiến trình của nhóm đang chiếm.",
     "Resident memory of the group's processes."},
    {"haidang_process_threads", kGauge, kUInt64, "", "name", "process_groups",
     "Số luồng của các tiến trình của nhóm.", "Threads of the group's processes."},
    {"haidang_processes", kGauge, kUInt64, "", "name", "process_groups", "Số tiến trình của nhóm.",
     "Processes of the group."},
};

}  // namespace

std::span<const MetricInfo> CheckMetrics() { return kRows; }

}  // namespace haidang::catalogue
