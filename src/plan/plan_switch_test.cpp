// The switch and its smaller sister, as values: what is done in which order, with which marks, and when nothing is
// planned at all.
#include <algorithm>

#include "plan/planner_test_support.h"

namespace swb::plan {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PlanSwitch, TakesTheStepsOfTheDesignInTheirOrder) {
    const auto run = planSwitch(readySnapshot(), intent(), {});
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    EXPECT_THAT(names(*run),
                ElementsAre("lock", "catch-up", "maintenance-on", "fence", "boot-guard", "promote", "activate",
                            "maintenance-off", "publish-address", "reverse-link", "rejoin", "settle", "report"));
    EXPECT_THAT(marked(*run, &run::Step::pointOfNoReturn), ElementsAre("promote"));
    EXPECT_THAT(marked(*run, &run::Step::inOutage), ElementsAre("fence", "boot-guard", "promote", "activate"));
    EXPECT_THAT(marked(*run, &run::Step::holdsTraffic), ElementsAre("maintenance-on", "fence", "boot-guard", "promote",
                                                                    "activate", "maintenance-off", "publish-address"));
    EXPECT_THAT(marked(*run, &run::Step::overlaps), ElementsAre("activate", "publish-address"));
    EXPECT_THAT(marked(*run, &run::Step::skippable), ElementsAre("rejoin", "settle"));
    EXPECT_EQ(textAt(run->find("promote")->params, "mode"), "all");
}

TEST(PlanSwitch, IsAValueWithItsReasons) {
    const auto run = planSwitch(readySnapshot(), intent(), {});
    ASSERT_TRUE(run.has_value());
    EXPECT_EQ(run->id, "r-test");
    EXPECT_EQ(run->kind, "switch");
    EXPECT_EQ(run->state, run::RunState::planned);
    EXPECT_EQ(run->epoch, 5) << "the group's epoch and one more";
    EXPECT_EQ(run->from, "shop-fra");
    EXPECT_EQ(run->to, "shop-nyc");
    EXPECT_EQ(run->actor, "ada");
    EXPECT_EQ(run->reason, "rehearsal");
    EXPECT_EQ(run->createdAt, intent().at);
    EXPECT_EQ(run->outageBudgetMs, limits::outageBudgetMs);
    EXPECT_EQ(textAt(run->checks, "verdict"), "ok");
    for (const run::Step& step : run->steps) {
        EXPECT_FALSE(step.title.empty() || step.reason.empty() || step.verify.empty() || step.undo.empty())
            << step.name;
        EXPECT_FALSE(step.server.empty()) << step.name;
        EXPECT_EQ(step.state, run::StepState::pending);
    }
    EXPECT_THAT(run->find("publish-address")->title, HasSubstr("198.51.100.1"));
    // The same in, the same out: a restarted controller plans the same.
    EXPECT_EQ(run::toStored(*run), run::toStored(*planSwitch(readySnapshot(), intent(), {})));
}

TEST(PlanSwitch, TheApplicationsLearnWhereTheirDatabasesAre) {
    Snapshot snapshot = readySnapshot();
    addReports(snapshot, *snapshot.to, "nyc-2", "198.51.100.9");
    const auto run = planSwitch(snapshot, intent(), {});
    ASSERT_TRUE(run.has_value());
    const Json& to = *memberAt(run->subject, "variablesTo");
    EXPECT_EQ(textAt(to, "POSTGRESQL_ADDRESS"), "198.51.100.1:5432");
    EXPECT_EQ(textAt(to, "POSTGRESQL_REPLICA_ADDRESSES"), "198.51.100.9:5432");
    EXPECT_EQ(textAt(to, "POSTGRESQL_MAIN_REPLICA_ADDRESSES"), "198.51.100.9:5432");
    EXPECT_EQ(textAt(to, "POSTGRESQL_MAIN_ADDRESS"), "198.51.100.1:5432");
    const Json& from = *memberAt(run->subject, "variablesFrom");
    EXPECT_EQ(textAt(from, "POSTGRESQL_ADDRESS"), "192.0.2.1:5432");
    EXPECT_EQ(textAt(from, "POSTGRESQL_REPLICA_ADDRESSES", "absent"), "");
}

