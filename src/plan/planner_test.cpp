// The other plans as values: replication, promotion, maintenance, definitions.
#include <algorithm>

#include "plan/planner_test_support.h"

namespace swb::plan {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PlanReplication, DestroysNothingWithoutTheTypedWord) {
    const std::string word = consentWord("shop-nyc", "main");
    EXPECT_EQ(word, "replace:shop-nyc/main");
    for (const std::vector<std::string>& consent :
         {std::vector<std::string>{}, {"replace:shop-fra/main"}, {"replace:shop-nyc/Main"}, {"yes"}}) {
        const auto run = planReplication(unlinkedSnapshot(), {"main"}, false, consent, intent());
        expectRefused(run, ErrorCode::ConsentRequired, "shop-nyc/main");
        EXPECT_THAT(run.error().hint, HasSubstr(word));
    }
    const auto run = planReplication(unlinkedSnapshot(), {"main"}, false, {word}, intent());
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    EXPECT_EQ(run->kind, "replicate");
    EXPECT_THAT(names(*run),
                ElementsAre("maintenance-on", "request-certificates", "sign-certificates", "install-certificates",
                            "prepare-source", "test-source", "seed", "prepare-target", "test-reverse", "link"));
}

TEST(PlanReplication, ConsentIsNeededForEveryDatabase) {
    Snapshot snapshot = unlinkedSnapshot();
    addDatabase(*snapshot.from, "reports", "fra-1");
    addDatabase(*snapshot.to, "reports", "nyc-1");
    snapshot.databases["shop-fra/reports"] = snapshot.databases["shop-fra/main"];
    snapshot.databases["shop-nyc/reports"] = snapshot.databases["shop-nyc/main"];
    expectRefused(planReplication(snapshot, {"main", "reports"}, false, {"replace:shop-nyc/main"}, intent()),
                  ErrorCode::ConsentRequired, "shop-nyc/reports");
}

TEST(PlanReplication, NeverReplacesTheCurrentApplication) {
    Snapshot snapshot = unlinkedSnapshot();
    Group group;
    group.name = "other";
    group.current = "shop-nyc";
    snapshot.groups = {group};
    expectRefused(planReplication(snapshot, {"main"}, false, {"replace:shop-nyc/main"}, intent()), ErrorCode::NotReady,
                  "current application of other");
}

TEST(PlanReplication, NeedsADatabase) {
    expectRefused(planReplication(unlinkedSnapshot(), {}, false, {}, intent()), ErrorCode::NotReady,
                  "no database in common");
}

TEST(PlanRenewal, MakesNewCertificatesForBothEndsAndTriesBothWays) {
    const auto run = planRenewal(readySnapshot(), {"main"}, intent());
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    EXPECT_EQ(run->kind, "renew-certificates");
    EXPECT_THAT(names(*run), ElementsAre("request-certificates", "sign-certificates", "install-certificates",
                                         "test-source", "test-reverse"));
    EXPECT_FALSE(run->pointOfNoReturnPassed());
    expectRefused(planRenewal(readySnapshot(), {}, intent()), ErrorCode::NotFound, "does not replicate");
    expectRefused(planRenewal(readySnapshot(), {"other"}, intent()), ErrorCode::NotFound, "other");
}

TEST(PlanDisable, NeedsALinkOfThatDirection) {
    Snapshot snapshot = readySnapshot();
    const auto run = planDisable(snapshot, {"main"}, intent());
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    EXPECT_THAT(names(*run), ElementsAre("promote-standalone", "release-source", "unlink", "environment"));
    EXPECT_FALSE(run->find("promote-standalone")->skippable);
    EXPECT_THAT(run->find("environment")->title, HasSubstr("shop-fra, shop-nyc"));
    EXPECT_THAT(marked(*run, &run::Step::pointOfNoReturn), ElementsAre("promote-standalone"));
    std::swap(snapshot.from, snapshot.to);
    EXPECT_EQ(planDisable(snapshot, {"main"}, intent()).error().code, ErrorCode::NotFound);
    EXPECT_EQ(planDisable(readySnapshot(), {}, intent()).error().code, ErrorCode::NotFound);
}

