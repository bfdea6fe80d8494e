#pragma once

#include <string>

#include "agent/journey/waterfall.h"
#include "agent/options.h"
#include "core/result.h"

namespace haidang::agent {

struct WalkedOnce {
  std::string text;  // the waterfall
  bool succeeded = false;
};

// Walks the journey `name` once, now, whoever's turn it is: a [[journey]], or the [[probe]]s of
// that journey one after the other. Needs no broker and no running agent. An Error where there is
// no such journey, naming those that there are, or where it cannot be walked at all.
Result<WalkedOnce> WalkOnce(const Options& options, const std::string& name,
                            const WaterfallOptions& look);

}  // namespace haidang::agent
