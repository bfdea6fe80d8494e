#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/probe/probe.h"
#include "agent/source.h"
#include "agent/sources/json_item.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Numbers of a JSON document that a web server answers with. [[http_json]] in the configuration.
struct HttpJsonOptions {
  JsonOptions json;
  ProbeOptions request;  // its journey and step are not used
};

std::vector<HttpJsonOptions> ReadHttpJsonOptions(ConfigTable& root, JsonTaken& taken);

// Asks shortly before ticks, each document as often as its `interval` says. Loads libcurl: an Error
// where it is not installed. `loop` and `clock` must outlive the source. `interval` is the
// sampler's.
Result<std::unique_ptr<Source>> MakeHttpJsonSource(Loop& loop, const Clock& clock,
                                                   std::chrono::milliseconds interval,
                                                   const std::vector<HttpJsonOptions>& documents,
                                                   Lookup lookup);

}  // namespace haidang::agent
