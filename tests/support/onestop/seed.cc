#include "tests/support/onestop/seed.h"

#include <array>
#include <cstdio>

namespace haidang::onestop {
namespace {

using Words = std::string_view;

constexpr std::array<Words, 16> kFamilyNames = {"Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ",
                                                "Đặng",   "Bùi",  "Đỗ", "Hồ",   "Ngô",   "Dương",
                                                "Đinh",   "Lý",   "Tạ", "Chíu"};
constexpr std::array<Words, 14> kMiddleNames = {"Thị",   "Văn",  "Đức", "Ngọc",  "Minh",
                                                "Quang", "Thu",  "Hữu", "Thanh", "Xuân",
                                                "Hải",   "Công", "Mai", "Bảo"};
constexpr std::array<Words, 26> kGivenNames = {
    "An",   "Bình", "Chi",  "Cường", "Dũng",  "Đào",   "Giang", "Hà",   "Hạnh",
    "Hiếu", "Hoa",  "Huệ",  "Hùng",  "Hương", "Khánh", "Lan",   "Linh", "Long",
    "Nam",  "Nga",  "Phúc", "Quyên", "Sơn",   "Thảo",  "Trung", "Yến"};
constexpr std::array<Words, 12> kProcedures = {"Đăng ký khai sinh",
                                               "Đăng ký kết hôn",
                                               "Đăng ký khai tử",
                                               "Cấp bản sao trích lục hộ tịch",
                                               "Cấp giấy xác nhận tình trạng hôn nhân",
                                               "Chứng thực bản sao từ bản chính",
                                               "Chứng thực chữ ký trong các giấy tờ, văn bản",
                                               "Đăng ký thành lập hộ kinh doanh",
                                               "Cấp giấy phép xây dựng nhà ở riêng lẻ",
                                               "Đăng ký biến động quyền sử dụng đất",
                                               "Trợ cấp xã hội hàng tháng cho người cao tuổi",
                                               "Xác nhận hộ nghèo, hộ cận nghèo"};
constexpr std::array<Words, 5> kStatuses = {"Đã trả kết quả", "Đã trả kết quả", "Đang xử lý",
                                            "Chờ bổ sung giấy tờ", "Mới tiếp nhận"};
constexpr std::array<Words, 8> kNotes = {
    "Công dân nộp trực tiếp tại Bộ phận Một cửa, đã đối chiếu bản chính.",
    "Nộp qua Cổng Dịch vụ công quốc gia, chờ ký số.",
    "Thiếu bản sao căn cước công dân, đã gọi điện hướng dẫn bổ sung.",
    "Người thân nộp thay, có giấy ủy quyền kèm theo.",
    "Đề nghị trả kết quả qua bưu chính công ích.",
    "Hồ sơ chuyển từ cấp huyện cũ, đã kiểm tra dữ liệu hộ tịch.",
    "Đã thu lệ phí, biên lai điện tử gửi qua thư điện tử.",
    "Hẹn trả kết quả vào buổi sáng, công dân ở đảo xa."};
constexpr std::array<Words, 6> kOffices = {"06685", "06673", "06712", "06793", "06994", "07192"};

// SplitMix64: well mixed bits out of a counter.
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EB;
  return x ^ (x >> 31U);
}

template <size_t N>
std::string Pick(const std::array<Words, N>& words, uint64_t& random) {
  const auto chosen = words.at(random % N);
  random = Mix(random);
  return std::string(chosen);
}

std::string Date(int year, int month, int day) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02d", year, month, day);
  return text.data();
}

}  // namespace

std::string DossierCode(int64_t number, std::string_view date) {
  const auto office = kOffices.at(static_cast<uint64_t>(number) % kOffices.size());
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return std::string(office) + "." + std::string(date.substr(0, 4)) + "." + digits;
}

Dossier MadeUpDossier(int64_t number) {
  uint64_t random = Mix(static_cast<uint64_t>(number));
  Dossier dossier;
  dossier.applicant = Pick(kFamilyNames, random) + " " + Pick(kMiddleNames, random) + " " +
                      Pick(kGivenNames, random);
  dossier.procedure = Pick(kProcedures, random);
  dossier.status = Pick(kStatuses, random);
  dossier.note = Pick(kNotes, random);
  const int month = static_cast<int>(random % 12) + 1;
  const int day = static_cast<int>(random / 12 % 23) + 1;
  const int year = 2023 + static_cast<int>(random / 1000 % 3);
  dossier.received = Date(year, month, day);
  dossier.due = Date(year, month, day + 5);
  dossier.code = DossierCode(number, dossier.received);
  return dossier;
}

}  // namespace haidang::onestop
