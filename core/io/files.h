#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang {

// The directory that holds `path`, "." where it names none; the last part of `path`.
std::string DirectoryOf(const std::string& path);
std::string FileNameOf(const std::string& path);

// Makes what was named, renamed or removed in a directory durable.
Status SyncDirectory(const std::string& directory);

// Gives `from` the name `to`; with `replace` in place of the file that has it, else an Error where
// there is one, also where it came just now. Both are in one file system.
Status RenameFile(const std::string& from, const std::string& to, bool replace);

// Makes `text` the whole of the file `path`, written beside it first as "PATH.new", with
// permissions `mode`. With `sync` a power cut leaves this text or the one before; without, so does
// a killed process.
Status ReplaceFile(const std::string& path, std::string_view text, unsigned mode, bool sync);

// An Error where the disk of `path` (which need not exist) has no room for `bytes` more.
Status CheckRoom(const std::string& path, int64_t bytes);

// Gives `path` the owner of its directory, where this process may: what an administrator's tool
// makes must be usable by the program whose directory it is.
void GiveToOwnerOfDirectory(const std::string& path);

}  // namespace haidang
