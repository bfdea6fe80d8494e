#include "core/catalogue_rows.h"

namespace haidang::catalogue {
namespace {

using enum MetricType;
using enum DataType;

constexpr MetricInfo kRows[] = {
    {"haidang_plugin_bad_perfdata", kGauge, kUInt64, "", "name", "plugins",
     "Số mục trong dữ liệu đo (perfdata) của lần chạy gần nhất không đọc được.",
     "What of the newest run's performance data could not be read."},
    {"haidang_plugin_counter_total", kCounter, kDouble, "", "label,name", "plugins",
     "Bộ đếm mà chương trình kiểm tra báo (đơn vị c).",
     "A counter that the plug-in tells (unit c)."},
    {"haidang_plugin_critical_max", kGauge, kDouble, "", "label,name,unit", "plugins",
     "Ngưỡng nghiêm trọng trên: giá trị lớn hơn mức này là nghiêm trọng.",
     "Above this the value is critical."},
    {"haidang_plugin_critical_min", kGauge, kDouble, "", "label,name,unit", "plugins",
     "Ngưỡng nghiêm trọng dưới: giá trị nhỏ hơn mức này là nghiêm trọng.",
     "Below this the value is critical."},
    {"haidang_plugin_duration_seconds", kGauge, kDouble, "seconds", "name", "plugins",
     "Thời gian chạy của chương trình kiểm tra trong lần gần nhất.",
     "How long the plug-in's newest run took."},
    {"haidang_plugin_output", kGauge, kString, "", "name", "plugins",
     "Dòng đầu mà chương trình kiểm tra in ra, hoặc lý do không chạy được.",
     "First line that the plug-in printed, or why it could not be run."},
    {"haidang_plugin_runs_total", kCounter, kUInt64, "", "name", "plugins",
     "Số lần chương trình kiểm tra đã chạy xong, kể từ khi phần mềm giám sát khởi động.",
     "Runs of the plug-in that have ended, since the agent started."},
    {"haidang_plugin_state", kGauge, kUInt64, "", "name", "plugins",
     "Trạng thái do chương trình kiểm tra báo: 0 tốt, 1 cảnh báo, 2 nghiêm trọng, 3 không rõ (kể "
     "cả "
     "khi quá giờ hoặc không chạy được).",
     "What the plug-in says: 0 ok, 1 warning, 2 critical, 3 unknown (also where it hangs or cannot "
     "be run)."},
    {"haidang_plugin_value", kGauge, kDouble, "", "label,name,unit", "plugins",
     "Giá trị trong dữ liệu đo của chương trình kiểm tra, theo đơn vị cơ bản ghi ở nhãn unit "
     "(giây, "
     "byte, tỷ lệ).",
     "A value of the plug-in's performance data, in the base unit that the label unit names "
     "(seconds, bytes, ratio)."},
    {"haidang_plugin_value_max", kGauge, kDouble, "", "label,name,unit", "plugins",
     "Giá trị lớn nhất có thể có, ví dụ dung lượng của ổ đĩa.",
     "The greatest value that there can be, such as a disk's size."},
    {"haidang_plugin_value_min", kGauge, kDouble, "", "label,name,unit", "plugins",
     "Giá trị nhỏ nhất có thể có.", "The least value that there can be."},
    {"haidang_plugin_warning_max", kGauge, kDouble, "", "label,name,unit", "plugins",
     "Ngưỡng cảnh báo trên: giá trị lớn hơn mức này là cảnh báo.",
     "Above this the value is a warning."},
    {"haidang_plugin_warning_min", kGauge, kDouble, "", "label,name,unit", "plugins",
     "Ngưỡng cảnh báo dưới: giá trị nhỏ hơn mức này là cảnh báo.",
     "Below this the value is a warning."},
    {"haidang_smart_info", kGauge, kUInt64, "", "device,firmware,model,protocol,serial", "smart",
     "Ổ đĩa: kiểu, số sê-ri, phiên bản phần mềm của ổ và giao thức, ghi ở các nhãn; giá trị luôn "
     "là "
     "1.",
     "The disk's model, serial number, firmware and protocol, as labels; always 1."},
    {"haidang_smart_media_errors", kGauge, kUInt64, "", "device", "smart",
     "Số lỗi đọc ghi mà ổ đĩa không tự sửa được.", "Errors that the disk could not mend."},
    {"haidang_smart_passed", kGauge, kBoolean, "", "device", "smart",
     "1 nếu ổ đĩa tự đánh giá là còn tốt, 0 nếu ổ báo sắp hỏng.",
     "1 where the disk takes itself for healthy, 0 where it is about to fail."},
    {"haidang_smart_pending_sectors", kGauge, kUInt64, "", "device", "smart",
     "Số sector không đọc được, đang chờ được thay thế.",
     "Sectors that could not be read and wait to be reallocated."},
    {"haidang_smart_power_cycles", kGauge, kUInt64, "", "device", "smart",
     "Số lần ổ đĩa đã được bật nguồn.", "How often the disk was powered on."},
    {"haidang_smart_power_on_seconds", kGauge, kDouble, "seconds", "device", "smart",
     "Tổng thời gian ổ đĩa đã hoạt động.", "How long the disk has been powered on in its life."},
    {"haidang_smart_reallocated_sectors", kGauge, kUInt64, "", "device", "smart",
     "Số sector hỏng đã được thay bằng sector dự phòng.",
     "Sectors that went bad and were replaced by spare ones (SCSI: grown defects)."},
    {"haidang_smart_spare_ratio", kGauge, kDouble, "ratio", "device", "smart",
     "Tỷ lệ khối dự phòng còn lại của ổ NVMe.", "Spare blocks that an NVMe disk has left."},
    {"haidang_smart_success", kGauge, kBoolean, "", "device", "smart",
     "1 nếu đọc được SMART của ổ đĩa, 0 nếu không.",
     "1 where the disk could be asked, 0 where it could not."},
    {"haidang_smart_temperature_celsius", kGauge, kDouble, "celsius", "device", "smart",
     "Nhiệt độ của ổ đĩa.", "The disk's temperature."},
    {"haidang_smart_wear_ratio", kGauge, kDouble, "ratio", "device", "smart",
     "Mức hao mòn của ổ SSD so với tuổi thọ ghi do nhà sản xuất cam kết; có thể vượt quá 1.",
     "How much of what its maker promises an SSD has been worn; may be above 1."},
};

}  // namespace

std::span<const MetricInfo> ProgramMetrics() { return kRows; }

}  // namespace haidang::catalogue