TEST(PlanPromotion, IsRefusedForAMemberOfAGroup) {
    Snapshot snapshot = readySnapshot();
    expectRefused(planPromotion(snapshot, "main", Loss::refused, intent()), ErrorCode::NotReady,
                  "belongs to the group shop");
    EXPECT_EQ(planPromotion(snapshot, "absent", Loss::refused, intent()).error().code, ErrorCode::NotFound);
    snapshot.groups.clear();
    const auto run = planPromotion(snapshot, "main", Loss::refused, intent());
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    EXPECT_THAT(marked(*run, &run::Step::pointOfNoReturn), ElementsAre("promote-standalone"));
    EXPECT_FALSE(booleanAt(run->subject, "acceptDataLoss", true));
    const auto lossy = planPromotion(snapshot, "main", Loss::accepted, intent());
    ASSERT_TRUE(lossy.has_value()) << describe(lossy.error());
    EXPECT_TRUE(booleanAt(lossy->subject, "acceptDataLoss", false));
}

TEST(PlanMaintenance, StaysOnOverAReplica) {
    Snapshot snapshot = readySnapshot();
    expectRefused(planMaintenance(snapshot, false, intent()), ErrorCode::NotReady, "maintenance stays on");
    const auto on = planMaintenance(snapshot, true, intent());
    ASSERT_TRUE(on.has_value());
    EXPECT_THAT(names(*on), ElementsAre("maintenance-on"));
    EXPECT_EQ(textAt(on->steps.front().params, "application"), "to")
        << "the application asked for, not the current one";
    std::swap(snapshot.from, snapshot.to);
    const auto off = planMaintenance(snapshot, false, intent());
    ASSERT_TRUE(off.has_value()) << describe(off.error());
    EXPECT_THAT(names(*off), ElementsAre("maintenance-off"));
}

TEST(PlanMaintenance, WithoutAWebFrontItSpeaksOfTheWritersOnly) {
    Snapshot snapshot = readySnapshot();
    std::swap(snapshot.from, snapshot.to);
    snapshot.to->web.clear();
    snapshot.to->processes["worker"].writes = true;
    snapshot.to->processes["worker"].server = "fra-2";
    for (const bool on : {true, false}) {
        const auto run = planMaintenance(snapshot, on, intent());
        ASSERT_TRUE(run.has_value()) << describe(run.error());
        const run::Step& step = run->steps.front();
        EXPECT_THAT(step.title, testing::HasSubstr(on ? ": writers stopped" : ": writers started"));
        EXPECT_THAT(step.verify, testing::HasSubstr("there is no web front to probe"));
        EXPECT_THAT(step.title + step.undo, testing::Not(testing::HasSubstr("page")));
        EXPECT_THAT(step.server, testing::HasSubstr("fra-2"));
    }
    for (auto& [name, process] : snapshot.to->processes) process.writes = false;
    expectRefused(planMaintenance(snapshot, true, intent()), ErrorCode::NotReady, "neither a web front nor");
}

TEST(PlanApply, AStandbyComesUpInMaintenance) {
    Snapshot snapshot = readySnapshot();
    const auto standby = planApply(snapshot, intent());
    ASSERT_TRUE(standby.has_value());
    EXPECT_TRUE(booleanAt(standby->subject, "standby"));
    EXPECT_EQ(textAt(standby->subject, "failoverStatus"), "offline");
    EXPECT_THAT(names(*standby), ElementsAre("configure", "prepare-web", "maintenance-on", "apply-processes"));
    std::swap(snapshot.from, snapshot.to);
    const auto current = planApply(snapshot, intent());
    ASSERT_TRUE(current.has_value());
    EXPECT_FALSE(booleanAt(current->subject, "standby"));
    EXPECT_EQ(textAt(current->subject, "failoverStatus"), "online");
    EXPECT_THAT(names(*current), ElementsAre("configure", "prepare-web", "apply-processes"));
    EXPECT_EQ(textAt(*memberAt(current->subject, "variablesTo"), "POSTGRESQL_REPLICA_ADDRESSES", "absent"), "")
        << "another application's database is none of this one's replicas";
}

TEST(PlanRemoval, IsRefusedWhileSomethingStandsOnIt) {
    Snapshot snapshot = readySnapshot();
    expectRefused(planRemoval(snapshot, intent()), ErrorCode::InUse, "group shop");
    snapshot.groups.clear();
    expectRefused(planRemoval(snapshot, intent()), ErrorCode::InUse, "replicates from");
    snapshot.links.clear();
    const auto run = planRemoval(snapshot, intent());
    ASSERT_TRUE(run.has_value());
    EXPECT_THAT(names(*run), ElementsAre("remove", "forget"));
}

}  // namespace
}  // namespace swb::plan
