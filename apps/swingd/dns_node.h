// `swingd dns`: a name server without a controller, fed by zone transfers from one (dns/transfer/follower.h).
#pragma once

#include <string>

#include "base/result.h"

namespace swb {

struct DnsNodeRequest {
    std::string configFile;
    std::string readyFile;  // written with the ports taken once everything serves; empty: none
};

// Returns after SIGTERM or SIGINT, or with the error that kept it from starting.
Result<void> runDnsNode(const DnsNodeRequest& request);

}  // namespace swb
