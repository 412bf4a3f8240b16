// What the orders' table holds of one run of the load, seen both ways: as users see it and as the database says.
#pragma once

#include "lab/failover_resolver.h"
#include "lab/score.h"

namespace swb::lab {

// GET /orders, page by page, through the failover address; firstId: of the run's first acknowledged order, or 0.
Result<TagCounts> readByHttp(const World& world, FailoverResolver& resolver, const std::string& prefix,
                             int64_t firstId);
// At whichever site's database accepts writes now.
Result<TagCounts> readBySql(const World& world, const std::string& prefix);

}  // namespace swb::lab
