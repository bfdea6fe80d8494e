#include "core/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/duration.h"
#include "core/spelling.h"
#include "core/utf8.h"

namespace haidang {
namespace {

constexpr size_t kMaxFileBytes = 1U << 20;
constexpr size_t kMaxShown = 80;  // bytes of a key or value in a message
constexpr char kAllowedFile[] = "; allowed: a TOML file of at most 1 MiB that this user may read";

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

std::string Describe(const toml::node& node) {
  if (const auto* text = node.as_string())
    return "the text \"" + Printable(text->get(), kMaxShown) + "\"";
  if (const auto* integer = node.as_integer())
    return "the number " + std::to_string(integer->get());
  if (const auto* number = node.as_floating_point()) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "the number %g", number->get());
    return buffer;
  }
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  return "a date or time";
}

std::string FormatNumber(double number) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.12g", number);
  return buffer;
}

bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
  });
}

}  // namespace

struct ConfigFile::State {
  toml::table root;
  std::string path;
  std::optional<Error> error;
  // Where `error` is that a required key is missing: the path of the table that lacks it.
  std::optional<std::string> lacking;

  void Fault(uint32_t line, const std::string& key, std::string_view what) {
    if (error) return;
    error = Error{path + ":" + std::to_string(std::max(line, 1U)) + ": " +
                  Printable(key, kMaxShown) + ": " + std::string(what)};
  }
};

ConfigFile::ConfigFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigFile::~ConfigFile() = default;

Result<std::unique_ptr<ConfigFile>> ConfigFile::Load(const std::string& path) {
  const auto fail = [&](const char* why) {
    return Error{path + ": cannot read the configuration: " + why + kAllowedFile};
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fail(std::strerror(errno));
  struct stat info {};
  std::string text;
  const char* problem = nullptr;
  if (fstat(fd, &info) != 0) {
    problem = std::strerror(errno);
  } else if (!S_ISREG(info.st_mode)) {
    problem = "not a regular file";
  } else {
    text.resize(kMaxFileBytes + 1);
    size_t size = 0;
    ssize_t got = 0;
    while (size < text.size() && (got = read(fd, text.data() + size, text.size() - size)) > 0) {
      size += static_cast<size_t>(got);
    }
    if (got < 0) problem = std::strerror(errno);
    if (size > kMaxFileBytes) problem = "larger than 1 MiB";
    text.resize(std::min(size, kMaxFileBytes));
  }
  close(fd);
  if (problem != nullptr) return fail(problem);
  return Parse(text, path);
}

Result<std::unique_ptr<ConfigFile>> ConfigFile::Parse(std::string_view text, std::string path) {
  if (text.size() > kMaxFileBytes) {
    return Error{path + ": cannot read the configuration: larger than 1 MiB" + kAllowedFile};
  }
  auto state = std::make_unique<State>();
  state->path = std::move(path);
  try {
    state->root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    return Error{state->path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) +
                 ": not valid TOML: " + std::string(error.description()) +
                 "; allowed: TOML 1.0, as in the sample configuration"};
  }
  return std::unique_ptr<ConfigFile>(new ConfigFile(std::move(state)));
}

ConfigTable ConfigFile::root() { return ConfigTable(state_.get(), &state_->root, ""); }

std::optional<Error> ConfigFile::error() const { return state_->error; }

ConfigTable::ConfigTable(ConfigFile::State* state, const void* table, std::string path)
    : state_(state), table_(table), path_(std::move(path)) {}

const void* ConfigTable::Take(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return table_ == nullptr ? nullptr : static_cast<const toml::table*>(table_)->get(key);
}

void ConfigTable::Refuse(std::string_view key, std::string_view must, std::string_view allowed) {
  const auto* node =
      table_ == nullptr ? nullptr : static_cast<const toml::table*>(table_)->get(key);
  std::string what(must);
  if (node != nullptr) what += ", is " + Describe(*node);
  if (!allowed.empty()) what += "; allowed: " + std::string(allowed);
  Fault(key, what);
}

void ConfigTable::Fault(std::string_view key, std::string_view what) {
  const auto* table = static_cast<const toml::table*>(table_);
  uint32_t line = 1;
  if (table != nullptr) {
    const auto found = table->find(key);
    line = found != table->end() ? found->first.source().begin.line : table->source().begin.line;
  }
  state_->Fault(line, path_ + std::string(key), what);
}

