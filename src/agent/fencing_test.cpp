#include <gtest/gtest.h>

#include "agent/scripted_drivers_test.h"
#include "driver/support/urgency.h"

namespace swb::agent {
namespace {

class Fencing : public AgentFixture {
  protected:
    void SetUp() override { configure(); }
};

TEST_F(Fencing, TheGuardIsOnDiskBeforeTheDatabaseIsTouched) {
    std::string seen;
    server("main").onFence = [&](const driver::Context&) { seen = role("main"); };
    const auto result = run("database.fence", fenceArguments());
    ASSERT_TRUE(result) << describe(result.error());
    EXPECT_EQ(seen, "replica fenced");
    EXPECT_EQ(memberAt(*result, "tokens")->as_array().size(), 2u);
    EXPECT_EQ(textAt(memberAt(*result, "tokens")->as_array().at(0), "database"), "main");
    EXPECT_EQ(role("logs"), "replica fenced");
    EXPECT_FALSE(server("main").running);
}

TEST_F(Fencing, AgainGivesTheSameTokens) {
    const auto first = run("database.fence", fenceArguments());
    const auto second = run("database.fence", fenceArguments());
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*memberAt(*first, "tokens"), *memberAt(*second, "tokens"));
}

TEST_F(Fencing, OneFailureUnfencesAll) {
    server("logs").fenceError = Error(ErrorCode::DatabaseFailed, "no");
    EXPECT_EQ(codeOf(run("database.fence", fenceArguments())), "SWB-DATABASE-FAILED");
    EXPECT_TRUE(server("main").running);
    EXPECT_EQ(server("main").unfences, 1);
    EXPECT_EQ(server("logs").unfences, 1);
    EXPECT_EQ(role("main"), "primary");
    EXPECT_EQ(role("logs"), "primary");
}

TEST_F(Fencing, AFenceThatCannotBeUndoneIsUnknown) {
    server("logs").fenceError = Error(ErrorCode::DatabaseFailed, "no");
    server("main").unfenceError = Error(ErrorCode::DatabaseFailed, "will not start");
    EXPECT_EQ(codeOf(run("database.fence", fenceArguments())), "SWB-OUTCOME-UNKNOWN");
}

TEST_F(Fencing, NoneIsClosedBeforeAllAreReady) {
    std::atomic<bool> ready{false}, closedEarly{false};
    server("main").onFence = [&](const driver::Context&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        ready = true;
    };
    server("logs").onClosing = [&] { closedEarly = !ready; };
    const auto result = run("database.fence", fenceArguments());
    ASSERT_TRUE(result) << describe(result.error());
    EXPECT_TRUE(ready);
    EXPECT_FALSE(closedEarly);
}

TEST_F(Fencing, OneThatRefusesLeavesTheOthersOpen) {
    bool closed = false;
    server("main").onFence = [&](const driver::Context&) {
        server("main").fenceError = Error(ErrorCode::DatabaseFailed, "no");
    };
    server("logs").onClosing = [&] { closed = true; };
    EXPECT_EQ(codeOf(run("database.fence", fenceArguments())), "SWB-DATABASE-FAILED");
    EXPECT_FALSE(closed);
    EXPECT_EQ(role("logs"), "primary");
}

TEST_F(Fencing, OneThatIsNeverReadyLeavesTheOthersOpen) {
    bool closed = false;
    server("main").onFence = [&](const driver::Context& context) {
        while (context.remainingMs() > 0 && !context.cancelled())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        server("main").fenceError = Error(ErrorCode::DeadlineExceeded, "does not answer");
    };
    server("logs").onClosing = [&] { closed = true; };
    Json arguments = fenceArguments();
    arguments.as_object()["budgetMs"] = 100;
    const auto result = run("database.fence", arguments);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "does not answer");
    EXPECT_FALSE(closed);
    EXPECT_EQ(role("logs"), "primary");
}

TEST_F(Fencing, OneThatIsClosedAlreadyKeepsNobodyWaiting) {
    server("main").closedAlready = true;
    ASSERT_TRUE(run("database.fence", fenceArguments()));
    EXPECT_FALSE(server("logs").running);
}

TEST_F(Fencing, EveryDatabasesThreadIsAsHurriedAsTheVerb) {
    const driver::HurriedThread hurried;  // as the executor begins a verb that writes wait for
    const bool wanted = driver::HurriedThread::isHurried();
    std::atomic<int> alike{0};
    for (const char* name : {"main", "logs"})
        server(name).onFence = [&](const driver::Context&) { alike += driver::HurriedThread::isHurried() == wanted; };
    ASSERT_TRUE(run("database.fence", fenceArguments()));
    EXPECT_EQ(alike, 2);
}

