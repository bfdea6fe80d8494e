#include <algorithm>

#include "core/crc64.h"
#include "core/sparkplug/batch.h"
#include "core/sparkplug/inflate.h"
#include "core/sparkplug/stamp.h"
#include "core/sparkplug/wire.h"

namespace haidang::sparkplug {
namespace {

// Bytes of the shortest metric that is a sample: tag, length, alias and is_null or a Boolean.
constexpr size_t kMinSampleBytes = 6;
// Room for so many samples is kept between messages, and taken without counting first.
constexpr size_t kKeptSamples = 256U << 10;
constexpr size_t kUncountedBytes = 64U << 10;

size_t CountMetrics(std::string_view payload) {
  size_t count = 0;
  wire::PayloadMessage message{payload.data(), payload.size()};
  while (message.next(wire::Payload::kMetrics, protozero::pbf_wire_type::length_delimited)) {
    message.skip();
    ++count;
  }
  return count;
}

AgentState ParseState(std::string_view text) {
  if (text == "stopping") return AgentState::kStopping;
  if (text == "suspending") return AgentState::kSuspending;
  return AgentState::kRunning;
}

}  // namespace

// Reads one payload into the decoder's buffers.
class BatchReader {
 public:
  explicit BatchReader(BatchDecoder& decoder) : decoder_(decoder) {}

  // Null, or what is wrong. Throws protozero's exceptions.
  const char* Read(std::string_view payload) {
    decoder_.batches_.clear();
    MakeRoom(payload);
    used_ = 0;
    wire::PayloadMessage message{payload.data(), payload.size()};
    while (message.next()) {
      if (const char* fault = ReadField(message)) return fault;
    }
    if (const char* fault = EndBatch()) return fault;
    if (stray_ && !decoder_.batches_.empty()) return "metrics stand before the first Spool/Stamp";
    return nullptr;
  }

  bool is_envelope() const { return uuid_ == wire::kCompressed; }
  bool has_metrics() const { return stray_ || !decoder_.batches_.empty(); }
  std::string_view body() const { return body_; }
  const BatchDecoder::Message& message() const { return message_; }

 private:
  // After it, samples_ has a place for every sample that `payload` can hold, and never moves.
  void MakeRoom(std::string_view payload) {
    std::vector<SampleView>& samples = decoder_.samples_;
    size_t need = payload.size() / kMinSampleBytes;
    if (samples.size() > kKeptSamples && need <= kKeptSamples) samples = {};
    if (samples.size() >= need) return;
    if (payload.size() > kUncountedBytes) need = CountMetrics(payload);
    if (samples.size() < need) samples = std::vector<SampleView>(need);
  }

  const char* ReadField(wire::PayloadMessage& message) {
    using protozero::pbf_wire_type;
    using protozero::tag_and_type;
    switch (message.tag_and_type()) {
      case tag_and_type(wire::Payload::kMetrics, pbf_wire_type::length_delimited):
        return ReadMetric(wire::ReadMetric(wire::View(message.get_view())));
      case tag_and_type(wire::Payload::kTimestamp, pbf_wire_type::varint):
        if (wire::ReadTime(message.get_uint64(), message_.timestamp_ms)) return nullptr;
        return "impossible timestamp";
      case tag_and_type(wire::Payload::kSeq, pbf_wire_type::varint):
        message_.seq = message.get_uint64();
        message_.has_seq = true;
        return message_.seq <= 255 ? nullptr : "seq above 255";
      case tag_and_type(wire::Payload::kUuid, pbf_wire_type::length_delimited):
        uuid_ = wire::View(message.get_view());
        return nullptr;
      case tag_and_type(wire::Payload::kBody, pbf_wire_type::length_delimited):
        body_ = wire::View(message.get_view());
        return nullptr;
      default:
        message.skip();
        return nullptr;
    }
  }

