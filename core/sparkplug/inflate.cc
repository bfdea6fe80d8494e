#include "core/sparkplug/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "core/sparkplug/batch.h"

namespace haidang::sparkplug {

Status InflateBody(std::string_view body, std::string& buffer, std::string_view& inner) {
  const size_t limit = std::min(BatchDecoder::kMaxInflated, body.size() * kMaxInflateRatio);
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  int state = Z_OK;
  while (state == Z_OK && stream.total_out < limit) {
    if (buffer.size() == stream.total_out) {
      buffer.resize(std::min(limit, std::max(buffer.size() * 2, body.size() * 8)));
    }
    const size_t room = std::min(limit, buffer.size()) - stream.total_out;
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data() + stream.total_out);
    stream.avail_out = static_cast<uInt>(room);
    state = inflate(&stream, Z_NO_FLUSH);
  }
  // An end marker may still be unread when the output fits exactly.
  if (state == Z_OK) {
    Bytef beyond = 0;
    stream.next_out = &beyond;
    stream.avail_out = 1;
    state = inflate(&stream, Z_NO_FLUSH);
    if (state == Z_OK || stream.avail_out == 0) state = Z_MEM_ERROR;
  }
  inner = std::string_view(buffer).substr(0, stream.total_out);
  const bool left_over = stream.avail_in != 0;
  inflateEnd(&stream);
  if (state == Z_MEM_ERROR) {
    return Error{"envelope: inflates beyond 8 MiB or 64 times its size"};
  }
  if (state != Z_STREAM_END || left_over)
    return Error{"envelope: its body is not DEFLATE's (zlib)"};
  return {};
}

}  // namespace haidang::sparkplug
