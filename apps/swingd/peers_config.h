// What configuration files say about other name servers: keys, who may transfer, whom to notify.
#pragma once

#include "base/json.h"
#include "dns/transfer/access.h"
#include "dns/transfer/notifier.h"

namespace swb {

struct PeersConfig {
    struct Notified {
        dns::Endpoint endpoint;
        std::optional<dns::Name> key;
    };
    std::vector<std::string> keyFiles;
    std::vector<dns::transfer::AccessRule> allowTransfer;
    int64_t transfersMax = 8;
    std::vector<Notified> alsoNotify;
    bool notifyNameServers = true;
    std::optional<dns::Name> nameServerKey;
    std::optional<dns::Name> catalog;

    std::vector<dns::Name> neededKeys() const;
};

// The keys of this form are read; others are left to the caller's reader.
Result<PeersConfig> readPeers(JsonReader& reader);
// Whoever is to be told with a key that is not there is left out, never told without it.
dns::transfer::NotifierSettings notifierSettings(const PeersConfig& config, const dns::TsigKeyring& keys,
                                                 const std::vector<dns::Endpoint>& own);

}  // namespace swb
