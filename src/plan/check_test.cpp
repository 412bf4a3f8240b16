// Every check by breaking exactly its fact in a world that is ready.
#include "plan/check.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <set>

#include "plan/check_test_support.h"

namespace swb::plan {
namespace {

using namespace test;

// Facts of the group, the agents and the definitions.
const Breakage groupBreakages[] = {
    {"group-free", refused, [](Snapshot& s) { s.group.busy = "r-other"; }},
    {"two-applications", refused, [](Snapshot& s) { s.group.secondary.clear(); }},
    {"current-application", refused, [](Snapshot& s) { s.group.current.clear(); }},
    {"dns", refused, [](Snapshot& s) { s.dnsServing = false; }},
    {"agent-connected", refused, [](Snapshot& s) { s.agents["nyc-1"].connected = false; }},
    {"agent-connected", refused, [](Snapshot& s) { s.agents.erase("fra-1"); }},
    {"agent-verbs", refused, [](Snapshot& s) { s.agents["fra-1"].verbs.clear(); }},
    {"clock", warning, [](Snapshot& s) { s.agents["fra-1"].clockSkewMs = 5001; }},
    {"clock", warning, [](Snapshot& s) { s.agents["nyc-1"].clockSkewMs = -5001; }},
    {"same-databases", refused, [](Snapshot& s) { addDatabase(*s.from, "reports", "fra-1"); }},
    {"same-databases", refused, [](Snapshot& s) { addDatabase(*s.to, "reports", "nyc-1"); }},
    {"same-databases", refused, [](Snapshot& s) { s.to->databases.at("main").engine = Engine::redis; }},
    {"web-fronts", refused,
     [](Snapshot& s) {
         s.to->web.clear();
         s.from->web.clear();
     }},
    {"code-revision", warning, [](Snapshot& s) { s.to->code.revision = "v2"; }},
    {"environment-drift", warning, [](Snapshot& s) { s.to->environment["SHOP_NAME"] = "Another"; }},
    {"environment-drift", warning, [](Snapshot& s) { s.from->environment["EXTRA"] = "1"; }},
    {"environment-drift", warning, [](Snapshot& s) { s.to->environment["EXTRA"] = "1"; }},
    {"same-processes", warning, [](Snapshot& s) { s.to->processes.erase("worker"); }},
    {"front-capacity", warning, [](Snapshot& s) { s.from->web.push_back(s.from->web.front()); }},
    {"ttl", warning, [](Snapshot& s) { s.group.ttlLoweredAt = s.at - 1000; }},
    {"front-answers", refused, [](Snapshot& s) { s.fronts.clear(); }},
    {"front-answers", refused,
     [](Snapshot& s) {
         s.fronts.begin()->second = JsonObject{{"status", 0}};
     }},
    {"process-user", warning,
     [](Snapshot& s) {
         s.processes["shop-nyc/web"] = JsonObject{{"healthy", true}, {"user", "root"}};
     }},
    {"process-healthy", refused,
     [](Snapshot& s) {
         s.processes["shop-nyc/web"] = JsonObject{{"healthy", false}};
     }},
};

// Facts of the databases.
const Breakage databaseBreakages[] = {
    {"link", refused, [](Snapshot& s) { s.links.clear(); }},
    {"link", refused, [](Snapshot& s) { std::swap(s.links[0].from, s.links[0].to); }},
    {"source-reachable", refused, [](Snapshot& s) { factsOf(s, source)["reachable"] = false; }},
    {"source-reachable", refused, [](Snapshot& s) { s.databases.erase(source); }},
    {"replica-reachable", refused, [](Snapshot& s) { factsOf(s, replica)["reachable"] = false; }},
    {"source-role", refused, [](Snapshot& s) { factsOf(s, source)["role"] = "replica"; }},
    {"source-role", refused, [](Snapshot& s) { factsOf(s, source)["fenced"] = true; }},
    {"replica-role", refused, [](Snapshot& s) { factsOf(s, replica)["role"] = "primary"; }},
    {"major-version", refused, [](Snapshot& s) { factsOf(s, replica)["majorVersion"] = 16; }},
    {"architecture", refused, [](Snapshot& s) { factsOf(s, replica)["architecture"] = "aarch64"; }},
    {"collation-version", refused,
     [](Snapshot& s) {
         factsOf(s, replica)["databases"].as_array()[0].as_object()["actualCollationVersion"] = "2.31";
     }},
    {"parameters", refused, [](Snapshot& s) { settingsOf(s, replica)["max_connections"] = "50"; }},
    {"parameters", refused, [](Snapshot& s) { settingsOf(s, replica)["max_wal_senders"] = "9"; }},
    {"parameters", refused, [](Snapshot& s) { settingsOf(s, replica)["max_worker_processes"] = "4"; }},
    {"parameters", refused, [](Snapshot& s) { settingsOf(s, source)["max_prepared_transactions"] = "5"; }},
    {"parameters", refused, [](Snapshot& s) { settingsOf(s, replica)["max_locks_per_transaction"] = "32"; }},
    {"identity", refused, [](Snapshot& s) { factsOf(s, replica)["systemId"] = "9999"; }},
    {"identity", refused,
     [](Snapshot& s) {
         factsOf(s, replica)["systemId"] = "";
         factsOf(s, source)["systemId"] = "";
     }},
    {"timeline", refused, [](Snapshot& s) { factsOf(s, replica)["timeline"] = 2; }},
    {"replica-streaming", refused, [](Snapshot& s) { factsOf(s, replica)["receiverStatus"] = nullptr; }},
    {"replay-paused", refused, [](Snapshot& s) { factsOf(s, replica)["replayPaused"] = true; }},
    {"source-sees-replica", refused, [](Snapshot& s) { factsOf(s, source)["replicas"] = JsonArray{}; }},
    {"source-sees-replica", refused,
     [](Snapshot& s) { factsOf(s, source)["replicas"].as_array()[0].as_object()["application"] = "walreceiver"; }},
    {"source-sees-replica", refused,
     [](Snapshot& s) { factsOf(s, source)["replicas"].as_array()[0].as_object()["state"] = "catchup"; }},
    {"lag", refused,
     [](Snapshot& s) { factsOf(s, source)["replicas"].as_array()[0].as_object()["lagBytes"] = (16 << 20) + 1; }},
    {"lag", refused,
     [](Snapshot& s) { factsOf(s, source)["replicas"].as_array()[0].as_object()["lagBytes"] = nullptr; }},
    {"lag", refused,
     [](Snapshot& s) {
         factsOf(s, source)["replicas"].as_array()[0].as_object()["lagBytes"] = nullptr;
         factsOf(s, replica)["lagBytes"] = (16 << 20) + 1;
     }},
    {"prepared-transactions", refused, [](Snapshot& s) { factsOf(s, source)["preparedTransactions"] = 1; }},
    {"long-transaction", warning, [](Snapshot& s) { factsOf(s, source)["longestTransactionSeconds"] = 61; }},
    {"base-backup", refused, [](Snapshot& s) { factsOf(s, source)["baseBackupRunning"] = true; }},
    {"archive-backlog", warning, [](Snapshot& s) { factsOf(s, source)["archiveBacklog"] = 101; }},
    {"synchronous", warning,
     [](Snapshot& s) {
         factsOf(s, source)["synchronous"] =
             JsonObject{{"with", ""}, {"state", "synchronous"}, {"sentence", "commits wait for *"}};
     }},
    {"synchronous", warning,
     [](Snapshot& s) {
         for (const std::string& side : {source, replica})
             factsOf(s, side)["synchronous"] =
                 JsonObject{{"with", "other"}, {"state", "degraded"}, {"sentence", "commits do not wait"}};
     }},
    {"synchronous-after", warning,
     [](Snapshot& s) {
         factsOf(s, source)["synchronous"] =
             JsonObject{{"with", "shop-nyc"}, {"state", "synchronous"}, {"sentence", "commits wait for shop-nyc"}};
     }},
    {"standby-names", warning,
     [](Snapshot& s) { settingsOf(s, replica)["synchronous_standby_names"] = "swb_shop_fra"; }},
    {"extensions", refused, [](Snapshot& s) { factsOf(s, replica)["missingExtensions"] = JsonArray{"postgis 3.3"}; }},
    {"extension-versions", warning,
     [](Snapshot& s) {
         factsOf(s, replica)["missingExtensions"] = JsonArray{"postgis 3.3"};
         factsOf(s, replica)["availableExtensions"] = JsonObject{{"postgis", "3.4"}};
     }},
    {"collation-version", refused,
     [](Snapshot& s) { factsOf(s, replica)["collationMismatches"] = JsonArray{"shop: de-x-icu (1 / 2)"}; }},
    {"replay-delay", refused, [](Snapshot& s) { settingsOf(s, replica)["recovery_min_apply_delay"] = "5min"; }},
    {"recovery-target", refused, [](Snapshot& s) { factsOf(s, replica)["recoveryTarget"] = "2026-11-22"; }},
    {"restore-command", refused,
     [](Snapshot& s) {
         for (const std::string& side : {source, replica}) factsOf(s, side)["majorVersion"] = 13;
         settingsOf(s, replica)["restore_command"] = "cp /a/%f %p";
     }},
    {"archive", warning, [](Snapshot& s) { settingsOf(s, source)["archive_mode"] = "on"; }},
    {"archive", warning,
     [](Snapshot& s) {
         for (const std::string& side : {source, replica}) settingsOf(s, side)["archive_mode"] = "on";
         settingsOf(s, source)["archive_command"] = "cp %p /a/%f";
     }},
    {"archive-twice", warning,
     [](Snapshot& s) {
         for (const std::string& side : {source, replica}) settingsOf(s, side)["archive_command"] = "cp %p /a/%f";
         settingsOf(s, source)["archive_mode"] = "on";
         settingsOf(s, replica)["archive_mode"] = "always";
     }},
    {"unlogged-tables", warning, [](Snapshot& s) { factsOf(s, source)["unloggedTables"] = 1; }},
    {"logical-slots", warning, [](Snapshot& s) { factsOf(s, source)["logicalSlots"] = 1; }},
    {"rewindable", warning,
     [](Snapshot& s) {
         factsOf(s, source)["dataChecksums"] = false;
         settingsOf(s, source)["wal_log_hints"] = "off";
     }},
    {"wal-senders", refused,
     [](Snapshot& s) {
         settingsOf(s, source)["max_wal_senders"] = "1";
         settingsOf(s, replica)["max_wal_senders"] = "1";
     }},
    {"free-slot", refused, [](Snapshot& s) { settingsOf(s, replica)["max_replication_slots"] = "0"; }},
    {"disk", refused, [](Snapshot& s) { factsOf(s, replica)["diskFreeBytes"] = 10 << 20; }},
    {"connections", refused, [](Snapshot& s) { factsOf(s, source)["connections"] = 101; }},
    {"reverse-connection", refused, [](Snapshot& s) { factsOf(s, source)["canConnectToPeer"] = false; }},
    {"certificate-valid", refused,
     [](Snapshot& s) {
         factsOf(s, source)["certificate"] = JsonObject{{"beganAt", s.at - 90'000}, {"endsAt", s.at - 1}};
     }},
    {"certificate-renewed", warning,
     [](Snapshot& s) {
         factsOf(s, replica)["certificate"] = JsonObject{{"beganAt", s.at - 90'000}, {"endsAt", s.at + 9'000}};
     }},
    {"epoch", refused,
     [](Snapshot& s) {
         factsOf(s, replica)["guard"] = JsonObject{{"epoch", 5}};
     }},
    {"epoch", refused,
     [](Snapshot& s) {
         factsOf(s, source)["guard"] = JsonObject{{"epoch", 5}};
     }},
};

// A busy source of MariaDB cannot say it; the replica has compared itself with the source's end.
TEST(SwitchReadiness, TheReplicasOwnLagCountsWhereTheSourceCannotTellIt) {
    Snapshot world = readySnapshot();
    factsOf(world, source)["replicas"].as_array()[0].as_object()["lagBytes"] = nullptr;
    factsOf(world, replica)["lagBytes"] = 4096;
    const Readiness readiness = checkSwitch(world);
    EXPECT_EQ(readiness.verdict(), Verdict::ok) << printed(readiness);
}

TEST(SwitchReadiness, AReadyWorldIsReady) {
    const Readiness readiness = checkSwitch(readySnapshot());
    EXPECT_EQ(readiness.verdict(), Verdict::ok) << printed(readiness);
    EXPECT_EQ(readiness.firstRefusal(), nullptr);
    std::set<std::string> names;
    for (const Check& check : readiness.checks) names.insert(check.name);
    EXPECT_GE(names.size(), 30u) << "DESIGN.md §9";
    EXPECT_EQ(readiness.checkedAt, readySnapshot().at);
}

TEST(SwitchReadiness, EachCheckSpeaksWhenExactlyItsFactIsBroken) {
    std::set<std::string> broken;
    std::vector<Breakage> breakages(std::begin(groupBreakages), std::end(groupBreakages));
    breakages.insert(breakages.end(), std::begin(databaseBreakages), std::end(databaseBreakages));
    for (const Breakage& breakage : breakages) {
        SCOPED_TRACE(breakage.check);
        Snapshot snapshot = readySnapshot();
        breakage.damage(snapshot);
        expectOnly(checkSwitch(snapshot), breakage);
        broken.insert(breakage.check);
    }
    // Nothing that is checked goes untested. "target-differs" has a test of its own.
    broken.insert("target-differs");
    for (const auto readiness = checkSwitch(readySnapshot()); const Check& check : readiness.checks)
        EXPECT_THAT(broken, testing::Contains(check.name));
}

TEST(SwitchReadiness, TheTargetMustNotBeCurrent) {
    Snapshot snapshot = readySnapshot();
    snapshot.to = snapshot.from;
    EXPECT_THAT(notOk(checkSwitch(snapshot)), testing::Contains("target-differs"));
}

TEST(SwitchReadiness, AnEmptyGroupIsRefusedWithoutLookingFurther) {
    Snapshot snapshot;
    snapshot.group.name = "shop";
    const Readiness readiness = checkSwitch(snapshot);
    EXPECT_EQ(readiness.verdict(), Verdict::refused);
    EXPECT_THAT(notOk(readiness), testing::IsSupersetOf({"two-applications", "current-application", "target-differs"}));
}

TEST(SwitchReadiness, LimitsAreTheCallers) {
    Snapshot snapshot = readySnapshot();
    CheckLimits limits;
    limits.lagBytesMax = 99;
    EXPECT_EQ(notOk(checkSwitch(snapshot, limits)), std::set<std::string>{"lag"});
}

TEST(SwitchReadiness, TheLagIsOneRowOfEachDatabase) {
    for (const auto& lag : {Json(0), Json(nullptr)}) {
        Snapshot snapshot = readySnapshot();
        factsOf(snapshot, source)["replicas"].as_array()[0].as_object()["lagBytes"] = lag;
        const Readiness readiness = checkSwitch(snapshot);
        EXPECT_EQ(std::ranges::count(readiness.checks, "lag", &Check::name), 1);
    }
}

TEST(SwitchReadiness, FactsThatAreNullEndNothing) {
    for (const std::string& key : {source, replica})
        for (const char* member : {"settings", "databases", "replicas", "slots", "guard", "systemId", "role"}) {
            Snapshot snapshot = readySnapshot();
            factsOf(snapshot, key)[member] = nullptr;
            (void)checkSwitch(snapshot);
            (void)checkReplication(snapshot, "main");
            (void)checkPromotion(snapshot, "main");
        }
}

TEST(SwitchReadiness, IsPublishedWithVerdictsAndHints) {
    Snapshot snapshot = readySnapshot();
    factsOf(snapshot, replica)["replayPaused"] = true;
    const Json published = toJson(checkSwitch(snapshot));
    EXPECT_EQ(textAt(published, "verdict"), "refused");
    EXPECT_EQ(textAt(published, "checkedAt"), isoTime(snapshot.at));
    for (const Json& check : memberAt(published, "checks")->as_array())
        if (textAt(check, "name") == "replay-paused") {
            EXPECT_EQ(textAt(check, "verdict"), "refused");
            EXPECT_EQ(textAt(check, "subject"), replica);
            EXPECT_FALSE(textAt(check, "hint").empty());
        }
}

TEST(CheckSwitch, WhatDiffersOnPurposeIsNoDrift) {
    Snapshot snapshot = readySnapshot();
    snapshot.to->environment["SHOP_NAME"] = "Another";
    snapshot.from->environment["EXTRA"] = "1";
    snapshot.from->environmentDiffers = {"EXTRA"};
    snapshot.to->environmentDiffers = {"SHOP_NAME"};
    EXPECT_EQ(notOk(checkSwitch(snapshot)), std::set<std::string>{}) << printed(checkSwitch(snapshot));
    snapshot.to->environment["WORKERS"] = "2";
    EXPECT_EQ(notOk(checkSwitch(snapshot)), std::set<std::string>{"environment-drift"});
}

}  // namespace
}  // namespace swb::plan
