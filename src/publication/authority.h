// What a name's own zone says about it. A resolver's TTL is what is left of it in a cache, or the most that the
// resolver keeps anything for; how long others keep an answer only the zone's own name servers know.
#pragma once

#include "publication/survey.h"

namespace swb::publication {

// The TTL of the name's CNAME record at the first authoritative name server that answers. The resolvers lead there.
// port: where those name servers answer.
Result<uint32_t> aliasTtl(const dns::Name& name, const SurveySettings& settings, uint16_t port = dns::defaultPort);

}  // namespace swb::publication