void ConfigTable::Miss(std::string_view key, std::string_view allowed) {
  if (state_->error) return;
  Fault(key, "is missing; allowed: " + std::string(allowed));
  state_->lacking = path_;
}

void ConfigTable::Finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, value] : *static_cast<const toml::table*>(table_)) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    if (state_->lacking && state_->lacking->starts_with(path_)) {
      state_->error.reset();
      state_->lacking.reset();
    }
    std::vector<std::string> allowed = known_;
    std::sort(allowed.begin(), allowed.end());
    std::string what = "unknown key";
    if (const std::string meant = NearestWord(key.str(), allowed); !meant.empty()) {
      what += ", did you mean " + meant + "?";
    }
    Fault(key.str(), what + "; allowed: " + Join(allowed));
  }
}

bool ConfigTable::Has(std::string_view key) const {
  return table_ != nullptr && static_cast<const toml::table*>(table_)->contains(key);
}

ConfigTable ConfigTable::Table(std::string_view key) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  const toml::table* table = node == nullptr ? nullptr : node->as_table();
  if (node != nullptr && table == nullptr) {
    Refuse(key, "must be a table", "a section [" + path_ + std::string(key) + "]");
  }
  return ConfigTable(state_, table, path_ + std::string(key) + ".");
}

std::vector<ConfigTable> ConfigTable::Tables(std::string_view key, size_t max) {
  std::vector<ConfigTable> tables;
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return tables;
  const toml::array* array = node->as_array();
  const std::string allowed =
      "sections [[" + path_ + std::string(key) + "]], at most " + std::to_string(max);
  if (array == nullptr) {
    Refuse(key, "must be a list of tables", allowed);
    return tables;
  }
  if (array->size() > max) {
    Fault(key, "has " + std::to_string(array->size()) + " entries; allowed: " + allowed);
    return tables;
  }
  for (size_t i = 0; i < array->size(); ++i) {
    const toml::table* table = array->get(i)->as_table();
    if (table == nullptr) {
      Refuse(key, "must be a list of tables", allowed);
      return {};
    }
    tables.push_back(
        ConfigTable(state_, table, path_ + std::string(key) + "[" + std::to_string(i) + "]."));
  }
  return tables;
}

std::string ConfigTable::String(std::string_view key, std::string fallback, size_t max_bytes) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  const auto* text = node->as_string();
  const std::string allowed = "a text of at most " + std::to_string(max_bytes) + " bytes";
  if (text == nullptr) {
    Refuse(key, "must be a text in quotes", allowed);
  } else if (text->get().size() > max_bytes) {
    Fault(key, "has " + std::to_string(text->get().size()) + " bytes; allowed: " + allowed);
  } else if (HasControlCharacters(text->get())) {
    Fault(key, "has control characters; allowed: " + allowed + " without them");
  } else {
    return text->get();
  }
  return fallback;
}

std::string ConfigTable::RequiredString(std::string_view key, size_t max_bytes) {
  const bool given = Has(key);
  std::string text = String(key, {}, max_bytes);
  if (!given) {
    Miss(key, "a text that is not empty");
  } else if (text.empty()) {
    Fault(key, "must not be empty; allowed: a text that is not empty");
  }
  return text;
}

std::string ConfigTable::OneOf(std::string_view key, std::string fallback,
                               std::initializer_list<std::string_view> allowed) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  const auto* text = node->as_string();
  if (text != nullptr) {
    const auto found = std::find(allowed.begin(), allowed.end(), std::string_view(text->get()));
    if (found != allowed.end()) return text->get();
  }
  std::vector<std::string> words;
  for (const std::string_view word : allowed) words.push_back('"' + std::string(word) + '"');
  Refuse(key, "must be one of a few words", Join(words));
  return fallback;
}

bool ConfigTable::Bool(std::string_view key, bool fallback) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  if (const auto* boolean = node->as_boolean()) return boolean->get();
  Refuse(key, "must be a truth value", "true, false");
  return fallback;
}

int64_t ConfigTable::Integer(std::string_view key, int64_t fallback, int64_t min, int64_t max) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  const auto* integer = node->as_integer();
  if (integer != nullptr && integer->get() >= min && integer->get() <= max) return integer->get();
  Refuse(key, integer == nullptr ? "must be a whole number" : "is out of range",
         std::to_string(min) + " to " + std::to_string(max));
  return fallback;
}

