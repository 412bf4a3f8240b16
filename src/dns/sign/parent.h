// What the parent zone says about a zone's keys, as the configured resolvers see it.
#pragma once

#include <vector>

#include "dns/address.h"
#include "dns/message.h"

namespace swb::dns::sign {

struct ParentView {
    std::vector<Rdata> ds;  // empty: the parent names no key
    uint32_t ttlSeconds = 0;
};

// Asks every resolver for the zone's DS set. Blocks for at most timeoutMs each. VerificationFailed when they do not
// agree: some still have an older set in their caches, so the change has not reached everybody.
Result<ParentView> askParent(const std::vector<Endpoint>& resolvers, const Name& zone, int64_t timeoutMs);

// The DS set in one response; an error code in the response, or another answer than DS, is an error.
Result<ParentView> parentViewOf(const Response& response, const Name& zone);

}  // namespace swb::dns::sign
