#include "agent/sources/file_source.h"

#include <utility>

#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

class FileSource final : public Source {
 public:
  FileSource(std::string_view name, std::vector<SourceFile> files)
      : name_(name), files_(std::move(files)) {}

  std::string_view name() const override { return name_; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    for (const SourceFile& file : files_) {
      const auto text = ReadOptionalFile(file.path);
      if (!text) return text.error();
      if (text->empty()) continue;
      if (const Status parsed = file.parse(*text, readings); !parsed) {
        return Error{file.path + ": " + parsed.error().message};
      }
    }
    return {};
  }

 private:
  const std::string_view name_;
  const std::vector<SourceFile> files_;
};

}  // namespace

std::unique_ptr<Source> MakeFileSource(std::string_view name, std::vector<SourceFile> files) {
  return std::make_unique<FileSource>(name, std::move(files));
}

}  // namespace haidang::agent
