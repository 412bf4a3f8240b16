// What belongs to a site and not to its data: port, addresses, hba, authentication, every local choice. A base copy and
// a rewind both bring the source's files; the site's are kept in the state directory first and put back after it.
#pragma once

#include "driver/postgresql/instance.h"
#include "driver/support/seed_places.h"

namespace swb::driver::postgresql {

// Copies the configuration out of the data directory, if there is one with a configuration of its own.
Result<void> keepSiteConfiguration(const Instance& instance, const Context& context);
void dropKeptConfiguration(const Instance& instance);
// Into a copy that becomes the data directory: a replica of the peer, closed and with at least the primary's limits. A
// site that never had a configuration gets its address on top of the primary's.
Result<void> putSiteConfiguration(const Instance& instance, const SeedPlaces& places, const Peer& peer,
                                  std::string_view slot, const Context& context);
// A setting as a server on this directory with the site's configuration would have it.
Result<std::string> configuredValue(const Instance& instance, const std::string& directory, const char* name,
                                    const Context& context);
// Arguments of `postgres` that make it work on this directory with the site's configuration.
std::vector<std::string> serverArguments(const Instance& instance, const std::string& directory);

}  // namespace swb::driver::postgresql
