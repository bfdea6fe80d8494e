#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/onestop/store.h"

namespace haidang::onestop {

// The `number`-th made-up dossier: always the same for the same number. People and notes are made
// up; procedures and places are real ones.
Dossier MadeUpDossier(int64_t number);

// "06685.2026.000123": the receiving office, the year of `date` ("2026-03-09"), the number.
std::string DossierCode(int64_t number, std::string_view date);

}  // namespace haidang::onestop
