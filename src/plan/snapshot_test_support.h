// A world that is ready for a switch, made by hand: shop at two sites, fra current, nyc its streaming replica. Tests of
// planners, checks and steps break one fact of it at a time.
#pragma once

#include "plan/planner.h"

namespace swb::plan::test {

inline Application shopAt(const std::string& site, const std::string& network) {
    JsonObject service{{"manage", "direct"}, {"data", "/srv/pg"}, {"bin", "/usr/lib/postgresql/15/bin"}};
    const Json definition = JsonObject{
        {"application", "shop-" + site},
        {"site", site},
        {"code", JsonObject{{"source", "https://git.example/shop.git"}, {"revision", "v1"}}},
        {"environment", JsonObject{{"SHOP_NAME", "The Shop"}}},
        {"processes", JsonObject{{"web", JsonObject{{"server", site + "-1"}, {"command", JsonArray{"./shop"}}}},
                                 {"worker", JsonObject{{"server", site + "-1"},
                                                       {"command", JsonArray{"./worker"}},
                                                       {"writes", true},
                                                       {"stop_ms", 2000}}}}},
        {"web", JsonArray{JsonObject{{"server", site + "-1"},
                                     {"address", network + ".1"},
                                     {"listen", JsonArray{80}},
                                     {"upstream", "127.0.0.1:3000"}}}},
        {"databases", JsonObject{{"main", JsonObject{{"server", site + "-1"},
                                                     {"address", network + ".1:5432"},
                                                     {"database", "shop"},
                                                     {"user", "shop"},
                                                     {"service", service}}}}}};
    return applicationFromJson(definition).value();
}

// A second database, on a server of its own.
inline void addDatabase(Application& application, const std::string& name, const std::string& server) {
    DatabaseSpec spec = application.databases.at("main");
    spec.name = name;
    spec.server = server;
    spec.address.port = 5433;
    application.databases[name] = spec;
}

// As agents report them: the way the server prints them.
inline JsonObject settings() {
    return {{"wal_level", "replica"},
            {"max_connections", "100"},
            {"max_wal_senders", "10"},
            {"max_replication_slots", "10"},
            {"max_worker_processes", "8"},
            {"max_prepared_transactions", "0"},
            {"max_locks_per_transaction", "64"},
            {"wal_log_hints", "on"},
            {"synchronous_standby_names", ""}};
}

inline JsonObject commonFacts() {
    return {{"reachable", true},
            {"systemId", "7301"},
            {"timeline", 3},
            {"majorVersion", 15},
            {"architecture", "x86_64"},
            {"settings", settings()},
            {"databases",
             JsonArray{JsonObject{{"name", "shop"}, {"collationVersion", "2.36"}, {"actualCollationVersion", "2.36"}}}},
            {"dataChecksums", true},
            {"connections", 20},
            {"maxConnections", 100},
            {"dataBytes", 1 << 30},
            {"diskFreeBytes", 4LL << 30},
            {"slots", JsonArray{}},
            {"guard", nullptr},
            {"canConnectToPeer", true}};
}

inline Json primaryFacts(const std::string& replicaApplication) {
    JsonObject facts = commonFacts();
    facts["role"] = "primary";
    facts["replicas"] = JsonArray{
        JsonObject{{"application", Link::slotFor(replicaApplication)}, {"state", "streaming"}, {"lagBytes", 100}}};
    return facts;
}

inline Json replicaFacts(const std::string& application) {
    JsonObject facts = commonFacts();
    facts["role"] = "replica";
    facts["receiverStatus"] = "streaming";
    facts["receiverSlot"] = Link::slotFor(application);
    facts["replayPaused"] = false;
    return facts;
}

inline AgentView connectedAgent() {
    AgentView agent;
    agent.connected = true;
    agent.verbs = {"server.inspect"};
    agent.version = "0.1.0";
    return agent;
}

// What inspections would have brought for the applications as they are now.
inline void observe(Snapshot& snapshot) {
    snapshot.agents.clear();
    for (const auto& application : {*snapshot.from, *snapshot.to})
        for (const std::string& server : application.servers()) snapshot.agents[server] = connectedAgent();
    snapshot.links.clear();
    for (const std::string& name : commonDatabases(*snapshot.from, *snapshot.to)) {
        snapshot.links.push_back({snapshot.from->name, snapshot.to->name, name, "postgresql", 1});
        snapshot.databases[snapshot.from->name + "/" + name] = primaryFacts(snapshot.to->name);
        snapshot.databases[snapshot.to->name + "/" + name] = replicaFacts(snapshot.to->name);
    }
    for (const WebSpec& web : snapshot.to->web)
        snapshot.fronts[snapshot.to->name + "/" + web.address] = JsonObject{{"mode", "page"}, {"status", 503}};
    for (const auto& [name, process] : snapshot.to->processes)
        snapshot.processes[snapshot.to->name + "/" + name] = JsonObject{{"running", true}, {"healthy", true}};
}

// Replicas called `reports` inside an application, following it.
inline void addReports(Snapshot& snapshot, Application& owner, const std::string& server, const std::string& host) {
    ReplicaSpec replica;
    replica.name = "reports";
    replica.server = server;
    replica.service = owner.databases.at("main").service;
    replica.address = {host, 5432};
    owner.databases.at("main").replicas["reports"] = replica;
    const std::string copy = owner.name + ".reports";
    snapshot.links.push_back({owner.name, copy, "main", "postgresql", 1});
    snapshot.databases[copy + "/main"] = replicaFacts(copy);
    snapshot.agents[server] = connectedAgent();
}

inline Snapshot readySnapshot() {
    Snapshot snapshot;
    snapshot.at = 1'700'000'000'000;
    snapshot.group.id = "fg-shop";
    snapshot.group.name = "shop";
    snapshot.group.primary = snapshot.group.current = "shop-fra";
    snapshot.group.secondary = "shop-nyc";
    snapshot.group.label = "417-052-938";
    snapshot.group.address = "417-052-938.fo.example";
    snapshot.group.epoch = 4;
    snapshot.groups = {snapshot.group};
    snapshot.from = shopAt("fra", "192.0.2");
    snapshot.to = shopAt("nyc", "198.51.100");
    snapshot.dnsServing = true;
    observe(snapshot);
    return snapshot;
}

// Ready for `swing replication enable`: no link, the target a primary of its own, in no group.
inline Snapshot unlinkedSnapshot() {
    Snapshot snapshot = readySnapshot();
    snapshot.links.clear();
    snapshot.group = {};
    snapshot.groups.clear();
    Json& target = snapshot.databases["shop-nyc/main"];
    target = primaryFacts("shop-fra");
    target.as_object()["systemId"] = "9999";
    return snapshot;
}

inline JsonObject& factsOf(Snapshot& snapshot, const std::string& key) {
    return snapshot.databases.at(key).as_object();
}
inline JsonObject& settingsOf(Snapshot& snapshot, const std::string& key) {
    return factsOf(snapshot, key)["settings"].as_object();
}

inline Intent intent() {
    return {"r-test", "ada", "rehearsal", 1'700'000'000'500};
}

}  // namespace swb::plan::test
