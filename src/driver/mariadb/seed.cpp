#include "driver/mariadb/seed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/fault.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "driver/mariadb/accounts.h"
#include "driver/mariadb/divergence.h"
#include "driver/mariadb/dump.h"
#include "driver/mariadb/fence.h"
#include "driver/mariadb/fresh_server.h"
#include "driver/mariadb/physical_copy.h"
#include "driver/mariadb/promotion.h"
#include "driver/mariadb/rejoin.h"
#include "driver/mariadb/server_options.h"
#include "driver/mariadb/source.h"
#include "driver/support/files.h"
#include "driver/support/seed_places.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* seedRecord = "seed";
constexpr const char* phaseCopying = "copying";
constexpr const char* phaseReady = "ready";  // the copy is complete, loaded and stopped cleanly
constexpr const char* dumpName = "/all.sql";
constexpr const char* phaseSwapped = "swapped";  // it has become the data directory

struct Places : SeedPlaces {
    std::string dump;

    explicit Places(const Instance& instance)
        : SeedPlaces(SeedPlaces::of(instance)), dump(instance.data() + ".swingbridge-dump") {}
};

constexpr const char* byFiles = "files";
constexpr const char* byDump = "dump";

// A dump and the tables that are loaded from it stand side by side for a while.
Result<void> checkSpace(const Places& places, std::string_view method, int64_t dataBytes) {
    constexpr int64_t roomBytes = 256 << 20;
    return places.requireRoom((method == byDump ? 2 : 1) * dataBytes + dataBytes / 5 + roomBytes);
}

// The last position that both histories are known to have: where the source, or one of its predecessors, was promoted,
// or what this server applied as a replica, whichever is later.
Result<std::string> lastCommon(const Instance& instance, const ServerState& state, Connection& source,
                               MonotonicMs deadline) {
    std::string common = state.applied;
    const Dialect& dialect = instance.dialect();
    const Rows promotions =
        TRY(source.query("SELECT ended FROM swingbridge.promotion ORDER BY number DESC LIMIT 50", deadline));
    for (const auto& promotion : promotions) {
        const Relation here = TRY(dialect.relation(promotion.first(), state.position));
        if (here != Relation::behind && here != Relation::equal) continue;
        if (common.empty() || TRY(dialect.relation(promotion.first(), common)) == Relation::ahead)
            common = promotion.first();
        break;
    }
    return common;
}

// What only the server here has is saved before its data goes (I7): transactions of the same history that the source
// lacks. Data of another history is what the typed consent was about. Answers the file; empty: there was nothing.
Result<std::string> saveWhatOnlyThisHas(const Instance& instance, Connection& source, const Context& context) {
    if (!instance.server()) return std::string();
    const Dialect& dialect = instance.dialect();
    auto session = TRY(instance.session(context));
    const ServerState state = TRY(readState(instance, *session, context));
    const std::string own = TRY(session->value("SELECT " + std::string(dialect.surplusExpression()), context.deadline));
    // The source's after ours: what it has later than that is not missing there.
    const PeerState peer = TRY(readPeer(dialect, source, context.deadline));
    if (state.identity.empty() || state.identity != peer.identity || TRY(dialect.surplus(own, peer.surplus)).empty())
        return std::string();
    // A set of GTIDs names each transaction that the source has; what a MySQL server applied is no measure, its own
    // transactions are in it.
    const std::string common =
        dialect.engine() == Engine::mysql ? peer.position : TRY(lastCommon(instance, state, source, context.deadline));
    return TRY(saveAfter(instance, *session, common, context)).path;
}

Result<void> load(const Instance& instance, FreshServer& server, const Places& places, const Context& context) {
    const bool mysql = instance.dialect().engine() == Engine::mysql;
    ProgramCall call =
        instance.programCall(mysql ? "mysql" : "mariadb",
                             {"--no-defaults", "--protocol=socket", "--socket=" + server.socket(), "--user=root",
                              "--batch", "--default-character-set=utf8mb4", "--max-allowed-packet=1G",
                              "--init-command=SET SESSION sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0",
                              "--execute=source " + places.dump});
    // Since 9 the client's own commands must be permitted; older ones do not know the option.
    if (mysql) call.argv.emplace_back("--loose-commands");
    const auto outcome = runChecked(call, context);
    if (!outcome) return fail(outcome.error().within("the copy could not be loaded"));
    return {};
}

// The accounts came with the copy; the one we work as may be another here.
Result<void> keepSuperuser(const Instance& instance, Connection& connection, const Context& context) {
    TRY_VOID(connection.execute("FLUSH PRIVILEGES", context.deadline));
    const std::string account = connection.literal(instance.spec().service.superuser) + "@'localhost'";
    const std::string known =
        TRY(connection.value("SELECT COUNT(*) FROM mysql.user WHERE Host = 'localhost' AND User = " +
                                 connection.literal(instance.spec().service.superuser),
                             context.deadline));
    if (known != "0") return {};
    const bool mysql = instance.dialect().engine() == Engine::mysql;
    TRY_VOID(connection.execute(
        "CREATE USER " + account + (mysql ? " IDENTIFIED WITH auth_socket" : " IDENTIFIED VIA unix_socket"),
        context.deadline));
    return connection.execute("GRANT ALL PRIVILEGES ON *.* TO " + account + " WITH GRANT OPTION", context.deadline);
}

