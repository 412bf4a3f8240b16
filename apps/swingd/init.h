// `swingd init`: the controller's directory, once.
#pragma once

#include "base/secret.h"
#include "config.h"

namespace swb {

struct InitRequest {
    std::string directory;
    DaemonConfig config;
};

struct InitResult {
    std::string authorityFingerprint;
    std::string adminTokenFile, authorityFile, configFile;
};

// Refuses a directory that has been initialised before: nothing is ever overwritten.
Result<InitResult> initialise(const InitRequest& request);

}  // namespace swb
