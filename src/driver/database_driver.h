// One interface for every database engine. The agent's database verbs (docs/protocol/verbs.md) call it and nothing
// else. Drivers are blocking code with deadlines: every call ends by context.deadline. Every call is idempotent. A
// driver never decides *whether* something should happen: the plan did. It refuses what the engine shows to be unsafe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "model/application.h"

namespace swb::driver {

// What a verb's execution is allowed: until when, whether somebody cancelled it, whom to tell about progress.
struct Context {
    MonotonicMs deadline = 0;  // SystemClock::monotonic()
    std::function<bool()> cancelled = [] { return false; };
    // done of total (0: unknown), in bytes or steps, and a sentence.
    std::function<void(int64_t done, int64_t total, std::string_view sentence)> progress = [](int64_t, int64_t,
                                                                                              std::string_view) {};
    // A fence calls it once, when it has seen that it may close the server and nothing is taken from clients yet. An
    // error ends the fence there, with writes as they were. One that finds the server closed need not call it.
    std::function<Result<void>()> beforeClosing = [] { return Result<void>(); };
    std::string stateDirectory;   // the agent's own directory for this driver: keys, records of what was masked
    int64_t remainingMs() const;  // never negative
};

// PEER in the verbs' document: where the other site's database is replicated from.
struct Peer {
    std::string application;
    std::string host;
    uint16_t port = 0;
    std::string verifier = {};  // of its replication user, from its certificate requests; empty: as it was before
    std::optional<HostPort> copy = {};  // where its agent hands out physical copies
};

// Proof from a fenced primary (DESIGN.md §2). Opaque outside the driver but for database, engine, epoch, end and, where
// the engine has one, timeline.
struct Token {
    std::string database;
    Json proof;  // TOKEN in the verbs' document
};

struct Certificates {
    std::string authority, server, client;  // PEM
};
struct CertificateRequests {
    std::string server, client;  // PEM
    // For engines that cannot tell clients by their certificate: what a source needs to recognise this side's
    // replication user, and nobody can log in with (a hash). Otherwise empty.
    std::string verifier = {};
};

class DatabaseDriver {
  public:
    virtual ~DatabaseDriver() = default;

    // Never fails for a server that is down: its facts say so (FACTS in the verbs' document).
    virtual Json inspect(const DatabaseSpec& spec, const Peer* peer, const Context& context) = 0;

    virtual Result<CertificateRequests> certificateRequests(const DatabaseSpec& spec, const Context& context) = 0;
    virtual Result<Json> installCertificates(const DatabaseSpec& spec, const Certificates& certificates,
                                             const Context& context) = 0;
    // slot: the name under which the source knows this replica (Link::slotFor); kept by engines that can.
    virtual Result<Json> prepareSource(const DatabaseSpec& spec, std::string_view application, const Peer& peer,
                                       std::string_view slot, const Context& context) = 0;
    virtual Result<Json> testSource(const DatabaseSpec& spec, const Peer& peer, const Context& context) = 0;
    // What this server has and the peer's history has not, as after an emergency there: saved beside its data, and
    // described ({commits, sentence, directory, …}); null when there is nothing, or when seed() keeps it by itself.
    // Changes nothing of the server's own.
    virtual Result<Json> saveOnlyHere(const DatabaseSpec&, const Peer&, const Context&) { return Json(nullptr); }
    virtual Result<Json> seed(const DatabaseSpec& spec, std::string_view application, const Peer& peer,
                              std::string_view slot, const Context& context) = 0;
    virtual Result<Json> releaseSource(const DatabaseSpec& spec, const std::vector<std::string>& slots,
                                       const Context& context) = 0;
    virtual Result<Json> promoteStandalone(const DatabaseSpec& spec, bool allowLagging, const Context& context) = 0;

    virtual Result<Json> prepareSwitchSource(const DatabaseSpec& spec, std::string_view peerSlot,
                                             const Context& context) = 0;
    virtual Result<Json> prepareSwitchReplica(const DatabaseSpec& spec, const Peer& peer, int64_t lagBytesMax,
                                              const Context& context) = 0;
    virtual Result<Json> endSwitch(const DatabaseSpec& spec, const Context& context) = 0;

    // The boot guard has been written by the agent before this is called. When it returns nobody can write, whoever
    // restarts the server, and the token is the last position.
    virtual Result<Token> fence(const DatabaseSpec& spec, int64_t epoch, const Context& context) = 0;
    virtual Result<Json> unfence(const DatabaseSpec& spec, const Context& context) = 0;
    // Ends when the replica has replayed exactly to the token, or with TokenNotReached. Refuses another identity.
    virtual Result<Json> awaitToken(const DatabaseSpec& spec, const Token& token, const Context& context) = 0;
    // Point of no return. Requires the token reached. Verifies before it reports done.
    virtual Result<Json> promote(const DatabaseSpec& spec, const Token& token, const Context& context) = 0;
    virtual Result<Json> rejoin(const DatabaseSpec& spec, std::string_view application, const Peer& peer,
                                std::string_view slot, const Token& token, const Context& context) = 0;

    // For the agent's own start: the server should run in the role its data directory and the boot guard say.
    // guardRole: "primary", "replica" or "" (no guard). Starts it if it is down and managed directly.
    virtual Result<Json> ensureRunning(const DatabaseSpec& spec, std::string_view guardRole,
                                       const Context& context) = 0;
    // Stops it cleanly (the lab, `swing-agent` maintenance); not a fence.
    virtual Result<void> stop(const DatabaseSpec& spec, const Context& context) = 0;

    // One small committed write as the application's own user, by the address that its environment names. One try.
    virtual Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) = 0;
};

// Unsupported for engines without a driver.
Result<std::unique_ptr<DatabaseDriver>> makeDatabaseDriver(Engine engine);

}  // namespace swb::driver
