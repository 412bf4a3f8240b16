// What is answered for a failover address and for the domains that point at it: by every own name server over UDP and
// TCP, and by the configured resolvers. Asking and judging are apart: warningsOf() is pure.
#pragma once

#include "dns/rdata.h"
#include "publication/survey.h"

namespace swb::publication {

struct AddressQuestion {
    std::string group, groupId;
    std::string name, zone;             // "417-052-938.failover.example", "failover.example"
    std::vector<std::string> expected;  // what it answers when all is well, sorted; empty: reserved
    int64_t epoch = 0, ttl = 300;
    std::vector<NameServerAddress> ownServers;
    std::vector<dns::Endpoint> resolvers;
    std::vector<std::string> domains;    // the team's own names, which should lead to it
    std::vector<std::string> published;  // those of them that follow the group at their own provider
    int64_t timeoutMs = 1500;
    uint16_t authorityPort = dns::defaultPort;  // where the name servers of the team's domains answer
};

struct AddressAnswer {
    bool own = false;  // a name server of the zone; otherwise a resolver
    NameServerAddress server;
    dns::Transport transport = dns::Transport::udp;
    std::string problem;
    std::vector<std::string> addresses;  // A and AAAA, sorted
    uint32_t ttlSeconds = 0;             // left, at a resolver
    std::optional<uint32_t> serial;
    std::optional<int64_t> epoch;  // of the TXT record _swingbridge.<name>
};

struct DomainAnswer {
    struct Link {
        std::string to;
        uint32_t ttlSeconds = 0;
        bool isExact = false;  // as the name's own zone has it; otherwise what resolvers still keep it for: at least
    };
    std::string name;
    std::vector<Link> chain;  // its CNAMEs, in order
    std::vector<std::string> addresses;
    std::vector<std::string> hints;  // ipv4hint and ipv6hint of its HTTPS records
    std::string problem;
};

struct AddressWarning {
    std::string name;  // "apex-bypass"
    std::string subject, sentence, hint;
};

struct AddressReport {
    std::vector<AddressAnswer> answers;
    std::vector<DomainAnswer> domains;
    std::optional<std::vector<std::string>> delegation;  // the zone's name servers as the world sees them
    std::string delegationProblem;
    std::vector<AddressWarning> warnings;
};

// Asks everybody at once.
AddressReport askAddress(const AddressQuestion& question);
std::vector<AddressWarning> warningsOf(const AddressQuestion& question, const AddressReport& report);
Json toJson(const AddressReport& report);

// The addresses in the parameters ipv4hint and ipv6hint of an HTTPS or SVCB record; malformed data has none.
std::vector<std::string> hintsIn(const dns::Rdata& data);
// "group=… epoch=7" of the TXT record beside a failover address.
std::optional<int64_t> epochInText(std::string_view text);

}  // namespace swb::publication
