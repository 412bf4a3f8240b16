#include "agent/server_facts.h"
#include "agent/verbs/verbs.h"

namespace swb::agent {

Result<Json> serverInspect(VerbCall& call) {
    return serverFacts(call.services.agentVersion, call.services.diskPaths());
}

}  // namespace swb::agent
