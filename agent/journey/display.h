#pragma once

#include <string>
#include <string_view>

// How wide texts are on a terminal. Required of all texts here: UTF-8 without control characters.
namespace haidang::agent {

// Columns that `text` takes: none for combining marks (a Vietnamese letter may be written as a
// letter and its marks) and joiners, two for East Asian wide characters and emoji, one else.
size_t Columns(std::string_view text);

// `text` with blanks up to `columns`; as it is where it is wider.
std::string PadToColumns(std::string text, size_t columns);

// As much of `text` as fits, with "…" at the end where it was cut. Required: columns > 0.
std::string CutToColumns(std::string_view text, size_t columns);

}  // namespace haidang::agent
