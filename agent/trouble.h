#pragma once

#include "core/trouble.h"

namespace haidang::agent {

using haidang::Trouble;

}  // namespace haidang::agent
