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

// `swingd dns --status`: prints what the node wrote into its state file last. True: it runs, and answers all of its
// zones from a primary that it has heard lately.
Result<bool> printNodeStatus(const std::string& configFile, bool json);

}  // namespace swb
