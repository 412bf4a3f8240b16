// Replicas inside an application (F18): how they are made and ended, that a switch warns of them and no more, and what
// the application's processes are told of them.
#include <gmock/gmock.h>

#include "model/copy.h"
#include "plan/environment.h"
#include "plan/link_tree.h"
#include "plan/snapshot_test_support.h"

namespace swb::plan {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

const Check* checkOf(const Readiness& readiness, const std::string& name, const std::string& subject) {
    for (const Check& check : readiness.checks)
        if (check.name == name && check.subject == subject) return &check;
    return nullptr;
}

std::vector<std::string> namesOf(const run::Run& run) {
    std::vector<std::string> names;
    for (const run::Step& step : run.steps) names.push_back(step.name);
    return names;
}

// `swing replication enable --from shop-fra --to shop-fra.reports`, of a group whose link runs from fra to nyc.
Snapshot insideSnapshot() {
    Snapshot snapshot = readySnapshot();
    addReports(snapshot, *snapshot.from, "fra-2", "192.0.2.9");
    snapshot.links.pop_back();
    snapshot.databases["shop-fra.reports/main"] = JsonObject{{"reachable", false}, {"role", "stopped"}};
    snapshot.owner = snapshot.from;
    snapshot.to = copyOf(*snapshot.from, "shop-fra.reports");
    snapshot.group = {};
    return snapshot;
}

TEST(ReplicaInside, IsMadeLikeAnyOtherAndNeedsNoWayBack) {
    const Snapshot snapshot = insideSnapshot();
    const auto refused = planReplication(snapshot, {"main"}, false, {}, intent());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().hint, HasSubstr("replace:shop-fra.reports/main"));
    const auto run = planReplication(snapshot, {"main"}, false, {"replace:shop-fra.reports/main"}, intent());
    ASSERT_TRUE(run) << describe(run.error());
    EXPECT_THAT(namesOf(*run), ElementsAre("request-certificates", "sign-certificates", "install-certificates",
                                           "prepare-source", "test-source", "seed", "link", "environment"));
    EXPECT_TRUE(run->find("link")->pointOfNoReturn)
        << "what is recorded is not undone because a process would not start";
    EXPECT_TRUE(run->find("environment")->skippable);
    EXPECT_EQ(run->find("environment")->server, "fra-1");
    EXPECT_EQ(run->group, "") << "the group stays free";
}

TEST(ReplicaInside, FollowsItsOwnApplicationOnly) {
    Snapshot snapshot = insideSnapshot();
    snapshot.from = shopAt("nyc", "198.51.100");
    const Readiness readiness = checkReplication(snapshot, "main");
    const Check* check = checkOf(readiness, "inside", "shop-fra.reports/main");
    ASSERT_TRUE(check);
    EXPECT_EQ(check->verdict, Verdict::refused);
    EXPECT_THAT(check->hint, HasSubstr("--from"));
}

TEST(ReplicaInside, EndsEvenWhenItIsGone) {
    Snapshot snapshot = insideSnapshot();
    snapshot.links.push_back({"shop-fra", "shop-fra.reports", "main", "postgresql", 1});
    const auto run = planDisable(snapshot, {"main"}, intent());
    ASSERT_TRUE(run) << describe(run.error());
    EXPECT_THAT(namesOf(*run), ElementsAre("promote-standalone", "release-source", "unlink", "environment"));
    EXPECT_TRUE(run->find("promote-standalone")->skippable);
    EXPECT_TRUE(booleanAt(run->subject, "acceptDataLoss"));
}

TEST(ReplicaInside, IsANodeOfTheTree) {
    Snapshot snapshot = insideSnapshot();
    snapshot.links.push_back({"shop-fra", "shop-fra.reports", "main", "postgresql", 1});
    const LinkTree tree(snapshot.links, "main");
    EXPECT_EQ(tree.depthOf("shop-fra.reports"), 1u);
    EXPECT_TRUE(tree.follows("shop-fra.reports", "shop-fra"));
    EXPECT_EQ(tree.heightOf("shop-fra"), 1u);
    // Of its own follower it may not become one: a circle.
    std::swap(snapshot.from, snapshot.to);
    const Readiness readiness = checkReplication(snapshot, "main");
    EXPECT_EQ(checkOf(readiness, "no-circle", "shop-fra/main")->verdict, Verdict::refused);
}

