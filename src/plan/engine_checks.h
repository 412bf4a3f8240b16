// What only one engine's facts can say. The common part of a readiness (reachable, roles, identity, streaming, lag,
// disk) is the same for all; the rest is one table for each engine family. Internal to the planners.
#pragma once

#include "plan/check_list.h"

namespace swb::plan {

struct EngineChecks {
    // Could one be a replica of the other, and the other way round? Both facts, the target's perhaps of a stopped
    // server.
    void (*fit)(CheckList& list, const std::string& subject, const Json& source, const Json& target);
    // Can this server be a source for one more replica? isLinked: it is already, for this one.
    void (*source)(CheckList& list, const std::string& subject, const Json& source, bool isLinked);
    // Is this replica a true copy that follows? Beyond identity and streaming.
    void (*replica)(CheckList& list, const std::string& subject, const Json& source, const Json& replica);
    // Before a switch takes the primary away.
    void (*leaving)(CheckList& list, const std::string& subject, const Json& source);
    // Before a switch makes the replica the primary.
    void (*taking)(CheckList& list, const std::string& subject, const Json& source, const Json& replica);
};

const EngineChecks& checksOf(Engine engine);

const EngineChecks& postgresqlChecks();
const EngineChecks& mariadbChecks();
const EngineChecks& redisChecks();

// Shared by them.
void checkMajorVersion(CheckList& list, const std::string& subject, const Json& source, const Json& target);
size_t countOf(const Json& facts, std::string_view key);

}  // namespace swb::plan
