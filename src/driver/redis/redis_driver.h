// Redis 6.2 to 8 and Valkey 7.2 to 9 behind the one interface of database engines. The agent's verbs call in, possibly
// several at once for different servers; out go commands on the server's unix socket, TLS to the peer for tests, the
// server's configuration files, and signals to its process. Nothing here decides whether something should happen.
//
//     instance, connection, resp     one server: paths, user, process, configuration, the protocol
//     role_file                      what a server is when anybody starts it
//     credentials, peers, tls        users, passwords, certificates
//     source, following, seed        enabling replication          facts          what a server says of itself
//     fence, promotion, rejoin       the three acts of a switch    supervision    the agent's own start
//     returned_data                  the empty-restart guard       dialect        Redis or Valkey, old or new
//
// It must never let a server start as a primary whose data was not seen to have come back, and never make a server copy
// another's data over writes that only it has.
#pragma once

#include "driver/database_driver.h"
#include "driver/redis/facts.h"
#include "driver/redis/instance.h"

namespace swb::driver {

class RedisDriver final : public DatabaseDriver {
  public:
    Json inspect(const DatabaseSpec& spec, const Peer* peer, const Context& context) override;
    Result<CertificateRequests> certificateRequests(const DatabaseSpec& spec, const Context& context) override;
    Result<Json> installCertificates(const DatabaseSpec& spec, const Certificates& certificates,
                                     const Context& context) override;
    Result<Json> prepareSource(const DatabaseSpec& spec, std::string_view application, const Peer& peer,
                               std::string_view slot, const Context& context) override;
    Result<Json> testSource(const DatabaseSpec& spec, const Peer& peer, const Context& context) override;
    Result<Json> seed(const DatabaseSpec& spec, std::string_view application, const Peer& peer, std::string_view slot,
                      const Context& context) override;
    Result<Json> releaseSource(const DatabaseSpec& spec, const std::vector<std::string>& slots,
                               const Context& context) override;
    Result<Json> promoteStandalone(const DatabaseSpec& spec, bool allowLagging, const Context& context) override;
    Result<Json> prepareSwitchSource(const DatabaseSpec& spec, std::string_view peerSlot,
                                     const Context& context) override;
    Result<Json> prepareSwitchReplica(const DatabaseSpec& spec, const Peer& peer, int64_t lagBytesMax,
                                      const Context& context) override;
    Result<Json> endSwitch(const DatabaseSpec& spec, const Context& context) override;
    Result<Token> fence(const DatabaseSpec& spec, int64_t epoch, const Context& context) override;
    Result<Json> unfence(const DatabaseSpec& spec, const Context& context) override;
    Result<Json> awaitToken(const DatabaseSpec& spec, const Token& token, const Context& context) override;
    Result<Json> promote(const DatabaseSpec& spec, const Token& token, const Context& context) override;
    Result<Json> rejoin(const DatabaseSpec& spec, std::string_view application, const Peer& peer, std::string_view slot,
                        const Token& token, const Context& context) override;
    Result<Json> ensureRunning(const DatabaseSpec& spec, std::string_view guardRole, const Context& context) override;
    Result<void> stop(const DatabaseSpec& spec, const Context& context) override;
    Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) override;

  private:
    Result<redis::Instance> open(const DatabaseSpec& spec, const Context& context);

    redis::ConnectionPool pool_;
    redis::WriteRates rates_;
};

}  // namespace swb::driver