TEST_F(Fencing, CancelledBeforeItBeganDoesNothing) {
    cancelled = true;
    EXPECT_EQ(codeOf(run("database.fence", fenceArguments())), "SWB-NOT-DONE");
    EXPECT_EQ(role("main"), "none");
    EXPECT_EQ(server("main").fences, 0);
}

TEST_F(Fencing, CancelledInTheMiddleGivesWritesBack) {
    server("main").onFence = [&](const driver::Context&) { cancelled = true; };
    EXPECT_EQ(codeOf(run("database.fence", fenceArguments())), "SWB-NOT-DONE");
    EXPECT_EQ(role("main"), "primary");
    EXPECT_TRUE(server("main").running);
}

TEST_F(Fencing, AnOlderEpochThanTheGuardsIsRefused) {
    ASSERT_TRUE(run("database.fence", fenceArguments(8), 8));
    EXPECT_EQ(codeOf(run("database.fence", fenceArguments(7), 7)), "SWB-EPOCH-OLD");
    EXPECT_EQ(role("main"), "replica fenced");
    EXPECT_EQ(server("main").unfences, 0) << "what a newer epoch fenced stays fenced";
}

TEST_F(Fencing, TheGuardMustBeTheCommandsOwn) {
    EXPECT_EQ(codeOf(run("database.fence", fenceArguments(9), 7)), "SWB-INVALID-INPUT");
    Json arguments = fenceArguments();
    arguments.as_object()["guard"] = guardJson("primary");
    EXPECT_EQ(codeOf(run("database.fence", arguments)), "SWB-INVALID-INPUT");
    arguments = fenceArguments();
    arguments.as_object()["databases"] = JsonArray{databaseJson("main"), databaseJson("main")};
    EXPECT_EQ(codeOf(run("database.fence", arguments)), "SWB-INVALID-INPUT");
    EXPECT_EQ(server("main").fences, 0);
}

TEST_F(Fencing, UnfenceGivesWritesBack) {
    ASSERT_TRUE(run("database.fence", fenceArguments()));
    Json arguments = fenceArguments();
    arguments.as_object()["guard"] = guardJson("primary");
    const auto result = run("database.unfence", arguments);
    ASSERT_TRUE(result) << describe(result.error());
    EXPECT_EQ(role("main"), "primary");
    EXPECT_TRUE(server("logs").running);
}

TEST_F(Fencing, SettlesByWhatIsSeen) {
    EXPECT_EQ(codeOf(settle("database.fence", fenceArguments())), "SWB-NOT-DONE");
    ASSERT_TRUE(guards.write(keyOf("main"), {"shop", 7, "replica", true, 1}));
    EXPECT_EQ(codeOf(settle("database.fence", fenceArguments())), "SWB-INTERRUPTED");
    EXPECT_EQ(server("main").fences, 0) << "settling does not act";
    ASSERT_TRUE(guards.write(keyOf("logs"), {"shop", 7, "replica", true, 1}));
    server("main").running = server("logs").running = false;
    const auto settled = settle("database.fence", fenceArguments());
    ASSERT_TRUE(settled) << describe(settled.error());
    EXPECT_EQ(memberAt(*settled, "tokens")->as_array().size(), 2u);
}

class TakeOver : public AgentFixture {
  protected:
    void SetUp() override {
        configure();
        for (const std::string name : {"main", "logs"}) {
            server(name).role = "replica";
            ASSERT_TRUE(guards.write(keyOf(name), {"shop", 6, "replica", false, 1}));
        }
    }
};

TEST_F(TakeOver, PromotesAllWithTheGuardsWrittenFirst) {
    std::string seen;
    server("main").onPromote = [&](const driver::Context&) { seen = role("main") + "," + role("logs"); };
    const auto result = run("database.take-over", takeOverArguments());
    ASSERT_TRUE(result) << describe(result.error());
    EXPECT_EQ(seen, "primary,primary");
    const auto& databases = memberAt(*result, "databases")->as_array();
    ASSERT_EQ(databases.size(), 2u);
    EXPECT_EQ(textAt(databases.at(1), "name"), "logs");
    EXPECT_EQ(integerAt(databases.at(0), "timeline"), 2);
    EXPECT_GT(integerAt(*result, "promotedAt"), 0);
}

