// What the name servers of a zone answer for a name: every one of them, at every address, over UDP and TCP.
// A public resolver's answer is a matter of caches; this is the matter of fact.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/json.h"
#include "dns/address.h"
#include "dns/message.h"
#include "dns/protocol.h"
#include "publication/provider.h"

namespace swb::publication {

struct NameServerAddress {
    std::string name;  // "ns1.provider.example"; its address when it was given as one
    dns::Endpoint endpoint;
};

struct ServerAnswer {
    NameServerAddress server;
    dns::Transport transport = dns::Transport::udp;
    bool asked = true;  // false: this machine has no way to that address (no IPv6, mostly); not held against it
    std::optional<RecordSet> set;  // none: it answers that there is no such set
    std::string problem;           // why there is no answer

    std::string where() const;  // "ns1.provider.example at 192.0.2.1:53 (TCP)"
};

struct Survey {
    std::vector<ServerAnswer> answers;

    bool agrees(const RecordSet& wanted) const;  // all that were asked, and at least one
    // Those that do not answer the wanted values, in words; empty: all do.
    std::string dissent(const RecordSet& wanted) const;
    // One of them answers something else, which silence is not.
    bool contradicts(const RecordSet& wanted) const;
};
Json toJson(const Survey& survey);

struct SurveySettings {
    std::vector<dns::Endpoint> resolvers;  // to find the name servers
    int64_t timeoutMs = 2000;              // of each question
    const std::atomic<bool>* stop = nullptr;
};

// The publication's own list, or the zone's NS records by the resolvers, each with its addresses.
Result<std::vector<NameServerAddress>> findNameServers(const Publication& publication, const SurveySettings& settings);
// Asks all at once.
Survey surveyServers(const std::vector<NameServerAddress>& servers, const Publication& publication,
                     const SurveySettings& settings);
// What the configured resolvers have in their caches, with the TTL that is left. For information: nobody is judged by
// it.
Survey surveyResolvers(const Publication& publication, const SurveySettings& settings);

// The first resolver that says anything definite: NOERROR or NXDOMAIN.
Result<dns::Response> askResolvers(const dns::Name& name, uint16_t type, const SurveySettings& settings);
// Addresses of a host by the resolvers, the first that answers; A and AAAA.
Result<std::vector<dns::IpAddress>> resolveHost(const std::string& name, const SurveySettings& settings);

// The name servers of /etc/resolv.conf: what is asked where none are configured.
std::vector<dns::Endpoint> systemResolvers(const std::string& path = "/etc/resolv.conf");

}  // namespace swb::publication