void endLeftovers(const Instance& instance, const Places& places) {
    FreshServer::endLeftovers(instance, places.fresh);
    endCopyLeftovers(places.fresh);
    for (const auto& leftover : processesWithArgument("--result-file=" + places.dump + dumpName))
        sendSignal(leftover, 9);
}

// The source's files as they are. Answers the position of the copy.
Result<std::string> copyFiles(const Instance& instance, const Places& places, const Peer& peer,
                              const Context& context) {
    endLeftovers(instance, places);
    TRY_VOID(places.make(places.fresh, instance.user()));
    const PhysicalCopy taken = TRY(takePhysicalCopy(instance, peer, places.fresh, context));
    faultPoint("seed", instance.spec().name, "copied");
    auto server = TRY(FreshServer::startOnCopy(instance, places.fresh, copiedOptionFile(places.fresh), context));
    TRY_VOID(keepSuperuser(instance, server.connection(), context));
    TRY_VOID(server.stop(context));
    FreshServer::endLeftovers(instance, places.fresh);
    TRY_VOID(flushFileSystem(places.fresh));
    return taken.position;
}

// Everything as statements. Answers the position of the copy.
Result<std::string> copyDump(const Instance& instance, const Places& places, const Peer& peer, int64_t bytes,
                             const Context& context) {
    endLeftovers(instance, places);
    TRY_VOID(places.make(places.fresh, instance.user()));
    // The dump is a file of the service's user in a directory of its own: the parent need not be writable for it.
    TRY_VOID(places.make(places.dump, instance.user()));
    Places inside = places;
    inside.dump += dumpName;
    const std::string position = TRY(dumpPeer(instance, peer, inside.dump, bytes, context));
    faultPoint("seed", instance.spec().name, "copied");
    context.progress(bytes, bytes, "loading the copy");
    auto server = TRY(FreshServer::start(instance, places.fresh, context));
    TRY_VOID(load(instance, server, inside, context));
    TRY_VOID(keepSuperuser(instance, server.connection(), context));
    TRY_VOID(server.stop(context));
    FreshServer::endLeftovers(instance, places.fresh);
    TRY_VOID(removeTree(places.dump));
    TRY_VOID(flushFileSystem(places.fresh));
    return position;
}

struct Progress {
    std::string phase = phaseCopying;
    std::string position;
    std::string sourceSurplus;  // of the source after the copy
    int64_t serverId = 0;
    std::string saved;
    std::string method;
};

// The files where the source gives them out; otherwise, or when that fails, a dump.
Result<void> copy(const Instance& instance, const Places& places, const Peer& peer, int64_t bytes, Progress& progress,
                  const Context& context) {
    if (progress.method != byDump && peer.copy) {
        progress.method = byFiles;
        TRY_VOID(checkSpace(places, progress.method, bytes));
        auto position = copyFiles(instance, places, peer, context);
        if (position) {
            progress.position = *position;
            return {};
        }
        if (context.cancelled() || context.remainingMs() == 0) return fail(position.error());
        logWarning("mariadb", "{}: the files of {} could not be copied, it is dumped instead: {}", instance.spec().name,
                   peer.host, describe(position.error()));
        context.progress(0, bytes, "the files could not be copied (" + position.error().message + "): dumping instead");
    }
    progress.method = byDump;
    TRY_VOID(checkSpace(places, progress.method, bytes));
    progress.position = TRY(copyDump(instance, places, peer, bytes, context));
    return {};
}

Result<void> writeProgress(const Instance& instance, const Progress& progress, const Peer& peer,
                           std::string_view slot) {
    TRY_VOID(instance.writeRecord(seedRecord, JsonObject{{"phase", progress.phase},
                                                         {"position", progress.position},
                                                         {"sourceSurplus", progress.sourceSurplus},
                                                         {"serverId", progress.serverId},
                                                         {"saved", progress.saved},
                                                         {"method", progress.method},
                                                         {"host", peer.host},
                                                         {"port", peer.port},
                                                         {"slot", slot}}));
    faultPoint("seed", instance.spec().name, progress.phase);
    return {};
}

Progress readProgress(const Instance& instance, const Peer& peer, std::string_view slot) {
    const Json record = instance.record(seedRecord);
    if (textAt(record, "host") != peer.host || integerAt(record, "port") != peer.port || textAt(record, "slot") != slot)
        return {};
    return {textAt(record, "phase", phaseCopying), textAt(record, "position"), textAt(record, "sourceSurplus"),
            integerAt(record, "serverId"),         textAt(record, "saved"),    textAt(record, "method")};
}

