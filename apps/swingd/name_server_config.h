// Settings of the name server that `swingd run` (below dns:) and `swingd dns` have in common:
//
//     threads: 1              UDP threads
//     nsid: ns1               what the server calls itself when asked (RFC 5001); nothing by default
//     rate_limit: 5000        UDP answers a second for each /24 or /56 and kind of answer; 0 switches the limit off
//     rate_limit_slip: 2      every n-th answer over the limit is sent truncated; 0: none
//     cookie_keys: FILE       the same file on all name servers of a zone; by default one of this server's own
#pragma once

#include <string>

#include "base/json.h"
#include "dns/server.h"

namespace swb {

struct NameServerConfig {
    int64_t threads = 1;
    std::string nsid;
    dns::RateLimitOptions rateLimit;
    std::string cookieKeys;  // path; empty: the default
};

NameServerConfig readNameServer(JsonReader& reader);
// directory: where the file of the cookie keys is by default; made when it is not there. One that cannot be read is
// logged and done without: answering goes on (I11), only with cookies that other servers do not know.
void apply(const NameServerConfig& config, const std::string& directory, dns::ServerOptions& options);

}  // namespace swb
