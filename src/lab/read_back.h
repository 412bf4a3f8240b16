// What the databases hold of one run of the load, seen both ways: as users see it and as each primary says.
#pragma once

#include "lab/failover_resolver.h"
#include "lab/lab_engine.h"

namespace swb::lab {

// GET /orders, page by page, through the failover address; firstId: of the run's first order there, or 0.
Result<TagCounts> readByHttp(const World& world, FailoverResolver& resolver, const LabEngine& engine,
                             const std::string& prefix, int64_t firstId);
// At whichever site's server accepts writes now.
Result<TagCounts> readAtPrimary(const World& world, const LabEngine& engine, const std::string& prefix);

}  // namespace swb::lab
