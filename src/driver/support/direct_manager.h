// A server that the agent starts itself: in a session of its own, so that it outlives the agent, found again by what
// the engine leaves behind, and masked by a marker file in the state directory.
#pragma once

#include <optional>

#include "driver/support/process_identity.h"
#include "driver/support/program.h"
#include "driver/support/service_manager.h"

namespace swb::driver {

struct DirectService {
    std::string data;            // data directory, for messages
    std::string stateDirectory;  // of this one server
    std::string stopHint;        // what may keep it from stopping
    int stopSignal = 0;          // a clean stop
    int reloadSignal = 0;        // 0: there is nothing to reload
    std::function<std::optional<ProcessIdentity>()> find;
    std::function<DetachedProgram()> program;
};

std::unique_ptr<ServiceManager> makeDirectManager(DirectService service);

}  // namespace swb::driver
