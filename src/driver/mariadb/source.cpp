#include "driver/mariadb/source.h"

#include <algorithm>
#include <cstdlib>

#include "base/log.h"
#include "driver/mariadb/rejoin.h"
#include "driver/mariadb/server_options.h"
#include "model/group.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* peersRecord = "peers";  // slot -> host of those admitted

const std::string& replicationAccount() {
    static const std::string account = "'" + std::string(replicationUser) + "'@'%'";
    return account;
}

Result<void> checkVersion(const Instance& instance, Connection& connection) {
    const int version = connection.serverVersion();
    const bool mysql = instance.dialect().engine() == Engine::mysql;
    if (mysql != !connection.isMariadb())
        return fail(ErrorCode::Unsupported,
                    std::string("the server is ") + (mysql ? "MariaDB" : "MySQL") +
                        ", the definition says engine: " + std::string(nameOf(instance.spec().engine)),
                    "Correct the definition.");
    const bool supported = mysql ? version >= 80026 && version < 100000 : version >= 100600 && version < 120000;
    if (supported) return {};
    return fail(ErrorCode::Unsupported,
                "the server is " + std::string(instance.dialect().product()) + " " + std::to_string(version / 10000) +
                    "." + std::to_string(version / 100 % 100),
                "MariaDB 10.6 to 11 and MySQL 8.0.26 to 9 are supported.");
}

// Nobody can log in with it but who shows a certificate of our authority in its name; it has no password to lose.
Result<void> makeReplicationUser(Connection& connection, const Context& context) {
    const std::string subject = "/CN=" + std::string(replicationUser);
    const std::string exists = TRY(
        connection.value("SELECT COUNT(*) FROM mysql.user WHERE User = " + connection.literal(replicationUser) +
                             " AND Host = '%' AND CONVERT(x509_subject USING utf8mb4) = " + connection.literal(subject),
                         context.deadline));
    if (exists != "0") return {};
    TRY_VOID(connection.execute("CREATE USER IF NOT EXISTS " + replicationAccount(), context.deadline));
    TRY_VOID(connection.execute(
        "ALTER USER " + replicationAccount() + " REQUIRE SUBJECT " + connection.literal(subject), context.deadline));
    // Replication, and reading everything: what a copy is made from.
    return connection.execute(
        "GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT, SHOW VIEW, TRIGGER, EVENT, RELOAD, "
        "LOCK TABLES, PROCESS ON *.* TO " +
            replicationAccount(),
        context.deadline);
}

// The application's accounts may write their row of the write test, and nothing else of ours.
Result<void> grantWriteTest(const Instance& instance, Connection& connection, const Context& context) {
    if (instance.spec().user.empty()) return {};
    const Rows rows =
        TRY(connection.query("SELECT u.User, u.Host FROM mysql.user u LEFT JOIN mysql.tables_priv p ON p.User = u.User "
                             "AND p.Host = u.Host AND "
                             "p.Db = 'swingbridge' AND p.Table_name = 'write_test' WHERE p.User IS NULL AND u.User = " +
                                 connection.literal(instance.spec().user),
                             context.deadline));
    for (const auto& row : rows)
        TRY_VOID(connection.execute("GRANT SELECT, INSERT, UPDATE ON swingbridge.write_test TO " +
                                        connection.literal(row.at("User")) + "@" + connection.literal(row.at("Host")),
                                    context.deadline));
    return {};
}

// Whether the primary runs events is known at every site: its successor does the same.
Result<void> recordEvents(Connection& connection, const ServerState& state, const Context& context) {
    const bool runs = TRY(connection.value("SELECT @@GLOBAL.event_scheduler", context.deadline)) == "ON";
    if (runs == state.runsEvents && !state.identity.empty()) return {};
    return connection.execute("UPDATE swingbridge.origin SET events = " + std::string(runs ? "1" : "0"),
                              context.deadline);
}

Result<void> recordPeer(const Instance& instance, const Peer& peer) {
    Json peers = instance.record(peersRecord);
    if (!peers.is_object()) peers = JsonObject{};
    const std::string slot = Link::slotFor(peer.application);
    if (textAt(peers, slot) == peer.host) return {};
    peers.as_object()[slot] = peer.host;
    return instance.writeRecord(peersRecord, peers);
}

Result<void> preparePrimary(const Instance& instance, Connection& connection, const Context& context) {
    ServerState state = TRY(readState(instance, connection, context));
    if (state.identity.empty()) {
        TRY_VOID(makeOwnSchema(connection, context));
        state = TRY(readState(instance, connection, context));
    }
    TRY_VOID(makeReplicationUser(connection, context));
    TRY_VOID(grantWriteTest(instance, connection, context));
    if (!state.writesClosed) TRY_VOID(recordEvents(connection, state, context));
    return {};
}

// The schema and the replication user of a replica come from its own source, like all its data.
Result<void> checkCanCascade(Connection& connection, const ServerState& state, const Context& context) {
    const std::string user = TRY(connection.value(
        "SELECT COUNT(*) FROM mysql.user WHERE User = " + connection.literal(replicationUser), context.deadline));
    if (!state.identity.empty() && user != "0") return {};
    return fail(ErrorCode::ReplicaNotReady, "the server is a replica without the user that replicas need",
                "Prepare its own source first, and let it follow.");
}

// A handshake with the address that peers use. An answer that only concerns the login proves that TLS works.
Json probeTls(const Instance& instance, const Context& context) {
    constexpr int64_t probeMs = 3000;
    const Peer self{"", instance.spec().address.host, instance.spec().address.port, ""};
    const auto connection = instance.peerConnection(self, within(context, probeMs));
    if (connection) return true;
    const std::string& said = connection.error().message;
    for (const char* sign : {"TLS", "SSL", "certificate", "Can't connect"})
        if (said.find(sign) != std::string::npos) return Json(said);
    return true;
}

