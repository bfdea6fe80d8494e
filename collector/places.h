#pragma once

#include "collector/store/places.h"

namespace haidang::collector {

using store::FindObjective;
using store::Place;
using store::Places;

}  // namespace haidang::collector