TEST(PlanSwitch, DatabasesOnTwoServersWaitForEachOtherBeforeAnyIsPromoted) {
    Snapshot snapshot = readySnapshot();
    addDatabase(*snapshot.from, "reports", "fra-2");
    addDatabase(*snapshot.to, "reports", "nyc-2");
    observe(snapshot);
    const auto run = planSwitch(snapshot, intent(), {});
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    const auto all = names(*run);
    const auto await = std::find(all.begin(), all.end(), "await-token");
    ASSERT_NE(await, all.end());
    EXPECT_EQ(*(await + 1), "promote");
    EXPECT_EQ(run->find("await-token")->kind, "take-over");
    EXPECT_EQ(textAt(run->find("await-token")->params, "mode"), "await");
    EXPECT_FALSE(run->find("await-token")->pointOfNoReturn);
    EXPECT_TRUE(run->find("await-token")->inOutage);
    EXPECT_EQ(textAt(run->find("promote")->params, "mode"), "promote");
    EXPECT_EQ(run->find("promote")->server, "nyc-1, nyc-2");
}

TEST(PlanSwitch, TwoDatabasesOnOneServerNeedNoBarrierOfTheController) {
    Snapshot snapshot = readySnapshot();
    addDatabase(*snapshot.from, "reports", "fra-2");
    addDatabase(*snapshot.to, "reports", "nyc-1");
    observe(snapshot);
    const auto run = planSwitch(snapshot, intent(), {});
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    EXPECT_EQ(run->find("await-token"), nullptr);
    EXPECT_EQ(textAt(run->find("promote")->params, "mode"), "all");
}

TEST(PlanSwitch, WithoutDatabasesTheAddressIsThePointOfNoReturn) {
    Snapshot snapshot = readySnapshot();
    snapshot.from->databases.clear();
    snapshot.to->databases.clear();
    observe(snapshot);
    const auto run = planSwitch(snapshot, intent(), {});
    ASSERT_TRUE(run.has_value()) << describe(run.error());
    EXPECT_THAT(names(*run),
                ElementsAre("lock", "maintenance-on", "activate", "maintenance-off", "publish-address", "report"));
    EXPECT_THAT(marked(*run, &run::Step::pointOfNoReturn), ElementsAre("publish-address"));
}

TEST(PlanSwitch, EveryPlanHasAtMostOnePointOfNoReturnAndNoPauseInsideTheHeldPart) {
    const auto run = planSwitch(readySnapshot(), intent(), {});
    ASSERT_TRUE(run.has_value());
    size_t first = run->steps.size(), last = 0;
    for (size_t i = 0; i < run->steps.size(); ++i)
        if (run->steps[i].holdsTraffic) first = std::min(first, i), last = i;
    for (size_t i = first; i <= last; ++i) EXPECT_TRUE(run->steps[i].holdsTraffic) << run->steps[i].name;
    for (const run::Step& step : run->steps) EXPECT_TRUE(!step.inOutage || step.holdsTraffic) << step.name;
}

TEST(PlanSwitch, IsRefusedWhileAnotherRunHoldsTheGroup) {
    Snapshot snapshot = readySnapshot();
    snapshot.group.busy = "r-other";
    expectRefused(planSwitch(snapshot, intent(), {}), ErrorCode::GroupBusy, "r-other");
    expectRefused(planTraffic(snapshot, intent()), ErrorCode::GroupBusy, "r-other");
}

TEST(PlanSwitch, IsRefusedWithTheFirstReasonAndTheNumberOfOthers) {
    Snapshot snapshot = readySnapshot();
    factsOf(snapshot, "shop-nyc/main")["replayPaused"] = true;
    expectRefused(planSwitch(snapshot, intent(), {}), ErrorCode::NotReady, "shop-nyc/main: replay is paused");
    factsOf(snapshot, "shop-nyc/main")["systemId"] = "9999";
    expectRefused(planSwitch(snapshot, intent(), {}), ErrorCode::NotReady, "(and 1 more)");
}

