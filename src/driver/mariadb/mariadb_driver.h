// MariaDB 10.6 to 11 and MySQL 8 behind the one interface of database engines. The agent's verbs call in, possibly
// several at once for different servers; out go libmariadb on the server's unix socket and the peers' ports, signals to
// the server, its option file, and its own programs for a copy. Nothing here decides whether something should happen.
//
//     instance   one server: paths, user, process, connections          managers   direct, (systemd)
//     source, seed (dump, fresh_server), server_options                 enabling replication
//     server_state, facts                                               what a server says of itself
//     fence (accounts), promotion, rejoin (divergence)                  the three acts of a switch
//     supervision                                                       the agent's own start
//     dialect    what MariaDB and MySQL say differently                 gtid, option_file, token   formats, pure
//
// Unlike PostgreSQL a fenced server runs on. It must never be opened for writes but by unfence, a promotion, or the
// boot guard's word.
#pragma once

#include "driver/database_driver.h"
#include "driver/mariadb/facts.h"
#include "driver/mariadb/instance.h"
#include "driver/mariadb/physical_copy.h"

namespace swb::driver {

class MariadbDriver final : public DatabaseDriver {
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
    Result<mariadb::Instance> open(const DatabaseSpec& spec, const Context& context);
    // What a call found out about a server, with the desk brought up to date on it.
    Result<Json> offering(const mariadb::Instance& instance, Result<Json> result, const Context& context);

    std::shared_ptr<mariadb::Sessions> sessions_ = std::make_shared<mariadb::Sessions>();
    mariadb::SlowFacts slowFacts_;
    mariadb::CopyDesk copies_;
};

}  // namespace swb::driver
