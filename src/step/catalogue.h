// Every kind of step, one file each: which verbs do it, what proves it, which verbs take it back.
// Pure: arguments are computed from the run (its subject and the results of earlier steps), never looked up elsewhere.
// A test compares the kinds that planners emit with this catalogue, and the verbs used here with the agent's table.
#pragma once

#include "run/step_kind.h"

namespace swb::step {

run::StepCatalogue makeCatalogue();
// Verbs that the kinds send: to agents, and ("controller.…") to the controller itself.
std::vector<std::string> agentVerbs();
std::vector<std::string> controllerVerbs();

}  // namespace swb::step