TEST(PlanSwitch, WarningsDoNotRefuse) {
    Snapshot snapshot = readySnapshot();
    factsOf(snapshot, "shop-fra/main")["unloggedTables"] = 3;
    const auto run = planSwitch(snapshot, intent(), {});
    ASSERT_TRUE(run.has_value());
    EXPECT_EQ(textAt(run->checks, "verdict"), "warning");
}

TEST(PlanSwitch, TheLagLimitIsTheCallers) {
    SwitchOptions options;
    options.lagBytesMax = 10;
    expectRefused(planSwitch(readySnapshot(), intent(), options), ErrorCode::NotReady, "lag");
    options.lagBytesMax = 1 << 30;
    EXPECT_EQ(integerAt(planSwitch(readySnapshot(), intent(), options)->subject, "lagBytesMax"), 1 << 30);
}

TEST(PlanTraffic, NeverPointsAtAReplica) {
    Snapshot snapshot = readySnapshot();
    expectRefused(planTraffic(snapshot, intent()), ErrorCode::NotReady, "shop-nyc/main is not a primary");
    snapshot.databases.erase("shop-nyc/main");
    expectRefused(planTraffic(snapshot, intent()), ErrorCode::NotReady, "is not a primary");
    snapshot.databases["shop-nyc/main"] = primaryFacts("shop-fra");
    factsOf(snapshot, "shop-nyc/main")["fenced"] = true;
    expectRefused(planTraffic(snapshot, intent()), ErrorCode::NotReady, "is not a primary");
    factsOf(snapshot, "shop-nyc/main")["fenced"] = false;
    const auto run = planTraffic(snapshot, intent());
    ASSERT_TRUE(run.has_value());
    EXPECT_THAT(names(*run), ElementsAre("lock", "publish-address", "report"));
    EXPECT_THAT(marked(*run, &run::Step::pointOfNoReturn), ElementsAre("publish-address"));
    EXPECT_EQ(run->epoch, 5);
}

TEST(PlanTraffic, NeedsAnotherApplicationWithAFront) {
    Snapshot snapshot = readySnapshot();
    snapshot.to = snapshot.from;
    expectRefused(planTraffic(snapshot, intent()), ErrorCode::NotReady, "already");
    snapshot = readySnapshot();
    snapshot.databases["shop-nyc/main"] = primaryFacts("shop-fra");
    snapshot.to->web.clear();
    expectRefused(planTraffic(snapshot, intent()), ErrorCode::NotReady, "no web front");
}

Publication publishedWww() {
    Publication publication;
    publication.name = "www.shop.example";
    publication.zone = "shop.example";
    publication.endpoint = "192.0.2.53:53";
    publication.credential = "secret:dns";
    return publication;
}

TEST(PlanSwitch, NamesElsewhereAreBegunBehindTheOwnAddressAndJudgedLastHoldingNothingUp) {
    Snapshot snapshot = readySnapshot();
    snapshot.group.publications = {publishedWww()};
    const run::Run run = *planSwitch(snapshot, intent(), {});
    std::vector<std::string> names;
    for (const run::Step& step : run.steps) names.push_back(step.name);
    const auto at = [&](const char* name) { return std::find(names.begin(), names.end(), name) - names.begin(); };
    EXPECT_EQ(at("publish-elsewhere"), at("publish-address") + 1);
    EXPECT_EQ(at("confirm-elsewhere"), at("report") - 1);
    EXPECT_GT(at("confirm-elsewhere"), at("rejoin")) << "the new standby does not wait for a provider";
    for (const char* name : {"publish-elsewhere", "confirm-elsewhere"}) {
        EXPECT_FALSE(run.find(name)->inOutage || run.find(name)->holdsTraffic || run.find(name)->overlaps) << name;
        EXPECT_TRUE(run.find(name)->skippable) << name;
    }
    EXPECT_FALSE(planSwitch(readySnapshot(), intent(), {})->find("publish-elsewhere"));
}

