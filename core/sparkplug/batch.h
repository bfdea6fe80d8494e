#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/sample.h"

// The NDATA side of the wire (docs/wire-format.md): one batch is what an agent read at one tick.
namespace haidang::sparkplug {

// Aliases below kFirstSeriesAlias mean the same in every birth of ours. On the wire: never
// renumber.
enum ReservedAlias : uint64_t {
  kAliasSpoolBatch = 1,          // UInt64: the batch's number, from 1
  kAliasSpoolStamp = 2,          // Bytes: see StampFields below
  kAliasAgentState = 3,          // String: "running", "stopping", "suspending"
  kAliasEvents = 4,              // Bytes: events of this tick
  kAliasCommitted = 8,           // NCMD, UInt64: every batch up to this number is settled
  kAliasCommittedSpool = 9,      // NCMD, UInt64
  kAliasCommittedStore = 10,     // NCMD, UInt64
  kAliasCommittedRanges = 11,    // NCMD, Bytes
  kAliasCommittedNewest = 12,    // NCMD, UInt64
  kAliasCommittedReceived = 13,  // NCMD, UInt64, milliseconds
  kAliasBackfillRate = 14,       // NCMD, Double, batches a second
  kAliasCommittedCheck = 15,     // NCMD, Bytes
  kAliasJourneys = 16,           // NCMD, String: JSON
};
inline constexpr uint64_t kFirstSeriesAlias = 32;
inline constexpr int kMaxGroups = 64;

enum class AgentState : uint8_t { kRunning, kStopping, kSuspending };

// Everything a batch says beside its samples.
struct BatchHeader {
  uint64_t spool_id = 0;
  uint64_t number = 0;   // from 1, without holes within a spool id
  uint64_t crc = 0;      // CRC-64/XZ over the canonical content; docs/wire-format.md
  uint64_t boot_id = 0;  // changes with each boot
  int64_t since_boot_ms = 0;
  int64_t wall_ms = 0;  // the tick's time, as the machine's clock had it
  uint64_t groups = 0;  // bit i: the i-th group of the birth's Spool/Groups was read
  bool full = false;    // every series that has a value is in it
  AgentState state = AgentState::kRunning;
};

// A value as it stands in NDATA: without datatype, which only the birth tells.
struct WireValue {
  // kInt stood in long_value, kInt32 in int_value: then only the datatype tells its sign.
  enum class Kind : uint8_t { kNull, kInt, kDouble, kBoolean, kText, kBytes, kInt32 };
  Kind kind = Kind::kNull;
  // kInt: the varint; kInt32: its lower 32 bits; kDouble: IEEE 754 bits; kBoolean: 0 or 1
  uint64_t bits = 0;
  std::string_view view;  // kText, kBytes: points into the message or the decoder's buffer
};

struct SampleView {
  uint64_t alias = 0;
  WireValue value;
};

// The owned Value that `wire` means under the datatype that the birth declared; Null when the two
// do not fit together or a text is not UTF-8. Signed values are accepted in both sign extensions.
Value ToValue(const WireValue& wire, DataType datatype);

// A decoded batch. Views live until the decoder's next call and as long as the message.
struct BatchView {
  BatchHeader header;
  bool historical = false;
  std::span<const SampleView> samples;
  std::string_view events;  // encoded; DecodeEvents; empty where there are none
  bool crc_matches = false;
};

// A batch to be sent. Encoding is done once: EncodeBatch's bytes go into the spool and, with a seq
// added, on the wire.
struct Batch {
  BatchHeader header;                               // `crc` is filled in by EncodeBatch
  std::vector<std::pair<uint64_t, Value>> samples;  // alias (≥ kFirstSeriesAlias) and value
  std::vector<Event> events;                        // at most kMaxEvents
};

inline constexpr size_t kMaxEvents = 256;        // a batch; EncodeBatch leaves out what is beyond
inline constexpr size_t kMaxPayload = 8U << 20;  // bytes; larger messages are refused unread
inline constexpr size_t kMaxInflateRatio = 64;   // envelopes that inflate further are refused

// The NDATA payload of a live batch, without seq. Sets batch.header.crc. Texts that are not UTF-8
// are mended; times before 1970 travel as 0.
std::string EncodeBatch(Batch& batch);

// The NDATA message for stored batch bytes: appends `seq` (0–255), and when `historical` says so on
// each metric. The CRC stays valid. Empty where `encoded` is damaged.
std::string SealBatch(std::string_view encoded, uint8_t seq, bool historical);

// The DEFLATE envelope of one or more stored batches, all historical; damaged ones are left out.
// Together they must have less than BatchDecoder::kMaxInflated bytes with 3 more for each sample.
std::string SealEnvelope(std::span<const std::string> encoded, uint8_t seq, int64_t sent_ms);

// SealEnvelope in two steps: what can be kept, and what is added on sending.
std::string MakeEnvelopeBody(std::span<const std::string> encoded);
std::string SealEnvelopeBody(std::string_view body, uint8_t seq, int64_t sent_ms);

// The stored batches of a body that MakeEnvelopeBody made, as EncodeBatch wrote them.
Result<std::vector<std::string>> OpenEnvelopeBody(std::string_view body);

// Decodes NDATA payloads, plain or envelope, of any origin. Not thread-safe; keep one a thread: it
// reuses its buffers, so that decoding live data allocates nothing in steady state.
class BatchDecoder {
 public:
  struct Message {
    bool has_seq = false;  // false: stored bytes that were never sealed
    uint64_t seq = 0;
    int64_t timestamp_ms = 0;
    std::span<const BatchView> batches;  // none where a foreign node sent it
  };

  // Malformed bytes, a batch without number or time, an envelope that inflates beyond kMaxInflated
  // or kMaxInflateRatio: an Error. Allocates at most kAllocationFactor times the message's size
  // (inflated size for envelopes) plus kAllocationBase, whatever it is made of.
  Result<Message> Decode(std::string_view payload);

  static constexpr size_t kMaxInflated = kMaxPayload;  // bytes
  static constexpr size_t kAllocationFactor = 24;
  static constexpr size_t kAllocationBase = 64U << 10;  // bytes: zlib's window and state

 private:
  friend class BatchReader;

  std::vector<SampleView> samples_;  // sized for the largest message met lately
  std::vector<BatchView> batches_;
  std::string inflated_;
};

// Bounded: at most kMaxEvents events, texts cut at kMaxEventText. Malformed bytes are an Error.
Result<std::vector<Event>> DecodeEvents(std::string_view bytes);

// What Agent/Events carries: the first kMaxEvents, as UTF-8, cut to their bounds.
std::string EncodeEvents(std::span<const Event> events);

}  // namespace haidang::sparkplug
