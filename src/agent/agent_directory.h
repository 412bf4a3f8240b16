// Where an agent keeps what it must not forget: one directory, of which this is the map.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace swb::agent {

struct AgentDirectory {
    std::string root;

    std::string configuration() const { return root + "/agent.json"; }
    std::string identity() const { return root + "/identity.pem"; }       // certificate and key, replaced together
    std::string renewalKey() const { return root + "/renewal-key.pem"; }  // while a renewal is under way
    std::string authority() const { return root + "/authority.pem"; }
    std::string ledger() const { return root + "/ledger/journal"; }
    std::string guards() const { return root + "/guard"; }
    std::string applications() const { return root + "/applications"; }
    std::string drivers() const { return root + "/drivers"; }
    std::string connection() const { return root + "/connection.json"; }  // what `status` shows of a running agent
    std::string lock() const { return root + "/lock"; }

    Result<void> make() const;
    // Held as long as the descriptor lives; InUse when another agent works here.
    Result<Fd> acquireLock() const;
};

}  // namespace swb::agent
