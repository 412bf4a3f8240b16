// The zone of the test name server: read from a file, changed by an address.
#pragma once

#include <string>

#include "dns/server.h"

namespace swb::test {

Result<dns::ZonePointer> loadZone(const std::string& origin, const std::string& path);
// Returns when the server answers the new address.
Result<void> publishAddress(dns::Server& server, const std::string& name, const std::string& address);

}  // namespace swb::test
