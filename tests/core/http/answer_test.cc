#include "core/io/http/answer.h"

#include <sys/socket.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "core/io/http/socket.h"

using namespace haidang::http;
using namespace std::chrono_literals;

namespace {

// The two ends of a connection; what is written to one is read from the other by a thread.
struct Wire {
  Wire() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) throw std::bad_alloc();
    ours = Socket(fds[0]);
    theirs = Socket(fds[1]);
  }
  // What `write` wrote.
  template <typename Write>
  std::string Read(Write&& write) {
    std::string all;
    std::thread reader([&] {
      char buffer[4096];
      for (;;) {
        const ssize_t got = ::recv(theirs.fd(), buffer, sizeof buffer, 0);
        if (got > 0) all.append(buffer, static_cast<size_t>(got));
        if (got == 0) return;
        if (got < 0) std::this_thread::sleep_for(1ms);
      }
    });
    write();
    ::shutdown(ours.fd(), SHUT_WR);
    reader.join();
    return all;
  }
  Socket ours, theirs;
};

Head Get() {
  Head head;
  head.method = "GET";
  head.target = "/";
  return head;
}

struct Answered {
  bool stays = false;
  std::string head, body;
};

Answered Answer(const Head& head, Reply reply, bool keep_alive = true) {
  Wire wire;
  Answered answered;
  const std::string all = wire.Read([&] {
    Outlet outlet(wire.ours.fd(), {.piece = 10s, .answer = 10s});
    answered.stays = WriteAnswer(outlet, head, std::move(reply), {{"X-Fixed", "1"}}, keep_alive);
  });
  const size_t end = all.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  answered.head = all.substr(0, end + 2);
  answered.body = all.substr(end + 4);
  return answered;
}

bool Has(const Answered& answered, const std::string& line) {
  return answered.head.find("\r\n" + line + "\r\n") != std::string::npos;
}

std::string Unchunk(std::string_view text, bool* ended) {
  std::string all;
  *ended = false;
  while (!text.empty()) {
    const size_t line = text.find("\r\n");
    const size_t size = std::stoul(std::string(text.substr(0, line)), nullptr, 16);
    if (size == 0) {
      *ended = text.substr(line) == "\r\n\r\n";
      break;
    }
    all += text.substr(line + 2, size);
    text.remove_prefix(line + 2 + size + 2);
  }
  return all;
}

std::string Unpack(const std::string& packed) {
  z_stream zlib{};
  REQUIRE(inflateInit2(&zlib, 15 + 16) == Z_OK);
  std::string out(8 << 20, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  zlib.avail_in = static_cast<uInt>(packed.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&zlib, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - zlib.avail_out);
  inflateEnd(&zlib);
  return out;
}

// A stream of `parts`, one each time.
Reply StreamOf(std::vector<std::string> parts) {
  Reply reply;
  reply.type = "text/plain; charset=utf-8";
  reply.stream = [parts = std::move(parts), next = size_t{0}](
                     const WriteBytes& write, const std::function<bool()>&) mutable {
    return write(parts[next]) && ++next < parts.size();
  };
  return reply;
}

}  // namespace

TEST_CASE("a body goes out with its length, and not where it has no place") {
  Reply reply;
  reply.body = "{\"a\":1}";
  reply.headers.emplace_back("X-Own", "2");
  const Answered full = Answer(Get(), reply);
  CHECK(full.stays);
  CHECK(full.head.starts_with("HTTP/1.1 200 OK\r\n"));
  for (const char* line :
       {"Content-Type: application/json", "Content-Length: 7", "X-Fixed: 1", "X-Own: 2"}) {
    CHECK(Has(full, line));
  }
  CHECK(full.body == reply.body);
  Head head = Get();
  head.method = "HEAD";
  CHECK(Has(Answer(head, reply), "Content-Length: 7"));
  CHECK(Answer(head, reply).body.empty());
  for (const int status : {204, 304}) {
    reply.status = status;
    const Answered none = Answer(Get(), reply);
    CHECK(none.body.empty());
    CHECK(none.head.find("Content-") == std::string::npos);
  }
  const Answered last = Answer(Get(), reply, false);
  CHECK_FALSE(last.stays);
  CHECK(Has(last, "Connection: close"));
}

