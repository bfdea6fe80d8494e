#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/block/block.h"
#include "collector/store/query/budget.h"
#include "core/io/database.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {

// The series of one machine that are read, as slots. Several series may share one.
struct TickQuestion {
  int64_t machine = 0;                // row id
  int64_t from_ms = 0;                // inclusive
  int64_t to_ms = 0;                  // inclusive
  std::map<int64_t, uint32_t> slots;  // by row id of the series
  std::vector<bool> histograms;       // by slot
  bool sums = true;                   // of histograms in roll-ups
};

// Reads a machine's batches from blocks and journal alike, column by column, one window of time in
// each transaction: of each batch in order of time what is known then (docs/store-format.md, "What
// a value means"). It says what a Head would say that each batch is applied to, but walks columns
// instead of batches. One thread; memory is that of one window.
class TickScan {
 public:
  // What was stated before the range may still hold in it: full batches come every ten minutes.
  static constexpr int64_t kLeadInMs = int64_t{15} * 60 * 1000;

  // `question` must outlive the scan.
  TickScan(Database& db, const TickQuestion& question, Budget& budget);
  ~TickScan();

  // Goes to the next window in which there are batches; false at the end.
  Result<bool> Next();

  // Of the window: when its batches were that lie in the range, ascending.
  std::span<const int64_t> times() const { return times_; }
  // One a batch, NaN where unknown. Required: the slot holds no histograms.
  std::span<const double> Numbers(uint32_t slot) const { return numbers_[slot]; }
  // The encoded histogram of each batch, empty where unknown; until the next window. What did not
  // change points to the same bytes. Required: the slot holds histograms.
  std::span<const std::string_view> Histograms(uint32_t slot) const { return texts_[slot]; }

 private:
  struct Part;
  // A batch of the window.
  struct Row {
    TickRow tick;
    uint32_t spool = 0;    // index into spools_
    uint32_t part = 0;     // of a block; kJournal: none
    uint32_t index = 0;    // within the part, or into journal_
    bool readable = true;  // else it changes nothing that is known
    bool forgets = false;  // what was known before it is unknown
  };
  static constexpr uint32_t kJournal = UINT32_MAX;
  // What a batch stated of a slot.
  struct Statement {
    const sparkplug::WireValue* value = nullptr;
    uint8_t group = 0;
    DataType datatype = DataType::kDouble;
  };
  // What is known of a slot by a spool's last batch.
  struct Cell {
    bool known = false;
    uint8_t group = 0;
    double number = 0;
    std::string_view text;
    std::string kept;  // what `text` points to from one window to the next
  };
  struct Spool {
    int64_t id = 0;
    uint64_t number = 0;  // of its last batch; 0: none
    bool learned = false;
    std::map<uint64_t, std::pair<uint32_t, Statement>> aliases;  // → slot
    std::vector<Cell> cells;                                     // by slot
  };

  Result<std::optional<int64_t>> NextWindow(int64_t from);
  Status Load(int64_t window);
  Status LoadBlocks(int64_t window, int64_t& covered);
  Status LoadJournal(int64_t window, int64_t covered);
  Status ReadBatch(Row& row, std::string_view payload);
  Status LearnAliases(Spool& spool);
  uint32_t SpoolOf(int64_t id);
  void Order();
  Status TakeCells();
  void Gather(uint32_t slot);
  void Walk(uint32_t slot);
  static void Know(const Statement& statement, Cell& cell);
  void KeepTexts();

  Database& db_;
  const TickQuestion& question_;
  Budget& budget_;
  std::optional<int64_t> next_;  // where the next window is looked for
  std::vector<Spool> spools_;
  sparkplug::BatchDecoder decoder_;

  std::vector<Row> rows_;
  std::vector<std::unique_ptr<Part>> parts_;
  // What batches of the journal stated: by row, its slot and what.
  struct Said {
    uint32_t slot;
    Statement statement;  // `value` is null
    sparkplug::WireValue value;
  };
  std::vector<std::vector<Said>> journal_;
  std::vector<std::unique_ptr<std::string>> journal_texts_;
  std::vector<std::vector<uint32_t>> places_;  // by part: index within it → row of the window
  std::vector<Statement> stated_;              // by row, of the slot that is walked

  size_t first_ = 0;  // row that lies in the range
  size_t cells_ = 0;  // of the budget, that the window's values take
  std::vector<int64_t> times_;
  std::vector<std::vector<double>> numbers_;
  std::vector<std::vector<std::string_view>> texts_;
};

}  // namespace haidang::store
