#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang {

// The secret that the server and the collector share: one line of 16 to 256 printable characters. A
// file that others than its owner and group may use in any way is refused. The Error names the
// file, what is wrong and what helps.
Result<std::string> ReadSecret(const std::string& path);

// A password or token that somebody else's service gave: one line of at most 16 KiB without control
// characters, in a file as above.
Result<std::string> ReadCredential(const std::string& path);

enum class SecretWriters { kOwner, kOwnerAndGroup };

// Reads the beginning of a regular file into `text`, at most as many bytes as `text` has, without
// any copy of them elsewhere. A file that others than its owner and group may use in any way is
// refused, and one that others than `writers` may write. Never blocks. The Error is why alone; the
// caller says which file, and what is allowed.
Status ReadSecretFile(const std::string& path, SecretWriters writers, std::string& text);

// Does not tell by its duration how much of `given` is right.
bool SameSecret(std::string_view given, std::string_view secret);

}  // namespace haidang
