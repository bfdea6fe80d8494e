#pragma once

#include "core/config.h"
#include "core/query.h"

namespace haidang {

// An [[objective]] of server.toml or collector.toml, which say the same. Finishes the table.
query::Objective ReadObjective(ConfigTable& table);

}  // namespace haidang