TEST(PlanTraffic, MovesNamesElsewhereToo) {
    Snapshot snapshot = readySnapshot();
    snapshot.group.publications = {publishedWww()};
    snapshot.from->databases.clear();
    snapshot.to->databases.clear();
    const auto run = planTraffic(snapshot, intent());
    ASSERT_TRUE(run);
    EXPECT_TRUE(run->find("publish-elsewhere") && run->find("confirm-elsewhere"));
}

std::vector<std::string> ttlStepsOf(const Result<run::Run>& planned) {
    std::vector<std::string> out;
    for (const run::Step& step : planned->steps)
        if (step.kind.ends_with("-ttl")) out.push_back(step.name);
    return out;
}

std::vector<std::string> ttlSteps(const Snapshot& snapshot, TtlPlan ttl) {
    SwitchOptions options;
    options.ttl = ttl;
    return ttlStepsOf(planSwitch(snapshot, intent(), options));
}

TEST(PlanSwitch, GoesAtOnceUnlessItIsAskedToPrepareTheTtl) {
    Snapshot snapshot = readySnapshot();
    using Names = std::vector<std::string>;
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::automatic), Names{});
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::leave), Names{});
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::prepare), (Names{"lower-ttl", "wait-ttl", "restore-ttl"}));
    snapshot.group.ttlLoweredAt = snapshot.at - 1000;
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::automatic), Names{"restore-ttl"});
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::leave), Names{});
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::prepare), (Names{"lower-ttl", "wait-ttl", "restore-ttl"}));
    snapshot.group.ttlLoweredAt = snapshot.at - snapshot.group.ttl * 1000;
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::prepare), (Names{"lower-ttl", "restore-ttl"})) << "waited out before";
    snapshot.group.ttlLoweredAt = 0;
    snapshot.group.ttl = snapshot.group.lowTtl;
    EXPECT_EQ(ttlSteps(snapshot, TtlPlan::prepare), Names{}) << "there is nothing to lower";
}

TEST(PlanSwitch, TheTtlIsWaitedOutBeforeAnythingIsTakenAway) {
    SwitchOptions options;
    options.ttl = TtlPlan::prepare;
    const run::Run run = *planSwitch(readySnapshot(), intent(), options);
    EXPECT_EQ(run.steps[0].name, "lock");
    EXPECT_EQ(run.steps[1].name, "lower-ttl");
    EXPECT_EQ(run.steps[2].name, "wait-ttl");
    for (const char* name : {"lower-ttl", "wait-ttl", "restore-ttl"})
        EXPECT_FALSE(run.find(name)->inOutage || run.find(name)->holdsTraffic) << name;
}

TEST(PlanTraffic, TreatsTheTtlAsASwitchDoes) {
    Snapshot snapshot = readySnapshot();
    snapshot.databases["shop-nyc/main"] = primaryFacts("shop-fra");
    for (const int64_t loweredAgo : {int64_t{0}, int64_t{1}, snapshot.group.ttl}) {
        snapshot.group.ttlLoweredAt = loweredAgo == 0 ? 0 : snapshot.at - loweredAgo * 1000;
        Snapshot switching = readySnapshot();
        switching.group = snapshot.group;
        for (const TtlPlan ttl : {TtlPlan::automatic, TtlPlan::prepare, TtlPlan::leave})
            EXPECT_EQ(ttlStepsOf(planTraffic(snapshot, intent(), ttl)), ttlSteps(switching, ttl))
                << loweredAgo << " " << static_cast<int>(ttl);
    }
    snapshot.group.ttlLoweredAt = 0;
    snapshot.group.publications = {publishedWww()};
    EXPECT_THAT(names(*planTraffic(snapshot, intent(), TtlPlan::prepare)),
                ElementsAre("lock", "lower-ttl", "wait-ttl", "publish-address", "publish-elsewhere",
                            "confirm-elsewhere", "restore-ttl", "report"))
        << "waited out before the address moves, put back when nobody needs it any more";
}

}  // namespace
}  // namespace swb::plan
