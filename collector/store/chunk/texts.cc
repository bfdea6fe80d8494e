#include "collector/store/chunk/texts.h"

#include <unordered_map>

#include "collector/store/chunk/format.h"
#include "collector/store/chunk/magnitude.h"
#include "collector/store/chunk/text_model.h"

namespace haidang::store {
namespace {

// Which text each row has: whether another one than the row before, and then whether one that did
// not come yet, or else which. Texts are numbered as they first come; row 0 has the first.
class Choices {
 public:
  // Coder is RangeEncoder or RangeDecoder. What is answered is below Known().
  template <typename Coder>
  uint32_t Code(Coder& coder, uint32_t given) {
    const bool changed = changes_.Code(coder, given != last_ ? 1 : 0) != 0;
    if (!changed) return last_;
    if (coder.Bit(new_, given == known_)) {
      last_ = known_++;
      return last_;
    }
    const auto choice =
        static_cast<uint32_t>(coder.Raw(given, WidthOf(static_cast<uint64_t>(known_ - 1))));
    last_ = choice < known_ ? choice : 0;  // damaged
    return last_;
  }
  uint32_t Known() const { return known_; }

 private:
  Marks<1> changes_;
  BitModel new_;
  uint32_t last_ = 0;
  uint32_t known_ = 1;
};

struct Dictionary {
  std::vector<std::string_view> texts;
  std::vector<uint32_t> rows;
};

Dictionary DictionaryOf(std::span<const std::string_view> texts,
                        std::span<const Presence> presence) {
  Dictionary dictionary;
  std::unordered_map<std::string_view, uint32_t> known;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!presence.empty() && presence[i] != Presence::kValue) continue;
    const auto next = static_cast<uint32_t>(dictionary.texts.size());
    const auto [entry, fresh] = known.emplace(texts[i], next);
    if (fresh) dictionary.texts.push_back(texts[i]);
    dictionary.rows.push_back(entry->second);
  }
  return dictionary;
}

// The first `rows` of `which` move to the ticks that have a text; the others become 0.
void Spread(std::vector<uint32_t>& which, size_t rows, std::span<const Presence> presence) {
  for (size_t i = which.size(); i-- > 0;) {
    which[i] = presence[i] == Presence::kValue ? which[--rows] : 0;
  }
}

}  // namespace

std::string EncodeTexts(std::span<const std::string_view> texts,
                        std::span<const Presence> presence) {
  std::string chunk = BeginChunk(ChunkFormat::kTexts1, texts.size());
  RangeEncoder coder(chunk);
  EncodePresence(coder, presence);
  const Dictionary dictionary = DictionaryOf(texts, presence);
  Choices choices;
  for (size_t row = 1; row < dictionary.rows.size(); ++row) {
    choices.Code(coder, dictionary.rows[row]);
  }
  TextModel model;
  for (const std::string_view text : dictionary.texts) model.Write(coder, text);
  coder.Finish();
  return chunk;
}

Status DecodeTexts(std::string_view chunk, size_t max_ticks, size_t max_bytes, TextColumn& column) {
  const auto ticks = TakeBegin(chunk, ChunkFormat::kTexts1, max_ticks);
  if (!ticks) return ticks.error();
  column.which.assign(*ticks, 0);
  column.texts.clear();
  RangeDecoder coder(chunk);
  const size_t rows = DecodePresence(coder, *ticks, column.presence);
  Choices choices;
  for (size_t row = 1; row < rows; ++row) column.which[row] = choices.Code(coder, 0);
  TextModel model;
  size_t left = max_bytes;
  for (uint32_t i = 0; rows > 0 && i < choices.Known(); ++i) {
    std::string text;
    if (!model.Read(coder, left, text)) {
      return DamagedChunk(ChunkFormat::kTexts1, "its texts are too long, or it is damaged");
    }
    left -= text.size();
    column.texts.push_back(std::move(text));
  }
  if (!coder.Ended()) {
    return DamagedChunk(ChunkFormat::kTexts1, "something follows its end; damaged");
  }
  if (!column.presence.empty()) Spread(column.which, rows, column.presence);
  return {};
}

}  // namespace haidang::store