TEST_F(TakeOver, NoneIsPromotedBeforeAllHaveReached) {
    std::atomic<bool> logsReached{false};
    server("logs").onAwait = [&](const driver::Context&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        logsReached = true;
    };
    server("main").onPromote = [&](const driver::Context&) { EXPECT_TRUE(logsReached); };
    ASSERT_TRUE(run("database.take-over", takeOverArguments()));
    EXPECT_EQ(server("main").promotions, 1);
}

TEST_F(TakeOver, OneTokenNotReachedPromotesNothingAndStopsTheOthers) {
    server("main").tokenError = Error(ErrorCode::TokenNotReached, "behind");
    server("logs").onAwait = [&](const driver::Context& context) {
        const MonotonicMs begun = SystemClock().monotonic();
        while (!context.cancelled() && SystemClock().monotonic() < begun + 900)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_LT(SystemClock().monotonic() - begun, 500) << "did not stop with its sibling";
    };
    EXPECT_EQ(codeOf(run("database.take-over", takeOverArguments())), "SWB-TOKEN-NOT-REACHED");
    EXPECT_EQ(server("main").promotions + server("logs").promotions, 0);
    EXPECT_EQ(role("logs"), "replica");
}

// The supervisor may be looking at a server that hangs, and has its lock: the old site waits no longer than for a
// token.
TEST_F(TakeOver, AServerThatSomebodyLooksAtCostsNoMoreThanTheWait) {
    auto held = *locks.acquire({"database:shop-fra/logs"}, SystemClock().monotonic() + 100);
    Json arguments = takeOverArguments();
    arguments.as_object()["awaitMs"] = 200;
    const MonotonicMs begun = SystemClock().monotonic();
    EXPECT_EQ(codeOf(run("database.take-over", arguments)), "SWB-NOT-DONE");
    EXPECT_LT(SystemClock().monotonic() - begun, 2000);
    EXPECT_EQ(server("main").promotions + server("logs").promotions, 0);
    // Once a promotion was allowed nobody may hear that there was none.
    for (const char* name : {"main", "logs"}) ASSERT_TRUE(guards.write(keyOf(name), {"shop", 7, "primary", false, 1}));
    EXPECT_EQ(codeOf(run("database.take-over", arguments)), "SWB-OUTCOME-UNKNOWN");
    held.clear();
    EXPECT_EQ(codeOf(run("database.take-over", arguments)), "done");
}

TEST_F(Fencing, AServerThatSomebodyLooksAtCostsNoMoreThanTheBudget) {
    auto held = *locks.acquire({"database:shop-fra/logs"}, SystemClock().monotonic() + 100);
    Json arguments = fenceArguments();
    arguments.as_object()["budgetMs"] = 200;
    const MonotonicMs begun = SystemClock().monotonic();
    EXPECT_EQ(codeOf(run("database.fence", arguments)), "SWB-BUSY");
    EXPECT_LT(SystemClock().monotonic() - begun, 2000);
    EXPECT_EQ(role("main"), "none");
}

TEST_F(TakeOver, CancelledBeforePromotionPromotesNothing) {
    server("main").onAwait = [&](const driver::Context&) { cancelled = true; };
    EXPECT_EQ(codeOf(run("database.take-over", takeOverArguments())), "SWB-NOT-DONE");
    EXPECT_EQ(role("main"), "replica");
    EXPECT_EQ(server("main").promotions, 0);
}

TEST_F(TakeOver, AfterTheGuardsItNeverSaysFailed) {
    server("logs").promoteError = Error(ErrorCode::DatabaseFailed, "no");
    EXPECT_EQ(codeOf(run("database.take-over", takeOverArguments())), "SWB-OUTCOME-UNKNOWN");
    // Repeated: goes forward without waiting for tokens again.
    server("logs").promoteError.reset();
    server("main").tokenError = Error(ErrorCode::TokenNotReached, "a primary replays nothing");
    cancelled = true;
    ASSERT_TRUE(run("database.take-over", takeOverArguments()));
    EXPECT_EQ(server("main").promotions, 1) << "once, although executed twice";
}

TEST_F(TakeOver, AwaitOnlyPromotesNothing) {
    ASSERT_TRUE(run("database.take-over", takeOverArguments("await")));
    EXPECT_EQ(server("main").promotions, 0);
    EXPECT_EQ(role("main"), "replica");
    ASSERT_TRUE(run("database.take-over", takeOverArguments("promote")));
    EXPECT_EQ(server("main").promotions, 1);
}

