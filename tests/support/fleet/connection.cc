#include "tests/support/fleet/connection.h"

#include <memory>
#include <utility>

namespace haidang::fleet {
namespace {

constexpr uint16_t kKeepAliveSeconds = 60;
constexpr size_t kFiltersAPacket = 100;
constexpr size_t kReadBytes = 64U << 10;

struct WriteRequest {
  uv_write_t request;
  std::string bytes;
};

}  // namespace

Connection::Connection(uv_loop_t* loop, std::string client_id, std::vector<std::string> filters,
                       ConnectionEvents events)
    : loop_(loop),
      client_id_(std::move(client_id)),
      filters_(std::move(filters)),
      events_(std::move(events)),
      incoming_(kReadBytes) {}

void Connection::Open(const sockaddr_in& address) {
  state_ = State::kConnecting;
  reader_ = PacketReader{};
  outgoing_.clear();
  uv_tcp_init(loop_, &socket_);
  uv_tcp_nodelay(&socket_, 1);
  socket_.data = this;
  const int error = uv_tcp_connect(&connect_, &socket_, reinterpret_cast<const sockaddr*>(&address),
                                   [](uv_connect_t* request, int status) {
                                     if (status == UV_ECANCELED) return;
                                     auto* self = static_cast<Connection*>(request->handle->data);
                                     status < 0 ? self->Drop(uv_strerror(status)) : self->Start();
                                   });
  if (error < 0) Drop(uv_strerror(error));
}

void Connection::Start() {
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&socket_),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        auto* self = static_cast<Connection*>(handle->data);
        *buffer = uv_buf_init(self->incoming_.data(), kReadBytes);
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        auto* self = static_cast<Connection*>(stream->data);
        if (count < 0) return self->Drop(uv_strerror(static_cast<int>(count)));
        const std::string_view bytes(buffer->base, static_cast<size_t>(count));
        if (!self->reader_.Feed(bytes, [self](const Packet& packet) { self->Take(packet); })) {
          self->Drop("the broker sent no MQTT");
        }
      });
  Write(EncodeConnect(client_id_, kKeepAliveSeconds, events_.will()));
}

void Connection::Take(const Packet& packet) {
  if (state_ == State::kClosing) return;
  if (packet.refused) return Drop("the broker refused us");
  switch (packet.type) {
    case PacketType::kConnAck:
      return Subscribe();
    case PacketType::kSubAck:
      if (missing_subacks_ == 0 || --missing_subacks_ > 0) return;
      state_ = State::kUp;
      return events_.up();
    case PacketType::kPublish:
      return events_.received(packet.topic, packet.payload);
    case PacketType::kPingResp:
    case PacketType::kDisconnect:
      return;
  }
}

void Connection::Subscribe() {
  state_ = State::kSubscribing;
  missing_subacks_ = 0;
  for (size_t begin = 0; begin < filters_.size(); begin += kFiltersAPacket) {
    const size_t end = std::min(filters_.size(), begin + kFiltersAPacket);
    const std::vector<std::string> some(filters_.begin() + static_cast<std::ptrdiff_t>(begin),
                                        filters_.begin() + static_cast<std::ptrdiff_t>(end));
    Write(EncodeSubscribe(static_cast<uint16_t>(++missing_subacks_), some));
  }
}

void Connection::Publish(std::string_view topic, std::string_view payload) {
  AppendPublish(topic, payload, outgoing_);
}

void Connection::Flush() {
  if (up() && !outgoing_.empty()) Write(std::exchange(outgoing_, {}));
}

void Connection::Ping() {
  if (up()) Write(EncodePing());
}

size_t Connection::waiting_bytes() const {
  return outgoing_.size() +
         uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&socket_));
}

void Connection::Write(std::string bytes) {
  auto request = std::make_unique<WriteRequest>();
  request->bytes = std::move(bytes);
  const uv_buf_t buffer =
      uv_buf_init(request->bytes.data(), static_cast<unsigned>(request->bytes.size()));
  request->request.data = request.get();
  const int error =
      uv_write(&request->request, reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1,
               [](uv_write_t* written, int) { delete static_cast<WriteRequest*>(written->data); });
  if (error < 0) return Drop(uv_strerror(error));
  (void)request.release();  // the callback's
}

void Connection::Drop(const std::string& why) {
  if (state_ == State::kClosed || state_ == State::kClosing) return;
  state_ = State::kClosing;
  outgoing_.clear();
  uv_close(reinterpret_cast<uv_handle_t*>(&socket_), [](uv_handle_t* handle) {
    static_cast<Connection*>(handle->data)->state_ = State::kClosed;
  });
  events_.down(why);
}

void Connection::Close() {
  Flush();
  if (!up()) return Drop("closed");
  // The kernel has the bytes, or never will: nothing of value is lost with them.
  const std::string farewell = EncodeDisconnect();
  uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(farewell.data()), static_cast<unsigned>(farewell.size()));
  uv_try_write(reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1);
  Drop("closed");
}

}  // namespace haidang::fleet
