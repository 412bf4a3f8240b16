// Settings that replication and switches need, in our option file for the server's next start, and in the running
// server where it takes them. read_only and event_scheduler are off limits for the option file's reader: whatever
// starts the server, it comes up closed, and the agent opens it where the boot guard permits.
#pragma once

#include "driver/mariadb/instance.h"
#include "driver/mariadb/server_state.h"

namespace swb::driver::mariadb {

// Writes the option file and sets what can be set; answers the settings that only a restart brings.
// otherServerId: that this server must not have (0: none is known).
Result<std::vector<std::string>> prepareOptions(const Instance& instance, Connection& connection,
                                                std::string_view application, int64_t otherServerId,
                                                const Context& context);
// The options alone, for a server that does not run. Without `application` the name at the source stays as it was.
Options preparedOptions(const Instance& instance, int64_t serverId, std::string_view application, bool makesLog);
// Stable for one application's database, never 0 or 1, and not the other's.
int64_t chosenServerId(const Instance& instance, std::string_view application, int64_t other);
// Of a replica whose threads are about to start: one that applies one transaction after the other falls behind a busy
// primary, whose commits share their flushes. A number that somebody chose stays.
Result<void> applyInParallel(const Instance& instance, Connection& connection, const Context& context);
// TLS files in the option file; nothing else of it changes.
Result<void> writeTlsOptions(const Instance& instance);
// The server is no peer of anybody any more: it comes up open again, with its own TLS.
Result<void> withdrawOptions(const Instance& instance);
// Whether the running server shows our certificate.
Result<bool> showsOurCertificate(const Instance& instance, Connection& connection, const Context& context);

}  // namespace swb::driver::mariadb
