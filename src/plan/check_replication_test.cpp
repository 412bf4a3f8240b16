// Readiness of replication and of the promotion of one replica.
#include <gmock/gmock.h>

#include "plan/check_test_support.h"
#include "plan/link_tree.h"

namespace swb::plan {
namespace {

using namespace test;

const Breakage replicationBreakages[] = {
    {"same-databases", refused, [](Snapshot& s) { s.to->databases.clear(); }},
    {"engine", refused, [](Snapshot& s) { s.to->databases.at("main").engine = Engine::redis; }},
    {"agent-connected", refused, [](Snapshot& s) { s.agents.clear(); }},
    {"no-other-link", refused,
     [](Snapshot& s) {
         s.links = {{"shop-lon", "shop-nyc", "main", "postgresql", 1}};
     }},
    {"no-circle", refused,
     [](Snapshot& s) {
         s.links = {{"shop-nyc", "shop-fra", "main", "postgresql", 1}};
     }},
    {"no-circle", refused,
     [](Snapshot& s) {
         s.links = {{"shop-nyc", "shop-lon", "main", "postgresql", 1},
                    {"shop-lon", "shop-fra", "main", "postgresql", 1}};
     }},
    {"depth", refused,
     [](Snapshot& s) {
         s.links = {{"shop-0", "shop-fra", "main", "postgresql", 1}};
         for (int i = 1; i < 16; ++i)
             s.links.push_back({"shop-" + std::to_string(i), "shop-" + std::to_string(i - 1), "main", "postgresql", 1});
     }},
    {"source-streaming", refused,
     [](Snapshot& s) {
         s.links = {{"shop-lon", "shop-fra", "main", "postgresql", 1}};
         factsOf(s, source)["role"] = "replica";
     }},
    {"target-not-current", refused,
     [](Snapshot& s) {
         Group group;
         group.name = "other";
         group.current = "shop-nyc";
         s.groups = {group};
     }},
    {"source-reachable", refused, [](Snapshot& s) { factsOf(s, source)["reachable"] = false; }},
    {"source-role", refused, [](Snapshot& s) { factsOf(s, source)["role"] = "replica"; }},
    {"wal-level", refused, [](Snapshot& s) { settingsOf(s, source)["wal_level"] = "minimal"; }},
    {"free-slot", refused, [](Snapshot& s) { settingsOf(s, source)["max_replication_slots"] = "0"; }},
    {"major-version", refused, [](Snapshot& s) { factsOf(s, replica)["majorVersion"] = 14; }},
    {"architecture", refused, [](Snapshot& s) { factsOf(s, replica)["architecture"] = "aarch64"; }},
    {"collation-version", refused,
     [](Snapshot& s) {
         factsOf(s, replica)["databases"].as_array()[0].as_object()["actualCollationVersion"] = "2.31";
     }},
    {"parameters", refused, [](Snapshot& s) { settingsOf(s, replica)["max_connections"] = "50"; }},
    {"extensions", refused,
     [](Snapshot& s) {
         factsOf(s, source)["extensions"] = JsonArray{"plpgsql 1.0", "postgis 3.3"};
         factsOf(s, replica)["availableExtensions"] = JsonObject{{"plpgsql", "1.0"}};
     }},
    {"disk", refused, [](Snapshot& s) { factsOf(s, replica)["diskFreeBytes"] = 1 << 30; }},
};

TEST(ReplicationReadiness, EachCheckSpeaksWhenExactlyItsFactIsBroken) {
    const Readiness ready = checkReplication(unlinkedSnapshot(), "main");
    EXPECT_EQ(ready.verdict(), Verdict::ok) << printed(ready);
    for (const Breakage& breakage : replicationBreakages) {
        SCOPED_TRACE(breakage.check);
        Snapshot snapshot = unlinkedSnapshot();
        breakage.damage(snapshot);
        expectOnly(checkReplication(snapshot, "main"), breakage);
    }
}

TEST(ReplicationReadiness, AReplicaMayBeASourceInTurn) {
    Snapshot snapshot = unlinkedSnapshot();
    snapshot.links = {{"shop-lon", "shop-fra", "main", "postgresql", 1},
                      {"shop-nyc", "shop-sgp", "main", "postgresql", 1},
                      {"shop-nyc", "shop-fra", "other", "postgresql", 1}};
    factsOf(snapshot, source)["role"] = "replica";
    factsOf(snapshot, source)["receiverStatus"] = "streaming";
    const Readiness readiness = checkReplication(snapshot, "main");
    EXPECT_EQ(readiness.verdict(), Verdict::ok) << printed(readiness);
    const LinkTree tree(snapshot.links, "main");
    EXPECT_EQ(tree.depthOf("shop-fra"), 1u);
    EXPECT_EQ(tree.heightOf("shop-nyc"), 1u);
    EXPECT_EQ(tree.heightOf("shop-fra"), 0u) << "a link of another database is another tree";
    const std::vector<Link> circle = {{"a", "b", "main", "", 1}, {"b", "a", "main", "", 1}};
    EXPECT_TRUE(LinkTree(circle, "main").follows("a", "a"));
    EXPECT_GT(LinkTree(circle, "main").heightOf("a"), 0u) << "ends";
}

TEST(ReplicationReadiness, WhatOnlyTheTargetHasRefusesUntilItsLossIsAccepted) {
    Snapshot snapshot = unlinkedSnapshot();
    JsonObject& target = factsOf(snapshot, replica);
    target["onlyHere"] = JsonObject{{"commits", 3}, {"sentence", "3 commits since 0/3000000 of timeline 1"}};
    const Readiness refusal = checkReplication(snapshot, "main");
    ASSERT_NE(refusal.firstRefusal(), nullptr);
    EXPECT_EQ(refusal.firstRefusal()->name, "only-here");
    EXPECT_NE(refusal.firstRefusal()->sentence.find("3 commits"), std::string::npos);
    EXPECT_EQ(checkReplication(snapshot, "main", Loss::accepted).verdict(), Verdict::warning);
    // Not counted is not nothing; a shutdown checkpoint alone is.
    target["onlyHere"].as_object()["commits"] = nullptr;
    EXPECT_EQ(checkReplication(snapshot, "main").verdict(), Verdict::refused);
    target["onlyHere"].as_object()["commits"] = 0;
    EXPECT_EQ(checkReplication(snapshot, "main").verdict(), Verdict::ok);
}

TEST(ReplicationReadiness, AStoppedTargetMayBeSeeded) {
    Snapshot snapshot = unlinkedSnapshot();
    snapshot.databases[replica] = JsonObject{{"reachable", false}, {"role", "stopped"}};
    const Readiness readiness = checkReplication(snapshot, "main");
    EXPECT_EQ(readiness.verdict(), Verdict::ok) << printed(readiness);
}

TEST(PromotionReadiness, EachCheckSpeaksWhenExactlyItsFactIsBroken) {
    const auto snapshotForPromotion = [] {
        Snapshot snapshot = readySnapshot();
        snapshot.groups.clear();
        snapshot.group = {};
        return snapshot;
    };
    const Readiness ready = checkPromotion(snapshotForPromotion(), "main");
    EXPECT_EQ(ready.verdict(), Verdict::ok) << printed(ready);
    const Breakage breakages[] = {
        {"not-in-group", refused, [](Snapshot& s) { s.groups = readySnapshot().groups; }},
        {"agent-connected", refused, [](Snapshot& s) { s.agents.erase("nyc-1"); }},
        {"replica-reachable", refused, [](Snapshot& s) { factsOf(s, replica)["reachable"] = false; }},
        {"replica-role", refused, [](Snapshot& s) { factsOf(s, replica)["role"] = "primary"; }},
        {"replay-paused", refused, [](Snapshot& s) { factsOf(s, replica)["replayPaused"] = true; }},
        {"identity", refused, [](Snapshot& s) { factsOf(s, replica)["systemId"] = "9999"; }},
        {"timeline", refused, [](Snapshot& s) { factsOf(s, replica)["timeline"] = 2; }},
    };
    for (const Breakage& breakage : breakages) {
        SCOPED_TRACE(breakage.check);
        Snapshot snapshot = snapshotForPromotion();
        breakage.damage(snapshot);
        expectOnly(checkPromotion(snapshot, "main"), breakage);
    }
}

TEST(PromotionReadiness, AnAcceptedLossIsAWarningAndNothingElseIs) {
    Snapshot snapshot = readySnapshot();
    snapshot.groups.clear();
    factsOf(snapshot, replica)["receiverStatus"] = nullptr;
    factsOf(snapshot, source)["replicas"] = JsonArray{};
    EXPECT_EQ(checkPromotion(snapshot, "main").verdict(), Verdict::refused);
    EXPECT_EQ(checkPromotion(snapshot, "main", Loss::accepted).verdict(), Verdict::warning);
    factsOf(snapshot, replica)["replayPaused"] = true;
    EXPECT_EQ(checkPromotion(snapshot, "main", Loss::accepted).firstRefusal()->name, "replay-paused");
}

// A server of the current application that came back without its data is held read-only. Its application is a member
// of a group, and opening it takes nothing away from anybody but what is lost already.
TEST(PromotionReadiness, TheCurrentApplicationsHeldServerMayBeOpenedWithTheLossAccepted) {
    Snapshot snapshot = readySnapshot();
    std::swap(snapshot.from, snapshot.to);
    snapshot.from.reset();
    Json& held = snapshot.databases[source];
    held.as_object()["role"] = "replica";
    held.as_object()["fenced"] = true;
    EXPECT_EQ(checkPromotion(snapshot, "main").firstRefusal()->name, "not-in-group");
    EXPECT_EQ(checkPromotion(snapshot, "main", Loss::accepted).verdict(), Verdict::ok)
        << printed(checkPromotion(snapshot, "main", Loss::accepted));
    held.as_object()["fenced"] = false;
    EXPECT_EQ(checkPromotion(snapshot, "main", Loss::accepted).firstRefusal()->name, "not-in-group");
    held.as_object()["fenced"] = true;
    for (Group& group : snapshot.groups) group.current = "shop-nyc";
    EXPECT_EQ(checkPromotion(snapshot, "main", Loss::accepted).firstRefusal()->name, "not-in-group");
}

}  // namespace
}  // namespace swb::plan