// A replica from its first start on: closed, at the position of the copy, following.
Result<Json> follow(const Instance& instance, const Places& places, const Peer& peer, const Progress& progress,
                    double start, const Context& context) {
    const Dialect& dialect = instance.dialect();
    TRY_VOID(instance.service().unmask(context));
    auto session = TRY(instance.startAndConnect(context));
    ServerState state = TRY(readState(instance, *session, context));
    if (!state.replica) {
        if (!state.writesClosed)
            return fail(
                ErrorCode::VerificationFailed, "the copy came up open for writes",
                "The server does not read " + instance.optionFile() + ", or something after it sets read_only.");
        const auto adopted =
            TRY(dialect.adoptPosition(progress.position, progress.sourceSurplus, session->serverVersion()));
        for (const auto& statement : adopted) TRY_VOID(session->execute(statement, context.deadline));
        for (const auto& statement : dialect.followSource(instance.sourceAddress(peer), "", session->serverVersion()))
            TRY_VOID(session->execute(statement, context.deadline));
    }
    TRY_VOID(startReplicating(instance, *session, context));
    TRY_VOID(awaitStreaming(instance, *session, peer, context));
    state = TRY(readState(instance, *session, context));
    const int64_t bytes = treeBytes(places.data);
    for (const auto& path : {places.old, places.fresh, places.dump}) TRY_VOID(removeTree(path));
    TRY_VOID(instance.noteSeeded());
    for (const char* record : {"fence", promotionRecord, seedRecord}) TRY_VOID(instance.removeRecord(record));
    return JsonObject{{"bytes", bytes},
                      {"seconds", (preciseMs() - start) / 1000},
                      {"method", progress.method},
                      {"systemId", state.identity},
                      {"position", state.position},
                      {"saved", progress.saved.empty() ? Json(nullptr) : Json(progress.saved)}};
}

}  // namespace

Result<void> discardHalfCopy(const Instance& instance) {
    const Places places(instance);
    if (textAt(instance.record(seedRecord), "phase") != phaseCopying) return {};
    if (!directoryExists(places.fresh) && !directoryExists(places.dump)) return {};
    endLeftovers(instance, places);
    TRY_VOID(removeTree(places.fresh));
    // The record stays: it knows what was saved, and that the former data beside it is ours.
    return removeTree(places.dump);
}

Result<Json> seed(const Instance& instance, std::string_view application, const Peer& peer, std::string_view slot,
                  const Context& context) {
    const double start = preciseMs();
    const Places places(instance);
    if (!instance.tls().complete())
        return fail(ErrorCode::NotReady, "the server has no certificates of the controller yet",
                    "Install certificates first (database.install-certificates).");
    if (slot.empty()) return fail(ErrorCode::InvalidInput, "a seed needs the name of its replica at the source");
    TRY_VOID(places.check(!instance.record(seedRecord).is_null()));
    Progress progress = readProgress(instance, peer, slot);
    if (progress.phase == phaseReady && !directoryExists(places.fresh)) progress.phase = phaseSwapped;
    if (progress.phase == phaseCopying) {
        auto source = TRY(instance.peerConnection(peer, within(context, 10'000)));
        const PeerState state = TRY(identifyPeer(instance, peer, within(context, 10'000)));
        if (state.identity.empty())
            return fail(ErrorCode::NotReady, "the source at " + peer.host + " was not prepared",
                        "Prepare it first (database.prepare-source).");
        const int64_t bytes = TRY(estimatedBytes(source, context.deadline));
        progress.saved = TRY(saveWhatOnlyThisHas(instance, source, context));
        progress.serverId = chosenServerId(instance, application, state.serverId);
        TRY_VOID(instance.writeOwnOptions(preparedOptions(instance, progress.serverId, application, true)));
        TRY_VOID(writeProgress(instance, progress, peer, slot));
        TRY_VOID(copy(instance, places, peer, bytes, progress, context));
        progress.sourceSurplus = TRY(identifyPeer(instance, peer, within(context, 10'000))).surplus;
        progress.phase = phaseReady;
        TRY_VOID(writeProgress(instance, progress, peer, slot));
    }
    if (progress.phase == phaseReady) {
        instance.sessions().forget(instance.sessionsKey());
        if (instance.server()) TRY_VOID(instance.service().stop(context));
        TRY_VOID(places.swap(instance.spec().name));
        progress.phase = phaseSwapped;
        TRY_VOID(writeProgress(instance, progress, peer, slot));
    }
    auto finished = follow(instance, places, peer, progress, start, context);
    // A copy that does not come up is made anew by the next call; the old data stays beside it until one does.
    if (!finished) {
        progress.phase = phaseCopying;
        progress.method = byDump;
        TRY_VOID(writeProgress(instance, progress, peer, slot));
    }
    return finished;
}

}  // namespace swb::driver::mariadb
