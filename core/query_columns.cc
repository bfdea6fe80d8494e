#include <bit>
#include <cstring>

#include "core/query.h"
#include "core/query_json.h"

namespace haidang::query {
namespace {

constexpr std::string_view kMagic = "HDC1";
constexpr size_t kMaxHeaderBytes = 64U << 10;

template <typename T>
void PutLittle(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}

template <typename T>
T GetLittle(const char* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  return value;
}

Error Damaged(const char* what) { return Error{std::string("series: ") + what}; }

Status ReadHeader(std::string_view text, Column& column) {
  Result<nlohmann::json> header = ParseJsonObject(text, kMaxHeaderBytes);
  if (!header) return Error{"series: header: " + header.error().message};
  std::optional<Error> fault;
  JsonReader reader(*header, "series", &fault);
  column.machine = reader.Text("machine");
  column.series.metric = reader.Text("metric");
  for (auto& [name, value] : reader.Words("labels")) {
    column.series.labels.emplace(name, std::move(value));
  }
  if (fault) return *fault;
  return {};
}

// Takes `count` times and values off the front of `bytes`, which holds at least 16 · count.
Status ReadPoints(std::string_view bytes, size_t count, Column& column) {
  column.times_ms.reserve(count);
  column.values.reserve(count);
  const char* values = bytes.data() + count * sizeof(uint64_t);
  for (size_t i = 0; i < count; ++i) {
    const auto time =
        static_cast<int64_t>(GetLittle<uint64_t>(bytes.data() + i * sizeof(uint64_t)));
    if (i > 0 && time < column.times_ms.back()) return Damaged("times are not in order");
    column.times_ms.push_back(time);
    column.values.push_back(
        std::bit_cast<double>(GetLittle<uint64_t>(values + i * sizeof(uint64_t))));
  }
  return {};
}

}  // namespace

std::string EncodeColumns(const std::vector<Column>& columns) {
  std::string out(kMagic);
  for (const Column& column : columns) {
    nlohmann::json labels = nlohmann::json::object();
    for (const auto& [name, value] : column.series.labels) labels[name] = value;
    const std::string header = DumpJson({{"machine", column.machine},
                                         {"metric", column.series.metric},
                                         {"labels", std::move(labels)}});
    const size_t count = std::min(column.times_ms.size(), column.values.size());
    out.reserve(out.size() + header.size() + 8 + 16 * count);
    PutLittle(out, static_cast<uint32_t>(header.size()));
    out += header;
    PutLittle(out, static_cast<uint32_t>(count));
    for (size_t i = 0; i < count; ++i) PutLittle(out, static_cast<uint64_t>(column.times_ms[i]));
    for (size_t i = 0; i < count; ++i) PutLittle(out, std::bit_cast<uint64_t>(column.values[i]));
  }
  return out;
}

Result<std::vector<Column>> DecodeColumns(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return Damaged("does not begin with HDC1");
  bytes.remove_prefix(kMagic.size());
  std::vector<Column> columns;
  while (!bytes.empty()) {
    if (bytes.size() < 4) return Damaged("ends within a header's length");
    const size_t header = GetLittle<uint32_t>(bytes.data());
    bytes.remove_prefix(4);
    if (header > kMaxHeaderBytes) return Damaged("a header is too long");
    if (bytes.size() < header + 4) return Damaged("ends within a header");
    Column column;
    if (Status read = ReadHeader(bytes.substr(0, header), column); !read) return read.error();
    const size_t count = GetLittle<uint32_t>(bytes.data() + header);
    bytes.remove_prefix(header + 4);
    if (count > bytes.size() / 16) return Damaged("ends within a column");
    if (Status read = ReadPoints(bytes, count, column); !read) return read.error();
    bytes.remove_prefix(16 * count);
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace haidang::query
