#include "driver/redis/facts.h"

#include "driver/redis/fence.h"
#include "driver/redis/following.h"
#include "driver/redis/peers.h"
#include "driver/redis/returned_data.h"
#include "driver/redis/server_state.h"
#include "driver/redis/settings.h"
#include "driver/redis/source.h"
#include "driver/support/common_facts.h"
#include "driver/support/files.h"

namespace swb::driver::redis {

namespace {

constexpr const char* reportedSettings[] = {"save",
                                            "appendonly",
                                            "appendfsync",
                                            "repl-backlog-size",
                                            "repl-backlog-ttl",
                                            "repl-ping-replica-period",
                                            "repl-timeout",
                                            "min-replicas-to-write",
                                            "min-replicas-max-lag",
                                            "maxmemory",
                                            "maxmemory-policy",
                                            "maxclients",
                                            "port",
                                            "tls-port",
                                            "tls-auth-clients",
                                            "tls-replication",
                                            "replica-announce-ip",
                                            "replica-announce-port",
                                            "replica-read-only",
                                            "protected-mode",
                                            "client-output-buffer-limit"};

JsonObject nothingKnown(const DatabaseSpec& spec) {
    return emptyFacts(spec, {"replid", "replid2", "secondReplOffset", "backlogBytes", "backlogSeconds", "persistence",
                             "rdbVersion", "sentinelOrCluster", "failoverState", "fullSyncs", "startsAs"});
}

std::string_view startName(RoleFile::Start start) {
    switch (start) {
        case RoleFile::Start::alone:
            return "primary";
        case RoleFile::Start::held:
            return "held";
        case RoleFile::Start::following:
            return "replica";
        case RoleFile::Start::unsaid:
            break;
    }
    return "unsaid";
}

JsonArray replicasOf(const Instance& instance, const Info& info, const Position& position) {
    JsonArray replicas;
    const auto peers = knownPeers(instance);
    for (const auto& replica : info.replicas()) {
        // What it has acknowledged, once a second: under load it is always a little behind.
        replicas.push_back(JsonObject{{"application", nameOfReplica(peers, replica)},
                                      {"state", replica.state == "online" ? "streaming" : replica.state},
                                      {"sentPosition", position.text()},
                                      {"replayPosition", Position{position.id, replica.offset}.text()},
                                      {"lagBytes", std::max<int64_t>(0, position.offset - replica.offset)},
                                      {"lagSeconds", replica.lagSeconds},
                                      {"syncState", "async"}});
    }
    return replicas;
}

void addReplication(const Instance& instance, const Info& info, JsonObject& facts) {
    const ServerState state = ServerState::of(info);
    facts["role"] = state.primary ? "primary" : "replica";
    facts["systemId"] = facts["replid"] = state.position.id;
    facts["replid2"] = info.text("master_replid2");
    facts["secondReplOffset"] = info.integer("second_repl_offset", -1);
    facts["position"] = state.position.text();
    facts["failoverState"] = state.failover;
    facts["replicas"] = replicasOf(instance, info, state.position);
    facts["fullSyncs"] = JsonObject{{"full", info.integer("sync_full")},
                                    {"partial", info.integer("sync_partial_ok")},
                                    {"refused", info.integer("sync_partial_err")}};
    if (state.primary) return;
    facts["receivedPosition"] = Position{state.position.id, state.receivedOffset}.text();
    facts["replayPaused"] = false;
    facts["receiverStatus"] = state.linkUp ? "streaming" : state.copying ? "copying" : "down";
    facts["primaryHost"] = state.follows.host;
    facts["primaryPort"] = state.follows.port;
    if (instance.role().start() == RoleFile::Start::following) facts["receiverSlot"] = rememberedSlot(instance);
}

void addBacklog(const Info& info, int64_t rate, JsonObject& facts) {
    const int64_t bytes = info.integer("repl_backlog_active") ? info.integer("repl_backlog_size") : 0;
    facts["backlogBytes"] = bytes;
    facts["bytesPerSecond"] = rate;
    // How long a link may be cut before the whole data set has to be copied.
    facts["backlogSeconds"] = rate > 0 ? Json(bytes / rate) : Json(nullptr);
}

void addServer(const Info& info, JsonObject& facts) {
    const Release release = releaseOf(info);
    facts["version"] = release.version;
    facts["majorVersion"] = release.major;
    facts["rdbVersion"] = release.snapshotVersion();
    facts["connections"] = info.integer("connected_clients");
    facts["maxConnections"] = info.integer("maxclients");
    facts["dataBytes"] = info.integer("used_memory");
    facts["keys"] = info.keys();
    facts["preparedTransactions"] = 0;
    facts["longestTransactionSeconds"] = 0;
    facts["baseBackupRunning"] = false;
    facts["loading"] = info.integer("loading") != 0;
    facts["persistence"] = JsonObject{{"aof", info.integer("aof_enabled") != 0},
                                      {"lastSaveOk", info.text("rdb_last_bgsave_status", "ok") == "ok" &&
                                                         info.text("aof_last_write_status", "ok") == "ok"},
                                      {"lastSaveAt", info.integer("rdb_last_save_time") * 1000},
                                      {"changesSinceSave", info.integer("rdb_changes_since_last_save")}};
    const bool cluster = info.integer("cluster_enabled") != 0;
    facts["sentinelOrCluster"] = cluster ? "cluster" : "";
}

void addSettings(const std::vector<Reply>& replies, JsonObject& facts) {
    JsonObject settings;
    for (const auto& reply : replies)
        for (size_t i = 0; i + 1 < reply.list.size(); i += 2) settings[reply.list[i].text] = reply.list[i + 1].text;
    facts["persistence"].as_object()["rdb"] = !textAt(settings, "save").empty();
    facts["settings"] = std::move(settings);
}

Result<void> addServerFacts(const Instance& instance, Connection& connection, WriteRates& rates, JsonObject& facts,
                            const Context& context) {
    // One CONFIG GET for each name: older releases take one only.
    std::vector<Command> commands = {{"INFO", "default"}, {"PUBSUB", "CHANNELS", "__sentinel__:hello"}};
    for (const char* name : reportedSettings) commands.push_back({"CONFIG", "GET", name});
    auto replies = TRY(connection.callAll(commands, context.deadline));
    if (replies[0].isError()) return serverError(replies[0]);
    const Info info = Info::parse(replies[0].text);
    facts["reachable"] = true;
    addServer(info, facts);
    addReplication(instance, info, facts);
    const ServerState state = ServerState::of(info);
    addBacklog(info, rates.of(instance.data(), state.position.id, state.position.offset), facts);
    if (!replies[1].list.empty()) facts["sentinelOrCluster"] = "sentinel";
    replies.erase(replies.begin(), replies.begin() + 2);
    addSettings(replies, facts);
    const bool held = textAt(*memberAt(facts, "settings"), "min-replicas-to-write") == "2147483647";
    facts["fenced"] = held || (!state.primary && instance.role().start() == RoleFile::Start::held);
    if (state.primary && !held && instance.role().start() == RoleFile::Start::held) return rememberData(instance, info);
    return {};
}

// Of a server that is down: where it was last seen, and where a fence saw its end.
void addRemembered(const Instance& instance, JsonObject& facts) {
    const Json fenced = instance.record(fenceRecord);
    const Json* token = memberAt(fenced, "token");
    const auto end = parsePosition(token ? textAt(*token, "end") : textAt(instance.record("data"), "end"));
    if (!end) return;
    facts["systemId"] = facts["replid"] = end->id;
    facts["position"] = end->text();
}

void addPeer(const Instance& instance, const Peer& peer, JsonObject& facts, const Context& context) {
    constexpr int64_t peerMs = 3000;
    const auto identity = identifyPeer(instance, peer, withDeadline(context, within(context, peerMs)));
    facts["canConnectToPeer"] = identity.has_value();
    if (!identity) {
        facts["peerError"] = describe(identity.error());
        return;
    }
    facts["peerVersion"] = identity->release.version;
    facts["peerRole"] = identity->role == "master" ? "primary" : "replica";
}

}  // namespace

int64_t WriteRates::of(const std::string& server, const std::string& history, int64_t offset) {
    const std::lock_guard lock(mutex_);
    Look& look = looks_[server];
    const double now = preciseMs();
    constexpr double leastMs = 500;
    if (look.history != history || offset < look.offset) {
        look = {history, offset, now, look.rate};
    } else if (now - look.at >= leastMs) {
        const auto rate = static_cast<int64_t>(static_cast<double>(offset - look.offset) * 1000 / (now - look.at));
        look = {history, offset, now, rate};
    }
    return look.rate;
}

Json inspectInstance(const Instance& instance, const Peer* peer, WriteRates& rates, const Context& context) {
    JsonObject facts = nothingKnown(instance.spec());
    facts["diskFreeBytes"] = freeBytes(instance.data());
    facts["startsAs"] = startName(instance.role().start());
    facts["masked"] = instance.service().isMasked(context);
    facts["certificate"] = instance.tls().validity();
    facts["seededAt"] = instance.seededAt();
    auto session = instance.session(context);
    auto read = session ? addServerFacts(instance, **session, rates, facts, context) : Result<void>();
    facts["running"] = session.has_value() || instance.process().has_value();
    if (!session) {
        facts["error"] = describe(session.error());
        facts["role"] = booleanAt(facts, "running") ? "unknown" : "stopped";
        facts["fenced"] = !booleanAt(facts, "running");
        addRemembered(instance, facts);
    } else if (!read) {
        facts["error"] = describe(read.error());
    }
    if (peer) addPeer(instance, *peer, facts, context);
    return facts;
}

Json factsOfNothing(const DatabaseSpec& spec, const Error& error) {
    return driver::factsOfNothing(nothingKnown(spec), error);
}

}  // namespace swb::driver::redis
