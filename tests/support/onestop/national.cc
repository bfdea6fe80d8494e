#include "tests/support/onestop/national.h"

#include <httplib.h>

#include <utility>

namespace haidang::onestop {

National::National(std::string url, std::chrono::milliseconds patience)
    : url_(std::move(url)), patience_(patience) {}

Result<std::string> National::Ask(const std::string& id) const {
  if (url_.empty()) return Error{"không có cơ sở dữ liệu quốc gia"};
  httplib::Client client(url_);
  client.set_connection_timeout(patience_);
  client.set_read_timeout(patience_);
  const auto answer = client.Get("/cong-dan/" + id);
  if (!answer) return Error{httplib::to_string(answer.error())};
  if (answer->status != 200) return Error{"mã trạng thái " + std::to_string(answer->status)};
  return answer->body;
}

}  // namespace haidang::onestop