  const char* ReadMetric(const wire::MetricView& metric) {
    if (metric.has_alias && metric.alias == kAliasSpoolStamp &&
        metric.value.kind == WireValue::Kind::kBytes) {
      if (const char* fault = EndBatch()) return fault;
      return BeginBatch(metric);
    }
    if (!in_batch_) {
      stray_ = true;
      return nullptr;
    }
    if (!metric.has_alias) return "a metric of a batch has no alias";
    if (!metric.has_value) return "a metric of a batch has no value";
    Cover(metric);
    if (metric.alias >= kFirstSeriesAlias) {
      decoder_.samples_[used_++] = SampleView{metric.alias, metric.value};
      return nullptr;
    }
    return ReadReserved(metric);
  }

  // The CRC covers the metric's bytes without is_historical.
  void Cover(const wire::MetricView& metric) {
    if (metric.historical_at.empty()) {
      crc_.Update(metric.bytes);
      return;
    }
    const auto before = static_cast<size_t>(metric.historical_at.data() - metric.bytes.data());
    crc_.Update(metric.bytes.substr(0, before));
    crc_.Update(metric.bytes.substr(before + metric.historical_at.size()));
  }

  const char* BeginBatch(const wire::MetricView& stamp) {
    in_batch_ = true;
    batch_ = BatchView{};
    batch_.historical = stamp.historical;
    first_sample_ = used_;
    crc_ = Crc64{};
    const char* fault = DecodeStamp(stamp.value.view, batch_.header);
    if (fault == nullptr) crc_.Update(stamp.value.view.substr(kStampCrcEnd));
    return fault;
  }

  const char* ReadReserved(const wire::MetricView& metric) {
    const WireValue& value = metric.value;
    switch (metric.alias) {
      case kAliasSpoolBatch:
        if (batch_.header.number != 0) return "a batch has two numbers";
        if (value.kind != WireValue::Kind::kInt && value.kind != WireValue::Kind::kInt32) {
          return "Spool/Batch is no integer";
        }
        if (value.bits == 0) return "Spool/Batch is 0";
        if (!metric.has_timestamp || !wire::ReadTime(metric.timestamp, batch_.header.wall_ms)) {
          return "Spool/Batch has no possible timestamp";
        }
        batch_.header.number = value.bits;
        return nullptr;
      case kAliasAgentState:
        if (value.kind != WireValue::Kind::kText) return "Agent/State is no text";
        batch_.header.state = ParseState(value.view);
        return nullptr;
      case kAliasEvents:
        if (value.kind != WireValue::Kind::kBytes) return "Agent/Events is not Bytes";
        batch_.events = value.view;
        return nullptr;
      default:
        return nullptr;  // another version's; the CRC covers it
    }
  }

  const char* EndBatch() {
    if (!in_batch_) return nullptr;
    in_batch_ = false;
    if (batch_.header.number == 0) return "a batch has no Spool/Batch";
    batch_.samples = {decoder_.samples_.data() + first_sample_, used_ - first_sample_};
    batch_.crc_matches = batch_.header.crc == crc_.value();
    decoder_.batches_.push_back(batch_);
    return nullptr;
  }

  BatchDecoder& decoder_;
  BatchDecoder::Message message_;
  std::string_view uuid_;
  std::string_view body_;
  bool stray_ = false;  // a metric stood outside any batch
  bool in_batch_ = false;
  BatchView batch_;
  Crc64 crc_;
  size_t used_ = 0;  // of samples_
  size_t first_sample_ = 0;
};

Result<BatchDecoder::Message> BatchDecoder::Decode(std::string_view payload) try {
  if (payload.size() > kMaxPayload) return Error{"data: larger than 8 MiB"};
  BatchReader outer{*this};
  if (const char* fault = outer.Read(payload)) return Error{std::string("data: ") + fault};
  Message message = outer.message();
  if (!outer.is_envelope()) {
    message.batches = batches_;
    return message;
  }
  if (outer.has_metrics()) return message;  // another program's envelope: it names its algorithm
  std::string_view content;
  if (Status status = InflateBody(outer.body(), inflated_, content); !status) return status.error();
  BatchReader inner{*this};
  if (const char* fault = inner.Read(content)) return Error{std::string("envelope: ") + fault};
  if (inner.is_envelope()) return Error{"envelope: holds another envelope"};
  message.batches = batches_;
  return message;
} catch (const protozero::exception& fault) {
  return Error{std::string("data: ") + fault.what()};
}

}  // namespace haidang::sparkplug
