// The part of FACTS (docs/protocol/verbs.md) that every engine has, before anything is known.
#pragma once

#include <initializer_list>

#include "driver/database_driver.h"

namespace swb::driver {

// A server that is down: nobody can write there. Null: all that is not known, the engine's own members among it.
JsonObject emptyFacts(const DatabaseSpec& spec, std::initializer_list<std::string_view> own);
// Of a server of which not even the data directory can be found.
Json factsOfNothing(JsonObject empty, const Error& error);

}  // namespace swb::driver