JsonArray listOf(const std::vector<std::string>& words) {
    JsonArray list;
    for (const auto& word : words) list.emplace_back(word);
    return list;
}

}  // namespace

bool hasReplicas(const Instance& instance) {
    const Json peers = instance.record(peersRecord);
    return peers.is_object() && !peers.get_object().empty();
}

Result<PeerState> identifyPeer(const Instance& instance, const Peer& peer, MonotonicMs deadline) {
    auto connection = TRY(instance.peerConnection(peer, deadline));
    const Rows grants = TRY(connection.query("SHOW GRANTS", deadline));
    const bool mayReplicate = std::any_of(grants.begin(), grants.end(), [](const Row& row) {
        return row.first().find("REPLICATION SLAVE") != std::string::npos;
    });
    if (!mayReplicate)
        return fail(ErrorCode::NotReady,
                    "the user " + std::string(replicationUser) + " at " + peer.host + " has no right to replicate",
                    "Prepare that server as a source again.");
    return readPeer(instance.dialect(), connection, deadline);
}

Result<Json> installCertificates(const Instance& instance, const Certificates& certificates, const Context& context) {
    TRY_VOID(instance.tls().install(certificates));
    JsonObject result{{"tls", true}};
    // Certificates may come before the first seed makes the data directory.
    if (!instance.hasData()) return result;
    TRY_VOID(writeTlsOptions(instance));
    if (!instance.server()) return result;
    auto session = TRY(instance.session(context));
    if (!TRY(showsOurCertificate(instance, *session, context))) {
        result["restartNeeded"] = JsonArray{"ssl_cert"};
        return result;
    }
    TRY_VOID(session->execute(std::string(instance.dialect().reloadTls()), context.deadline));
    result["handshake"] = probeTls(instance, context);
    return result;
}

Result<Json> prepareSource(const Instance& instance, std::string_view application, const Peer& peer,
                           std::string_view slot, const Context& context) {
    if (!instance.tls().complete())
        return fail(ErrorCode::NotReady, "the server has no certificates of the controller yet",
                    "Install certificates first (database.install-certificates).");
    auto session = TRY(instance.session(context));
    TRY_VOID(checkVersion(instance, *session));
    const ServerState before = TRY(readState(instance, *session, context));
    if (before.replica && !slot.empty()) TRY_VOID(checkCanCascade(*session, before, context));
    if (!before.replica) TRY_VOID(preparePrimary(instance, *session, context));
    const auto restart = TRY(prepareOptions(instance, *session, application, 0, context));
    if (!restart.empty()) {
        logWarning("mariadb", "the server in {} is restarted once for replication", instance.data());
        context.progress(0, 0, "restarting the server once: replication needs settings that only a start brings");
        (void)session.release();
        auto fresh = TRY(instance.restartAndConnect(context));
        // It comes up closed; it was open before, and nothing else has happened to it.
        if (!before.replica && !before.writesClosed) TRY_VOID(openPrimary(instance, *fresh, context));
    }
    auto prepared = TRY(instance.session(context));
    // A log that begins with nothing has no position to copy from.
    if (!before.replica && !before.writesClosed && !restart.empty()) TRY_VOID(proveWritable(*prepared, context));
    TRY_VOID(recordPeer(instance, peer));
    const ServerState state = TRY(readState(instance, *prepared, context));
    return JsonObject{{"systemId", state.identity},
                      {"timeline", nullptr},
                      {"position", state.position},
                      {"restartNeeded", JsonArray{}},
                      {"restartedFor", listOf(restart)}};
}

Result<Json> testSource(const Instance& instance, const Peer& peer, const Context& context) {
    const PeerState state = TRY(identifyPeer(instance, peer, context.deadline));
    // Before the first seed there may be no server here yet.
    if (auto session = instance.server() ? instance.session(context) : Result<Session>(fail(ErrorCode::NotReady, "")))
        TRY_VOID(checkServerIds(
            std::atoll(TRY((*session)->value("SELECT @@GLOBAL.server_id", context.deadline)).c_str()), state.serverId));
    return JsonObject{{"systemId", state.identity}, {"timeline", nullptr}, {"position", state.position}};
}

Result<Json> releaseSource(const Instance& instance, const std::vector<std::string>& slots, const Context& context) {
    for (const std::string& slot : slots)
        if (slot.rfind("swb_", 0) != 0)
            return fail(ErrorCode::InvalidInput, "the name " + slot + " is not one of Swingbridge's");
    Json peers = instance.record(peersRecord);
    if (!peers.is_object()) peers = JsonObject{};
    for (const auto& slot : slots) peers.as_object().erase(slot);
    TRY_VOID(instance.writeRecord(peersRecord, peers));
    if (peers.as_object().empty()) {
        auto session = TRY(instance.session(context));
        const ServerState state = TRY(readState(instance, *session, context));
        // A replica's accounts are its source's; they go with its own history once it has one.
        if (!state.replica) {
            TRY_VOID(session->execute("DROP USER IF EXISTS " + replicationAccount(), context.deadline));
            const Rows streams = TRY(session->query(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = " + session->literal(replicationUser),
                context.deadline));
            for (const auto& stream : streams)
                (void)session->execute("KILL CONNECTION " + stream.at("ID"), context.deadline);
            TRY_VOID(withdrawOptions(instance));
        }
    }
    return JsonObject{{"dropped", listOf(slots)}};
}

}  // namespace swb::driver::mariadb