TEST_F(TakeOver, ATokenOfAnotherEpochOrDatabaseIsRefused) {
    EXPECT_EQ(codeOf(run("database.take-over", takeOverArguments("all", 6), 7)), "SWB-EPOCH-OLD");
    Json arguments = takeOverArguments();
    arguments.as_object()["databases"].as_array()[0].as_object()["token"].as_object()["database"] = "logs";
    EXPECT_EQ(codeOf(run("database.take-over", arguments)), "SWB-INVALID-INPUT");
    EXPECT_EQ(server("main").promotions, 0);
}

TEST_F(TakeOver, SettlesByGuardThenByRole) {
    EXPECT_EQ(codeOf(settle("database.take-over", takeOverArguments())), "SWB-NOT-DONE");
    ASSERT_TRUE(guards.write(keyOf("main"), {"shop", 7, "primary", false, 1}));
    // Still in recovery although allowed: a promotion may be on its way, which is not "not done".
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        server("main").role = server("logs").role = "primary";
    });
    const auto settled = settle("database.take-over", takeOverArguments());
    later.join();
    ASSERT_TRUE(settled) << describe(settled.error());
    EXPECT_EQ(server("main").promotions, 0) << "settling promotes nothing";
}

TEST_F(TakeOver, RejoinFreesTheGuardLast) {
    Json arguments = takeOverArguments();
    for (auto& element : arguments.as_object()["databases"].as_array()) {
        element.as_object()["peer"] = JsonObject{{"application", "shop-nyc"}, {"host", "127.0.0.2"}, {"port", 5432}};
        element.as_object()["slot"] = "swb_shop_fra";
    }
    arguments.as_object()["application"] = "shop-fra";
    EXPECT_EQ(codeOf(settle("database.rejoin", arguments)), "SWB-NOT-DONE");
    ASSERT_TRUE(run("database.rejoin", arguments));
    EXPECT_EQ(role("main"), "replica");
    EXPECT_TRUE(settle("database.rejoin", arguments));
}

TEST_F(TakeOver, SeedNeedsTheWord) {
    Json arguments =
        JsonObject{{"database", databaseJson("main")},
                   {"application", "shop-fra"},
                   {"peer", JsonObject{{"application", "shop-nyc"}, {"host", "127.0.0.2"}, {"port", 5432}}},
                   {"slot", "swb_shop_nyc"},
                   {"consent", "replace:shop-fra/logs"}};
    EXPECT_EQ(codeOf(run("database.seed", arguments)), "SWB-CONSENT-REQUIRED");
    arguments.as_object()["consent"] = "replace:shop-fra/main";
    // What only this server has goes only when that was accepted too.
    ScriptedServer& one = server("main");
    one.role = "primary";
    one.onlyHere = JsonObject{{"commits", 2}, {"sentence", "2 commits since 0/3000000"}};
    EXPECT_EQ(codeOf(run("database.seed", arguments)), "SWB-CONSENT-REQUIRED");
    EXPECT_EQ(one.role, "primary");
    arguments.as_object()["acceptDataLoss"] = true;
    ASSERT_TRUE(run("database.seed", arguments));
    arguments.as_object()["acceptDataLoss"] = false;
    one.onlyHere = JsonObject{{"commits", 0}, {"sentence", "0 commits since 0/3000000"}};
    ASSERT_TRUE(run("database.seed", arguments));
    EXPECT_EQ(role("main"), "replica");
    EXPECT_TRUE(settle("database.seed", arguments));
}

TEST_F(TakeOver, AStandalonePromotionThatIsRefusedLeavesTheGuard) {
    const Json arguments = JsonObject{{"database", databaseJson("main")}, {"allowLagging", false}};
    EXPECT_EQ(codeOf(settle("database.promote-standalone", arguments)), "SWB-NOT-DONE");
    server("main").promoteError = Error(ErrorCode::ReplicaNotReady, "lags");
    EXPECT_EQ(codeOf(run("database.promote-standalone", arguments)), "SWB-REPLICA-NOT-READY");
    EXPECT_EQ(role("main"), "replica");
    server("main").promoteError.reset();
    ASSERT_TRUE(run("database.promote-standalone", arguments));
    EXPECT_EQ(role("main"), "primary");
}

}  // namespace
}  // namespace swb::agent