TEST_CASE("large text is packed for who takes that") {
  Reply reply;
  reply.body = std::string(3'000'000, 'x') + "end";
  Head head = Get();
  CHECK(Answer(head, reply).body == reply.body);
  head.gzip = true;
  const Answered packed = Answer(head, reply);
  CHECK(Has(packed, "Content-Encoding: gzip"));
  CHECK(Has(packed, "Content-Length: " + std::to_string(packed.body.size())));
  CHECK(Unpack(packed.body) == reply.body);
  reply.type = "application/vnd.haidang.columns";
  CHECK(Answer(head, reply).body == reply.body);
}

TEST_CASE("a stream goes out in chunks, packed or not, or to the connection's end") {
  const std::vector<std::string> parts{"one\n", "", std::string(300'000, '2'), "three"};
  const std::string all = parts[0] + parts[2] + parts[3];
  bool ended = false;
  const Answered plain = Answer(Get(), StreamOf(parts));
  CHECK(plain.stays);
  CHECK(Has(plain, "Transfer-Encoding: chunked"));
  CHECK(Unchunk(plain.body, &ended) == all);
  CHECK(ended);
  Head head = Get();
  head.gzip = true;
  const Answered packed = Answer(head, StreamOf(parts));
  CHECK(Has(packed, "Content-Encoding: gzip"));
  CHECK(Unpack(Unchunk(packed.body, &ended)) == all);
  CHECK(ended);
  head = Get();
  head.old = true;
  const Answered old = Answer(head, StreamOf(parts));
  CHECK_FALSE(old.stays);
  CHECK(Has(old, "Connection: close"));
  CHECK(old.body == all);
}

TEST_CASE("events are not held back by packing") {
  Reply reply = StreamOf({"data: 1\n\n"});
  reply.type = "text/event-stream";
  reply.endless = true;
  Head head = Get();
  head.gzip = true;
  const Answered answered = Answer(head, std::move(reply));
  CHECK(answered.body.starts_with("9\r\ndata: 1\n\n\r\n"));
}

TEST_CASE("a reader that takes nothing, or too slowly, is given up in time") {
  Wire wire;
  Reply reply;
  reply.body = std::string(64 << 20, 'x');
  const auto began = std::chrono::steady_clock::now();
  SECTION("nothing: the piece's patience") {
    Outlet outlet(wire.ours.fd(), {.piece = 100ms, .answer = 20s});
    CHECK_FALSE(WriteAnswer(outlet, Get(), std::move(reply), {}, true));
    CHECK(outlet.failed());
    CHECK_FALSE(outlet.Write("more"));
  }
  SECTION("drop by drop: the answer's patience") {
    std::atomic<bool> end{false};
    std::thread slow([&] {
      char buffer[65536];
      while (!end) {
        [[maybe_unused]] const ssize_t got = ::recv(wire.theirs.fd(), buffer, sizeof buffer, 0);
        std::this_thread::sleep_for(5ms);
      }
    });
    Outlet outlet(wire.ours.fd(), {.piece = 10s, .answer = 300ms});
    CHECK_FALSE(WriteAnswer(outlet, Get(), std::move(reply), {}, true));
    end = true;
    slow.join();
  }
  CHECK(std::chrono::steady_clock::now() - began < 8s);
}

TEST_CASE("a stream that was cut has no end chunk") {
  Wire wire;
  Reply reply;
  reply.stream = [](const WriteBytes& write, const std::function<bool()>&) {
    return write(std::string(1 << 20, 'x'));
  };
  Outlet outlet(wire.ours.fd(), {.piece = 50ms, .answer = 50ms});
  CHECK_FALSE(WriteAnswer(outlet, Get(), std::move(reply), {}, true));
  std::string all(8 << 20, '\0');
  const ssize_t got = ::recv(wire.theirs.fd(), all.data(), all.size(), 0);
  REQUIRE(got > 0);
  all.resize(static_cast<size_t>(got));
  CHECK_FALSE(all.ends_with("0\r\n\r\n"));
}
