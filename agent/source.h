#pragma once

#include <string_view>
#include <vector>

#include "agent/tick.h"
#include "core/result.h"

namespace haidang::agent {

// Something that is read at each tick. Loop thread only. Reads below an injected root where it
// reads files, so that a fixture directory is a machine. Bounded in time (≤ 50 ms) and memory: what
// can block or takes long is begun in Prepare and only handed over in Read.
class Source {
 public:
  virtual ~Source() = default;

  // Also the name of the source's group in births; [a-z0-9_]+.
  virtual std::string_view name() const = 0;

  // Called shortly before each tick (SamplerOptions::lead), so that a worker thread or a socket has
  // time to bring what Read hands over.
  virtual void Prepare() {}

  // False while what Prepare began is under way. Read may be called all the same.
  virtual bool Ready() const { return true; }

  // Appends this tick's readings. An Error means that the source failed and its series have no
  // value now (they are told as null); "nothing here" is no failure. What was appended before an
  // Error is dropped.
  virtual Status Read(int64_t wall_ms, std::vector<Reading>& readings,
                      std::vector<Event>& events) = 0;
};

}  // namespace haidang::agent
