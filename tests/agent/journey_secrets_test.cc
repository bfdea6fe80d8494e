#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>

#include "agent/journey/encode.h"
#include "agent/journey/mask.h"
#include "agent/journey/secrets.h"
#include "core/io/secret.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;

static_assert(!std::is_copy_constructible_v<Secrets>);

namespace {

class Files {
 public:
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0640) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  const std::string& directory() const { return directory_.path(); }

 private:
  haidang::testing::TempDir directory_;
};

std::string Fault(const std::string& path) {
  Secrets secrets;
  const Status added = secrets.Add("x", {false, path}, "");
  return added ? "" : added.error().message;
}

Secrets Holding(const std::string& value) {
  Files files;
  Secrets secrets;
  REQUIRE(secrets.Add("x", {false, files.Write("secret", value)}, "").ok());
  return secrets;
}

}  // namespace

TEST_CASE("secrets: where they stand, never what they are") {
  CHECK(ParseSecretSource("file:/etc/haidang/secrets/canbo")->where ==
        "/etc/haidang/secrets/canbo");
  CHECK(ParseSecretSource("credential:can-bo_1.x")->credential);
  CHECK(ParseSecretSource("credential:canbo")->where == "canbo");
  for (const char* bad : {"", "file:", "file:secret", "credential:", "credential:a/b",
                          "credential:..", "credential:.a", "hunter2", "/etc/passwd", "FILE:/x"}) {
    INFO(bad);
    const auto source = ParseSecretSource(bad);
    REQUIRE_FALSE(source.ok());
    if (std::string(bad) == "hunter2") CHECK(source.error().message.find(bad) == std::string::npos);
  }
}

TEST_CASE("secrets: files and credentials that are right") {
  Files files;
  Secrets secrets;
  CHECK(secrets.empty());
  REQUIRE(secrets.Add("a", {false, files.Write("a", "mật khẩu 1\n")}, "").ok());
  files.Write("b", "no line feed", 0400);
  REQUIRE(secrets.Add("b", {true, "b"}, files.directory()).ok());
  REQUIRE(secrets.Add("c", {false, files.Write("c", std::string(4096, 'x') + "\n")}, "").ok());
  CHECK(secrets.Find("a") == "mật khẩu 1");
  CHECK(secrets.Find("b") == "no line feed");
  CHECK(secrets.Find("c")->size() == 4096);
  CHECK_FALSE(secrets.Find("d"));
  const Secrets moved = std::move(secrets);
  CHECK(moved.Find("a") == "mật khẩu 1");
  Secrets without;
  const Status none = without.Add("x", {true, "canbo"}, "");
  CHECK(none.error().message.find("LoadCredential=canbo:/path") != std::string::npos);
}

