// Enabling replication: certificates, the replication user, settings, and a real look at a peer with the real
// credentials.
#pragma once

#include "driver/mariadb/instance.h"
#include "driver/mariadb/server_state.h"

namespace swb::driver::mariadb {

// TLS by FLUSH SSL, unlogged, where the server has our files already; otherwise the next start brings it, which
// prepareSource() makes.
Result<Json> installCertificates(const Instance& instance, const Certificates& certificates, const Context& context);
Result<Json> prepareSource(const Instance& instance, std::string_view application, const Peer& peer,
                           std::string_view slot, const Context& context);
Result<Json> testSource(const Instance& instance, const Peer& peer, const Context& context);
Result<Json> releaseSource(const Instance& instance, const std::vector<std::string>& slots, const Context& context);

// A peer over its replication user, with the rights of one and another server_id than ours (when ours is known).
// Others were admitted as its replicas.
bool hasReplicas(const Instance& instance);
Result<PeerState> identifyPeer(const Instance& instance, const Peer& peer, MonotonicMs deadline);

}  // namespace swb::driver::mariadb
