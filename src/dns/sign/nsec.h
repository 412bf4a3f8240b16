// NSEC data: the next name of the zone and the types that this name has (RFC 4034 §4).
#pragma once

#include <vector>

#include "dns/name.h"
#include "dns/rdata.h"

namespace swb::dns::sign {

// Types in any order; duplicates do no harm.
Rdata nsecData(NameView next, std::vector<uint16_t> types);
// Precondition of both: data made by nsecData.
NameView nextInNsec(const Rdata& nsec);
std::vector<uint16_t> typesInNsec(const Rdata& nsec);

}  // namespace swb::dns::sign
