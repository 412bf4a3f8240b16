// The checks of MariaDB and Redis, each by breaking exactly its fact in a world that is ready.
#include "plan/check_test_support.h"

namespace swb::plan {
namespace {

using namespace test;

// The world of snapshot_test_support.h with another engine behind `main`.
Snapshot readyWith(Engine engine, const JsonObject& facts, const JsonObject& engineSettings) {
    Snapshot snapshot = readySnapshot();
    for (auto* application : {&*snapshot.from, &*snapshot.to}) application->databases.at("main").engine = engine;
    for (const std::string& key : {source, replica}) {
        JsonObject& own = factsOf(snapshot, key);
        for (const char* name : {"timeline", "databases", "dataChecksums", "slots"}) own[name] = nullptr;
        for (const auto& fact : facts) own[fact.key()] = fact.value();
        own["settings"] = engineSettings;
    }
    return snapshot;
}

Snapshot readyMariadb() {
    Snapshot snapshot = readyWith(
        Engine::mariadb, {{"majorVersion", 1011}, {"errantGtids", JsonArray{}}, {"readOnlyAdmins", JsonArray{}}},
        {{"log_bin", "ON"},
         {"binlog_format", "ROW"},
         {"log_slave_updates", "ON"},
         {"sync_binlog", "1"},
         {"innodb_flush_log_at_trx_commit", "1"},
         {"event_scheduler", "OFF"},
         {"lower_case_table_names", "0"},
         {"collation_server", "utf8mb4_general_ci"}});
    factsOf(snapshot, source)["serverId"] = 1;
    factsOf(snapshot, replica)["serverId"] = 2;
    return snapshot;
}

const Breakage mariadbBreakages[] = {
    {"major-version", refused, [](Snapshot& s) { factsOf(s, replica)["majorVersion"] = 1006; }},
    {"server-id", refused, [](Snapshot& s) { factsOf(s, replica)["serverId"] = 1; }},
    {"table-names", refused, [](Snapshot& s) { settingsOf(s, replica)["lower_case_table_names"] = "1"; }},
    {"collation", refused, [](Snapshot& s) { settingsOf(s, replica)["collation_server"] = "latin1_swedish_ci"; }},
    {"errant-transactions", refused, [](Snapshot& s) { factsOf(s, replica)["errantGtids"] = JsonArray{"0-2-17"}; }},
    {"read-only-admins", warning, [](Snapshot& s) { factsOf(s, source)["readOnlyAdmins"] = JsonArray{"boss@%"}; }},
    {"durability", warning, [](Snapshot& s) { settingsOf(s, source)["sync_binlog"] = "0"; }},
    {"durability", warning, [](Snapshot& s) { settingsOf(s, source)["innodb_flush_log_at_trx_commit"] = "2"; }},
    {"table-engines", warning, [](Snapshot& s) { factsOf(s, source)["nonTransactionalTables"] = 3; }},
    {"binary-log", refused, [](Snapshot& s) { settingsOf(s, replica)["log_bin"] = "OFF"; }},
    {"binlog-format", refused, [](Snapshot& s) { settingsOf(s, replica)["binlog_format"] = "MIXED"; }},
    {"log-replica-updates", refused, [](Snapshot& s) { settingsOf(s, replica)["log_slave_updates"] = "OFF"; }},
    {"timeline", warning, nullptr},  // must not be asked of an engine without one
};

// As a server prints it; releases differ in what they call a replica.
std::string bufferLimit(const std::string& ofReplicas, const std::string& word = "slave") {
    return "normal 0 0 0 " + word + " " + ofReplicas + " pubsub 33554432 8388608 60";
}

Snapshot readyRedis() {
    return readyWith(Engine::redis,
                     {{"majorVersion", 7},
                      {"rdbVersion", 10},
                      {"sentinelOrCluster", ""},
                      {"failoverState", "no-failover"},
                      {"backlogSeconds", 600},
                      {"persistence", JsonObject{{"rdb", true}, {"aof", false}, {"lastSaveOk", true}}}},
                     {{"maxmemory", "0"},
                      {"maxmemory-policy", "noeviction"},
                      {"client-output-buffer-limit", bufferLimit("268435456 67108864 60")}});
}

const Breakage redisBreakages[] = {
    {"rdb-version", refused, [](Snapshot& s) { factsOf(s, replica)["rdbVersion"] = 12; }},
    {"no-other-orchestrator", refused, [](Snapshot& s) { factsOf(s, replica)["sentinelOrCluster"] = "sentinel"; }},
    {"maxmemory", refused, [](Snapshot& s) { settingsOf(s, replica)["maxmemory"] = "1000000"; }},
    {"persistence", warning,
     [](Snapshot& s) {
         factsOf(s, source)["persistence"] = JsonObject{{"rdb", false}, {"aof", false}};
     }},
    {"persistence", warning, [](Snapshot& s) { factsOf(s, replica)["persistence"] = nullptr; }},
    {"last-save", warning, [](Snapshot& s) { factsOf(s, source)["persistence"].as_object()["lastSaveOk"] = false; }},
    {"no-failover-running", refused, [](Snapshot& s) { factsOf(s, source)["failoverState"] = "waiting-for-sync"; }},
    {"backlog", warning, [](Snapshot& s) { factsOf(s, source)["backlogSeconds"] = 12; }},
    {"output-buffer", warning,
     [](Snapshot& s) { settingsOf(s, source)["client-output-buffer-limit"] = bufferLimit("0 0 0"); }},
    {"output-buffer", warning,
     [](Snapshot& s) { settingsOf(s, source)["client-output-buffer-limit"] = bufferLimit("8388608 0 0", "replica"); }},
    {"output-buffer", warning,
     [](Snapshot& s) { settingsOf(s, source)["client-output-buffer-limit"] = bufferLimit("0 1048576 60"); }},
    {"output-buffer", warning, [](Snapshot& s) { factsOf(s, source)["bytesPerSecond"] = 6'000'000; }},
    {"eviction", warning, [](Snapshot& s) { settingsOf(s, replica)["maxmemory-policy"] = "allkeys-lru"; }},
};

template <size_t count>
void expectEach(Snapshot (*ready)(), const Breakage (&breakages)[count]) {
    const Readiness whole = checkSwitch(ready());
    EXPECT_EQ(whole.verdict(), Verdict::ok) << printed(whole);
    std::set<std::string> asked;
    for (const Check& check : whole.checks) asked.insert(check.name);
    for (const Breakage& breakage : breakages) {
        SCOPED_TRACE(breakage.check);
        if (!breakage.damage) {
            EXPECT_FALSE(asked.count(breakage.check));
            continue;
        }
        Snapshot snapshot = ready();
        breakage.damage(snapshot);
        expectOnly(checkSwitch(snapshot), breakage);
    }
}

TEST(MariadbReadiness, EachCheckSpeaksWhenExactlyItsFactIsBroken) {
    expectEach(readyMariadb, mariadbBreakages);
}

TEST(RedisReadiness, EachCheckSpeaksWhenExactlyItsFactIsBroken) {
    expectEach(readyRedis, redisBreakages);
}

TEST(RedisReadiness, ALimitOfTheOutputBufferIsJudgedByHowLongItLasts) {
    const auto isGood = [](const std::string& limit, int64_t bytesPerSecond) {
        Snapshot snapshot = readyRedis();
        settingsOf(snapshot, source)["client-output-buffer-limit"] = limit;
        factsOf(snapshot, source)["bytesPerSecond"] = bytesPerSecond;
        return notOk(checkSwitch(snapshot)).empty();
    };
    EXPECT_TRUE(isGood(bufferLimit("268435456 67108864 60"), 4'000'000));
    EXPECT_TRUE(isGood(bufferLimit("0 67108864 60"), 9'000'000)) << "a soft limit may be exceeded for its seconds";
    EXPECT_FALSE(isGood(bufferLimit("0 67108864 10"), 9'000'000));
    EXPECT_TRUE(isGood(bufferLimit("1073741824 0 0"), 4'000'000));
    EXPECT_TRUE(isGood("normal 0 0 0", 4'000'000)) << "nothing is said of what the server did not say";
    EXPECT_TRUE(isGood("", 4'000'000));
}

TEST(MariadbReadiness, AMySqlIsJudgedTheSameWay) {
    Snapshot snapshot = readyMariadb();
    for (auto* application : {&*snapshot.from, &*snapshot.to}) application->databases.at("main").engine = Engine::mysql;
    factsOf(snapshot, replica)["errantGtids"] = JsonArray{"0-2-17"};
    EXPECT_EQ(notOk(checkSwitch(snapshot)), std::set<std::string>{"errant-transactions"});
}

}  // namespace
}  // namespace swb::plan
