// PostgreSQL 13 to 18 behind the one interface of database engines. The agent's verbs call in, possibly several at once
// for different servers; out go libpq on the server's unix socket, signals to its postmaster, its files, and its own
// programs for a base backup. Nothing here decides whether something should happen.
//
//     instance   one server: paths, user, process, connections          managers   direct, pg_ctlcluster, (systemd)
//     tls, source, seed          enabling replication                   facts      what a server says of itself
//     fence, promotion, rejoin   the three acts of a switch             supervision   the agent's own start
//     synchronous                commits that wait for the other site, and do not hang for ever
//     divergence, rewind         what only one side has: saved, counted, wound back
//     control_file, wal_record, wal_summary, timelines, auto_conf, hba_block          formats, pure
//
// It must never promote, or start as a primary, a server whose files do not prove that it may.
#pragma once

#include "driver/database_driver.h"
#include "driver/postgresql/facts.h"
#include "driver/postgresql/instance.h"
#include "driver/postgresql/synchronous.h"

namespace swb::driver {

class PostgresqlDriver final : public DatabaseDriver {
  public:
    Json inspect(const DatabaseSpec& spec, const Peer* peer, const Context& context) override;
    Result<CertificateRequests> certificateRequests(const DatabaseSpec& spec, const Context& context) override;
    Result<Json> installCertificates(const DatabaseSpec& spec, const Certificates& certificates,
                                     const Context& context) override;
    Result<Json> prepareSource(const DatabaseSpec& spec, std::string_view application, const Peer& peer,
                               std::string_view slot, const Context& context) override;
    Result<Json> testSource(const DatabaseSpec& spec, const Peer& peer, const Context& context) override;
    Result<Json> saveOnlyHere(const DatabaseSpec& spec, const Peer& peer, const Context& context) override;
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
    Result<postgresql::Instance> open(const DatabaseSpec& spec, const Context& context);

    postgresql::ConnectionPool pool_;
    postgresql::SlowFacts slowFacts_;
    postgresql::SyncKeeper synchronous_;
};

}  // namespace swb::driver
