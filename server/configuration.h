#pragma once

#include <optional>
#include <string>

#include "core/calendar.h"
#include "core/query.h"
#include "core/result.h"
#include "server/options.h"
#include "server/places.h"

namespace haidang::server {

// The options, and what stands in the files that they name.
struct Configuration {
  Options options;
  std::optional<PlaceFile<query::Site>> sites;
  std::optional<PlaceFile<query::Placement>> inventory;
  CalendarRules calendar;  // the options' hours and the file's days
};

// Reads all that a start needs and looks at the rest, so that whoever checks hears what a start
// would refuse. An Error names file, line, key and what is allowed.
Result<Configuration> LoadConfiguration(const std::string& path);

}  // namespace haidang::server