double ConfigTable::Number(std::string_view key, double fallback, double min, double max) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  const auto number = node->is_number() ? node->value<double>() : std::nullopt;
  if (number && *number >= min && *number <= max) return *number;
  Refuse(key, number ? "is out of range" : "must be a number",
         FormatNumber(min) + " to " + FormatNumber(max));
  return fallback;
}

std::chrono::milliseconds ConfigTable::Duration(std::string_view key,
                                                std::chrono::milliseconds fallback,
                                                std::chrono::milliseconds min,
                                                std::chrono::milliseconds max) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  std::optional<double> ms;
  if (node->is_number()) {
    ms = *node->value<double>() * 1000;
  } else if (const auto* text = node->as_string()) {
    ms = ParseDuration(text->get());
  }
  if (ms && *ms >= static_cast<double>(min.count()) && *ms <= static_cast<double>(max.count())) {
    return std::chrono::milliseconds(std::llround(*ms));
  }
  Refuse(key, ms ? "is out of range" : "must be a duration",
         FormatDuration(min) + " to " + FormatDuration(max) +
             ", as a number of seconds or a text with ms, s, min, h or d");
  return fallback;
}

std::vector<std::string> ConfigTable::Strings(std::string_view key,
                                              std::vector<std::string> fallback, size_t max) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  const toml::array* array = node->as_array();
  const std::string allowed = "a list of at most " + std::to_string(max) + " texts";
  if (array == nullptr) {
    Refuse(key, "must be a list of texts", allowed);
    return fallback;
  }
  if (array->size() > max) {
    Fault(key, "has " + std::to_string(array->size()) + " entries; allowed: " + allowed);
    return fallback;
  }
  std::vector<std::string> texts;
  for (const toml::node& entry : *array) {
    const auto* text = entry.as_string();
    if (text == nullptr || HasControlCharacters(text->get()) || text->get().size() > 4096) {
      Fault(key, "holds " + Describe(entry) + "; allowed: " + allowed);
      return fallback;
    }
    texts.push_back(text->get());
  }
  return texts;
}

std::vector<std::string> ConfigTable::RequiredStrings(std::string_view key, size_t max) {
  const bool given = Has(key);
  std::vector<std::string> texts = Strings(key, {}, max);
  const std::string allowed = "a list of 1 to " + std::to_string(max) + " texts";
  if (!given) {
    Miss(key, allowed);
  } else if (texts.empty()) {
    Fault(key, "must not be empty; allowed: " + allowed);
  }
  return texts;
}

std::vector<int64_t> ConfigTable::Integers(std::string_view key, std::vector<int64_t> fallback,
                                           int64_t min, int64_t max, size_t max_count) {
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return fallback;
  const toml::array* array = node->as_array();
  const std::string allowed = "a list of at most " + std::to_string(max_count) +
                              " whole numbers, each " + std::to_string(min) + " to " +
                              std::to_string(max);
  if (array == nullptr || array->size() > max_count) {
    Refuse(key, "must be a list of whole numbers", allowed);
    return fallback;
  }
  std::vector<int64_t> numbers;
  for (const toml::node& entry : *array) {
    const auto* number = entry.as_integer();
    if (number == nullptr || number->get() < min || number->get() > max) {
      Fault(key, "holds " + Describe(entry) + "; allowed: " + allowed);
      return fallback;
    }
    numbers.push_back(number->get());
  }
  return numbers;
}

std::map<std::string, std::string, std::less<>> ConfigTable::Texts(std::string_view key,
                                                                   size_t max) {
  std::map<std::string, std::string, std::less<>> texts;
  const auto* node = static_cast<const toml::node*>(Take(key));
  if (node == nullptr) return texts;
  const toml::table* table = node->as_table();
  const auto allowed = "; allowed: a table of at most " + std::to_string(max) + " texts in quotes";
  if (table == nullptr || table->size() > max) {
    Fault(key, (table == nullptr ? "must be a table" : "has too many entries") + allowed);
    return texts;
  }
  for (const auto& [name, entry] : *table) {
    const auto* text = entry.as_string();
    if (text == nullptr || HasControlCharacters(text->get()) || text->get().size() > 4096) {
      // What stands there may be a secret.
      Fault(key, "holds no text of at most 4096 bytes without control characters for " +
                     Printable(std::string(name.str()), kMaxShown) + allowed);
      return {};
    }
    texts.emplace(name.str(), text->get());
  }
  return texts;
}

}  // namespace haidang
