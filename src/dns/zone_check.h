// What a zone definition must fulfil by itself, record by record. ZoneSnapshot::build calls it first; what only shows
// when the records stand together (two sets of one kind, CNAME beside others) is checked there.
#pragma once

#include "dns/zone.h"

namespace swb::dns {

Result<void> checkDefinition(const ZoneDefinition& definition);

}  // namespace swb::dns