TEST_CASE("secrets: what is refused, and that no fault tells one") {
  Files files;
  const auto fault = [&](const std::string& text, mode_t mode = 0640) {
    const std::string message = Fault(files.Write("s", text, mode));
    CHECK(message.find("hunter") == std::string::npos);
    return message;
  };
  CHECK(fault("").find("it is empty") != std::string::npos);
  CHECK(fault("\n").find("it is empty") != std::string::npos);
  CHECK(fault("abc\n").find("it is shorter") != std::string::npos);
  CHECK(fault("hunter\n\n").find("more than one line") != std::string::npos);
  CHECK(fault("hunter\r\n").find("more than one line") != std::string::npos);
  CHECK(fault(std::string("hunter\0two", 10)).find("zero bytes") != std::string::npos);
  CHECK(fault(std::string(4097, 'h')).find("it is longer") != std::string::npos);
  CHECK(fault(std::string(100'000, 'h')).find("it is longer") != std::string::npos);
  CHECK(fault("hunter2", 0644).find("everybody may use it, run: chmod 0640 /") !=
        std::string::npos);
  CHECK(fault("hunter2", 0641).find("everybody") != std::string::npos);
  CHECK(fault("hunter2", 0660).find("its group may write it") != std::string::npos);
  CHECK(Fault(files.directory()).find("not a regular file") != std::string::npos);
  CHECK(Fault(files.directory() + "/gone").find("No such file") != std::string::npos);
  CHECK(Fault("/dev/null").find("not a regular file") != std::string::npos);
  const std::string fifo = files.directory() + "/fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(Fault(fifo).find("not a regular file") != std::string::npos);
}

TEST_CASE(
    "secrets: a service's password is read by the same rule, but that its group may write it") {
  Files files;
  const auto read = [&](mode_t mode) {
    return ReadCredential(files.Write("s", "hunter2\r\n", mode));
  };
  CHECK(read(0660).value() == "hunter2");
  for (const mode_t mode : {0644, 0604, 0602, 0601}) {
    const auto refused = read(mode);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("everybody may use it, run: chmod 0640 /") !=
          std::string::npos);
    CHECK(refused.error().message.find("; allowed: ") != std::string::npos);
    CHECK(refused.error().message.find("hunter") == std::string::npos);
  }
  CHECK(ReadCredential(files.directory()).error().message.find("not a regular file") !=
        std::string::npos);
}

TEST_CASE("secrets are masked however a text writes them") {
  const std::string value = "p@ss w/\"ö&'ệ😀+%";
  const Secrets secrets = Holding(value);
  const auto masked = [&](const std::string& text) { return secrets.Mask("<" + text + ">"); };
  CHECK(masked(value) == "<•••>");
  CHECK(masked(value + value) == "<••••••>");
  CHECK(masked(PercentEncode(value)) == "<•••>");
  CHECK(masked(FormEncode(value)) == "<•••>");
  CHECK(masked(JsonEscape(value)) == "<•••>");
  CHECK(masked("p%40ss%20w%2f%22%c3%b6%26%27%e1%bb%87%f0%9f%98%80%2b%25") == "<•••>");
  CHECK(masked("p@ss+w/%22%C3%B6&'%E1%BB%87%F0%9F%98%80+%25") == "<•••>");
  CHECK(masked("p@ss w\\/\\\"\\u00f6&'\\u1ec7\\uD83D\\uDE00+%") == "<•••>");
  CHECK(masked("p@ss w/&quot;ö&amp;&#039;&#x1ec7;&#128512;&#43;%") == "<•••>");
  CHECK(masked(value.substr(0, value.size() - 1)) != "<•••>");
  CHECK(secrets.Mask("").empty());
  CHECK(secrets.Mask("nothing \\ % & + \\u12 %4 &#") == "nothing \\ % & + \\u12 %4 &#");
}

TEST_CASE("secrets are masked in base64, wherever they stand in it") {
  const Secrets secrets = Holding("hunter2hunter2");
  // Of "hunter2hunter2", "a:hunter2hunter2", "ab:hunter2hunter2", "abc:hunter2hunter2".
  for (const char* text : {"aHVudGVyMmh1bnRlcjI=", "YTpodW50ZXIyaHVudGVyMg==",
                           "YWI6aHVudGVyMmh1bnRlcjI=", "YWJjOmh1bnRlcjJodW50ZXIy"}) {
    INFO(text);
    const std::string masked = secrets.Mask(std::string("Basic ") + text);
    CHECK(masked.find("•••") != std::string::npos);
    CHECK(masked.size() <= std::string("Basic •••").size() + 10);
  }
  CHECK(secrets.Mask("hunter2") == "hunter2");
}

TEST_CASE("the longest of several secrets is masked, and time is bounded") {
  Files files;
  Secrets secrets;
  REQUIRE(secrets.Add("a", {false, files.Write("a", "abcd")}, "").ok());
  REQUIRE(secrets.Add("b", {false, files.Write("b", "abcdef")}, "").ok());
  CHECK(secrets.Mask("abcdef abcd abc") == "••• ••• abc");
  // Each % may be itself or the beginning of an escape.
  std::string secret, text;
  for (int i = 0; i < 1000; ++i) secret += "%25";
  for (int i = 0; i < 2000; ++i) text += "%25";
  CHECK(WrittenLength(text, secret) == 3000);
  const Secrets many = Holding(secret);
  CHECK(many.Mask(text).substr(0, 9) == "•••");
}