TEST(ReplicaInside, ThatIsBrokenIsAWarningAndNeverMore) {
    const auto readySwitch = [] {
        Snapshot snapshot = readySnapshot();
        addReports(snapshot, *snapshot.from, "fra-2", "192.0.2.9");
        addReports(snapshot, *snapshot.to, "nyc-2", "198.51.100.9");
        return snapshot;
    };
    const Readiness ready = checkSwitch(readySwitch());
    EXPECT_EQ(ready.verdict(), Verdict::ok);
    for (const char* copy : {"shop-fra.reports", "shop-nyc.reports"})
        for (const auto& damage : std::vector<void (*)(Json&)>{
                 [](Json& facts) { facts = nullptr; }, [](Json& facts) { facts.as_object()["reachable"] = false; },
                 [](Json& facts) { facts.as_object()["role"] = "primary"; },
                 [](Json& facts) { facts.as_object()["stale"] = true; },
                 [](Json& facts) { facts.as_object()["receiverStatus"] = "stopped"; }}) {
            Snapshot snapshot = readySwitch();
            damage(snapshot.databases[std::string(copy) + "/main"]);
            snapshot.agents.erase("fra-2");
            snapshot.agents.erase("nyc-2");
            const Readiness readiness = checkSwitch(snapshot);
            EXPECT_EQ(readiness.verdict(), Verdict::warning);
            const Check* check = checkOf(readiness, "replica-inside", std::string(copy) + "/main");
            ASSERT_TRUE(check);
            EXPECT_EQ(check->verdict, Verdict::warning);
            EXPECT_THAT(check->hint, HasSubstr(std::string("--to ") + copy));
            EXPECT_TRUE(planSwitch(snapshot, intent(), {}));
        }
}

TEST(ReplicaInside, TheServersOfReplicasAreConfiguredLastAndMayBeSkipped) {
    Snapshot snapshot = readySnapshot();
    std::swap(snapshot.from, snapshot.to);
    snapshot.former = snapshot.to;
    addReports(snapshot, *snapshot.to, "fra-2", "192.0.2.9");
    const auto run = planApply(snapshot, intent());
    ASSERT_TRUE(run);
    EXPECT_EQ(run->steps.back().name, "configure-replicas");
    EXPECT_EQ(run->steps.back().server, "fra-2");
    EXPECT_TRUE(run->steps.back().skippable);
    std::swap(*snapshot.former, *snapshot.to);
    const auto removed = planApply(snapshot, intent());
    ASSERT_TRUE(removed);
    EXPECT_EQ(toText(*memberAt(removed->subject, "copiesGone")), R"([{"copy":"shop-fra.reports","server":"fra-2"}])");
}

TEST(Environment, NamesTheReplicasThatFollow) {
    Snapshot snapshot = readySnapshot();
    Application& owner = *snapshot.from;
    addReports(snapshot, owner, "fra-2", "192.0.2.9");
    ReplicaSpec second = owner.databases.at("main").replicas.at("reports");
    second.address.host = "192.0.2.10";
    owner.databases.at("main").replicas["spare"] = second;
    EXPECT_THAT(replicaAddresses(owner, snapshot), ElementsAre(testing::Pair("main", "192.0.2.9:5432")))
        << "one that replicates from nobody is none";
    snapshot.links.push_back({"shop-fra.reports", "shop-fra.spare", "main", "postgresql", 1});
    snapshot.databases["shop-fra.spare/main"] = replicaFacts("shop-fra.spare");
    EXPECT_EQ(replicaAddresses(owner, snapshot).at("main"), "192.0.2.9:5432,192.0.2.10:5432");
    snapshot.databases["shop-fra.reports/main"].as_object()["receiverStatus"] = "stopped";
    EXPECT_EQ(replicaAddresses(owner, snapshot).at("main"), "192.0.2.10:5432");
    EXPECT_EQ(replicaAddresses(owner, snapshot, Members::running).at("main"), "192.0.2.9:5432,192.0.2.10:5432");
    snapshot.databases["shop-fra.reports/main"].as_object()["role"] = "primary";
    EXPECT_EQ(replicaAddresses(owner, snapshot, Members::running).at("main"), "192.0.2.10:5432");
    const JsonObject variables = environmentVariables(owner, replicaAddresses(owner, snapshot));
    EXPECT_EQ(variables.at("POSTGRESQL_REPLICA_ADDRESSES"), "192.0.2.10:5432");
    EXPECT_EQ(variables.at("POSTGRESQL_MAIN_REPLICA_ADDRESSES"), "192.0.2.10:5432");
    EXPECT_EQ(variables.at("POSTGRESQL_ADDRESS"), "192.0.2.1:5432");
}

}  // namespace
}  // namespace swb::plan
