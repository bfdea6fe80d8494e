#include "core/io/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace haidang::http {

struct Gzip::State {
  z_stream zlib{};
};

Gzip::Gzip() : state_(std::make_unique<State>()) {
  constexpr int kGzipFormat = 15 + 16, kMemory = 8;
  if (deflateInit2(&state_->zlib, Z_BEST_SPEED, Z_DEFLATED, kGzipFormat, kMemory,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

Gzip::~Gzip() { deflateEnd(&state_->zlib); }

void Gzip::Add(std::string_view bytes, std::string& out) { Pack(bytes, Z_NO_FLUSH, out); }

void Gzip::Finish(std::string& out) { Pack({}, Z_FINISH, out); }

void Gzip::Pack(std::string_view bytes, int flush, std::string& out) {
  std::array<char, 16384> buffer;
  z_stream& zlib = state_->zlib;
  do {
    const size_t take = std::min<size_t>(bytes.size(), std::numeric_limits<uInt>::max());
    // zlib reads through a pointer that it does not call const.
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    zlib.avail_in = static_cast<uInt>(take);
    bytes.remove_prefix(take);
    do {
      zlib.next_out = reinterpret_cast<Bytef*>(buffer.data());
      zlib.avail_out = static_cast<uInt>(buffer.size());
      deflate(&zlib, flush);
      out.append(buffer.data(), buffer.size() - zlib.avail_out);
    } while (zlib.avail_out == 0);
  } while (!bytes.empty());
}

}  // namespace haidang::http
