#pragma once

#include <string_view>

namespace haidang::agent {

// How many bytes of the beginning of `text` are `secret`, 0 where it does not begin so: each of its
// characters as it is, percent-encoded, as a form (+), JSON (\" \/ \u00e9) or HTML (&amp; &#39;)
// writes it, also mixed. Required: a secret that is not empty and has no NUL. Time: about
// secret.size().
size_t WrittenLength(std::string_view text, std::string_view secret);

}  // namespace haidang::agent
