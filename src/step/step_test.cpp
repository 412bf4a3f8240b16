// What each step of a switch sends, how results flow from step to step, and what its verification refuses.
#include <set>

#include "step/step_test_support.h"

namespace swb::step {
namespace {

using namespace test;

TEST(Steps, EveryKindOfEveryPlanIsInTheCatalogueAndSendsListedVerbs) {
    std::set<std::string> known;
    for (const std::string& verb : agentVerbs()) known.insert(verb);
    for (const std::string& verb : controllerVerbs()) known.insert(verb);
    plan::Snapshot alone = readySnapshot();
    alone.groups.clear();
    plan::Snapshot primary = readySnapshot();
    primary.databases["shop-nyc/main"] = primaryFacts("shop-fra");
    plan::Snapshot removable = alone;
    removable.links.clear();
    const Result<run::Run> plans[] = {
        plan::planSwitch(readySnapshot(), intent(), {}),
        plan::planTraffic(primary, intent()),
        plan::planReplication(unlinkedSnapshot(), {"main"}, false, {plan::consentWord("shop-nyc", "main")}, intent()),
        plan::planDisable(readySnapshot(), {"main"}, intent()),
        plan::planPromotion(alone, "main", plan::Loss::refused, intent()),
        plan::planApply(readySnapshot(), intent()),
        plan::planMaintenance(readySnapshot(), true, intent()),
        plan::planMaintenance(primary, false, intent()),
        plan::planRemoval(removable, intent())};
    for (const auto& planned : plans) {
        ASSERT_TRUE(planned.has_value()) << describe(planned.error());
        for (const Step& step : planned->steps) {
            ASSERT_TRUE(catalogue().has(step.kind)) << step.kind;
            const run::StepKind& kind = catalogue().at(step.kind);
            auto commands = kind.act(*planned, step);
            for (CommandSpec& command : kind.undo(*planned, step)) commands.push_back(std::move(command));
            for (const CommandSpec& command : commands) {
                EXPECT_THAT(known, testing::Contains(command.verb)) << step.name;
                EXPECT_EQ(command.server.empty(), command.verb.starts_with("controller.")) << command.verb;
                EXPECT_GT(command.deadlineMs, 0) << command.verb;
                EXPECT_TRUE(command.args.is_object()) << command.verb;
            }
        }
    }
}

TEST(Steps, CommandsOfAStepHaveKeysOfTheirOwn) {
    auto run = wideRun();
    for (const Step& step : run.steps)
        for (const auto& commands : {act(run, step.name), undo(run, step.name)}) {
            std::set<std::string> keys;
            for (const CommandSpec& command : commands)
                EXPECT_TRUE(keys.insert(command.key).second) << step.name << command.key;
        }
}

TEST(Steps, ASwitchSendsThisToThese) {
    auto run = switchRun();
    EXPECT_THAT(sent(act(run, "lock")), ElementsAre("controller controller.lock"));
    EXPECT_THAT(sent(act(run, "catch-up")),
                ElementsAre("fra-1 database.prepare-switch", "nyc-1 database.prepare-switch"));
    EXPECT_THAT(sent(act(run, "maintenance-on")), ElementsAre("fra-1 maintenance.on"));
    EXPECT_THAT(sent(act(run, "fence")), ElementsAre("fra-1 database.fence"));
    EXPECT_THAT(sent(act(run, "boot-guard")), ElementsAre());
    EXPECT_THAT(sent(act(run, "promote")), ElementsAre("nyc-1 database.take-over"));
    EXPECT_THAT(sent(act(run, "activate")), ElementsAre("nyc-1 application.activate"));
    EXPECT_THAT(sent(act(run, "maintenance-off")), ElementsAre("nyc-1 maintenance.off"));
    EXPECT_THAT(sent(act(run, "publish-address")), ElementsAre("controller controller.publish"));
    EXPECT_THAT(sent(act(run, "reverse-link")), ElementsAre("nyc-1 database.prepare-source"));
    EXPECT_THAT(sent(act(run, "rejoin")), ElementsAre("fra-1 database.rejoin"));
    EXPECT_THAT(sent(act(run, "settle")),
                ElementsAre("fra-1 database.end-switch", "nyc-1 database.end-switch", "fra-1 application.deactivate"));
    EXPECT_THAT(sent(act(run, "report")), ElementsAre("controller controller.report"));
}

TEST(Steps, EveryStepBeforePromotionThatChangesAServerIsUndone) {
    auto run = switchRun();
    EXPECT_THAT(sent(undo(run, "catch-up")), ElementsAre("fra-1 database.end-switch", "nyc-1 database.end-switch"));
    EXPECT_THAT(sent(undo(run, "maintenance-on")), ElementsAre("fra-1 maintenance.off"));
    EXPECT_THAT(sent(undo(run, "fence")), ElementsAre("fra-1 database.unfence"));
    EXPECT_EQ(textAt(undo(run, "fence")[0].args.at("guard"), "role"), "primary");
    for (const char* forwardOnly :
         {"promote", "activate", "publish-address", "reverse-link", "rejoin", "settle", "report"})
        EXPECT_THAT(undo(run, forwardOnly), testing::IsEmpty()) << forwardOnly;
}

TEST(Steps, FenceNamesTheGuardOfTheNextEpochAndKeepsTheBudget) {
    auto run = switchRun();
    const CommandSpec fence = act(run, "fence").at(0);
    const Json guard = JsonObject{{"group", "shop"}, {"epoch", 5}, {"role", "replica"}};
    EXPECT_EQ(fence.args.at("guard"), guard);
    EXPECT_EQ(fence.deadlineMs, run.outageBudgetMs);
    EXPECT_EQ(textAt(fence.args.at("databases").at(0), "name"), "main");
}

TEST(Tokens, FlowFromTheFenceToTheTakeOverAndTheRejoin) {
    auto run = wideRun();
    finish(run, "fence", "fra-1", fenced({token("main", 5, "0/1000")}));
    finish(run, "fence", "fra-2", fenced({token("reports", 5, "0/2000")}));
    for (const char* step : {"await-token", "promote"}) {
        const auto commands = act(run, step);
        ASSERT_EQ(commands.size(), 2u);
        EXPECT_EQ(commands[0].server, "nyc-1");
        EXPECT_EQ(textAt(commands[0].args.at("databases").at(0).at("token"), "end"), "0/1000");
        EXPECT_EQ(commands[1].server, "nyc-2");
        EXPECT_EQ(textAt(commands[1].args.at("databases").at(0).at("token"), "end"), "0/2000");
        EXPECT_EQ(integerAt(commands[0].args, "epoch"), 5);
    }
    EXPECT_EQ(textAt(act(run, "await-token")[0].args, "mode"), "await");
    EXPECT_EQ(textAt(act(run, "promote")[0].args, "mode"), "promote");
    for (const CommandSpec& command : act(run, "rejoin"))
        EXPECT_FALSE(textAt(command.args.at("databases").at(0).at("token"), "end").empty());
}

TEST(Tokens, TheNewestFenceCounts) {
    auto run = switchRun();
    finish(run, "fence", "fra-1", fenced({token("main", 5, "0/1000")}), 1);
    finish(run, "fence", "fra-1", fenced({token("main", 5, "0/2000")}), 2);
    stepOf(run, "fence").attempts = 2;
    EXPECT_EQ(textAt(act(run, "promote")[0].args.at("databases").at(0).at("token"), "end"), "0/2000");
    // What an undo answered is no token.
    finish(run, "fence", "fra-1", fenced({token("main", 5, "0/9999")}), 3);
    stepOf(run, "fence").commands.back().undo = true;
    EXPECT_EQ(textAt(act(run, "promote")[0].args.at("databases").at(0).at("token"), "end"), "0/2000");
}

TEST(Tokens, AFenceWithoutThemIsNotVerified) {
    auto run = switchRun();
    EXPECT_EQ(verify(run, "fence").error().code, ErrorCode::VerificationFailed);
    finish(run, "fence", "fra-1", fenced({token("other")}));
    EXPECT_EQ(verify(run, "fence").error().code, ErrorCode::VerificationFailed);
    stepOf(run, "fence").commands.clear();
    finish(run, "fence", "fra-1", fenced({token("main", 5, "")}));
    EXPECT_EQ(verify(run, "fence").error().code, ErrorCode::VerificationFailed);
    stepOf(run, "fence").commands.clear();
    finish(run, "fence", "fra-1", fenced({token("main", 4)}));
    EXPECT_THAT(verify(run, "fence").error().message, HasSubstr("another epoch"));
    stepOf(run, "fence").commands.clear();
    finish(run, "fence", "fra-1", fenced({token("main")}));
    const auto verified = verify(run, "fence");
    ASSERT_TRUE(verified.has_value());
    EXPECT_EQ(textAt(*verified, "detail"), "main ends at 0/3000148");
}

TEST(Tokens, OneDatabaseWithoutATokenStopsAll) {
    auto run = wideRun();
    finish(run, "fence", "fra-1", fenced({token("main")}));
    EXPECT_THAT(verify(run, "fence").error().message, HasSubstr("reports"));
}

TEST(BootGuard, MustHaveBeenReadBackAtTheEpochAsReplica) {
    auto run = switchRun();
    const auto guardAfter = [&](Json result) {
        stepOf(run, "fence").commands.clear();
        finish(run, "fence", "fra-1", std::move(result));
        return verify(run, "boot-guard");
    };
    EXPECT_TRUE(guardAfter(fenced({token("main")})).has_value());
    EXPECT_FALSE(guardAfter(fenced({token("main")}, 4)).has_value());
    EXPECT_FALSE(guardAfter(fenced({token("main")}, 5, "primary")).has_value());
    EXPECT_FALSE(guardAfter(JsonObject{{"tokens", JsonArray{token("main")}}}).has_value());
}

TEST(TakeOver, IsVerifiedOnlyExactlyAtTheToken) {
    auto run = switchRun();
    finish(run, "fence", "fra-1", fenced({token("main")}));
    const auto after = [&](Json result) {
        stepOf(run, "promote").commands.clear();
        finish(run, "promote", "nyc-1", std::move(result));
        return verify(run, "promote");
    };
    EXPECT_THAT(textAt(*after(promoted("main")), "detail"), HasSubstr("main from 0/3000148 on timeline 4"));
    EXPECT_EQ(after(promoted("main", 4, "0/3000147")).error().code, ErrorCode::VerificationFailed);
    EXPECT_EQ(after(promoted("main", 5)).error().code, ErrorCode::VerificationFailed);
    EXPECT_EQ(after(promoted("main", 3)).error().code, ErrorCode::VerificationFailed);
    EXPECT_EQ(after(promoted("other")).error().code, ErrorCode::VerificationFailed);
    EXPECT_EQ(after(JsonObject{}).error().code, ErrorCode::VerificationFailed);
}

TEST(TakeOver, AnEngineWithoutTimelinesIsHeldToItsPosition) {
    auto run = switchRun();
    const Json gtid = JsonObject{{"database", "main"}, {"engine", "mariadb"}, {"end", "0-1-42"}, {"epoch", 5}};
    finish(run, "fence", "fra-1", fenced({gtid}));
    const auto after = [&](const std::string& switchPoint) {
        stepOf(run, "promote").commands.clear();
        finish(run, "promote", "nyc-1",
               JsonObject{{"databases", JsonArray{JsonObject{{"name", "main"}, {"switchPoint", switchPoint}}}}});
        return verify(run, "promote");
    };
    EXPECT_EQ(textAt(*after("0-1-42"), "detail"), "main from 0-1-42");
    EXPECT_EQ(after("0-1-43").error().code, ErrorCode::VerificationFailed);
    EXPECT_EQ(after("").error().code, ErrorCode::VerificationFailed);
}

TEST(TakeOver, EveryDatabaseMustBeReported) {
    auto run = wideRun();
    finish(run, "fence", "fra-1", fenced({token("main")}));
    finish(run, "fence", "fra-2", fenced({token("reports")}));
    finish(run, "promote", "nyc-1", promoted("main"));
    EXPECT_FALSE(verify(run, "promote").has_value()) << "reports was promoted by nobody";
    finish(run, "promote", "nyc-2", promoted("reports"));
    EXPECT_TRUE(verify(run, "promote").has_value());
}

TEST(TakeOver, WaitsNoLongerThanTheBudgetLeaves) {
    auto run = switchRun();
    run.outageBudgetMs = 10'000;
    run.heldAt = 1'000'000;
    stepOf(run, "promote").startedAt = 1'004'000;
    EXPECT_EQ(integerAt(act(run, "promote")[0].args, "awaitMs"), 5'800);
    stepOf(run, "promote").startedAt = 1'020'000;
    EXPECT_EQ(integerAt(act(run, "promote")[0].args, "awaitMs"), 100) << "late, but never endless";
}

TEST(Activate, RefusesAnUnhealthyProcess) {
    auto run = switchRun();
    const auto after = [&](bool healthy) {
        stepOf(run, "activate").commands.clear();
        finish(run, "activate", "nyc-1",
               JsonObject{{"processes", JsonArray{JsonObject{{"name", "web"}, {"healthy", healthy}}}}});
        return verify(run, "activate");
    };
    EXPECT_TRUE(after(true).has_value());
    EXPECT_THAT(after(false).error().message, HasSubstr("web"));
    const CommandSpec command = act(run, "activate").at(0);
    EXPECT_EQ(textAt(command.args, "failoverStatus"), "online");
    EXPECT_EQ(textAt(command.args.at("databases").as_array().at(0), "name"), "main");
    EXPECT_EQ(textAt(command.args.at("variables"), "POSTGRESQL_ADDRESS"), "198.51.100.1:5432");
}

TEST(Maintenance, GivesWritersTheTimeTheyMayTake) {
    auto run = switchRun();
    const CommandSpec on = act(run, "maintenance-on").at(0);
    EXPECT_EQ(on.deadlineMs, 5000 + 500 + 2000) << "five seconds, requests in flight and the worker's stop_ms";
    EXPECT_TRUE(booleanAt(on.args, "stopWriters"));
    EXPECT_EQ(on.args.at("web").as_array().size(), 1u);
}

TEST(Maintenance, RequestsInFlightHaveAQuarterOfTheOutageBudgetAtMost) {
    auto run = switchRun();
    EXPECT_EQ(integerAt(act(run, "maintenance-on").at(0).args, "drainMs"), 500);
    run.outageBudgetMs = 1000;
    EXPECT_EQ(integerAt(act(run, "maintenance-on").at(0).args, "drainMs"), 250);
}

TEST(Maintenance, SaysWhatBecameOfRequestsInFlight) {
    const auto sentence = [](JsonObject front) {
        auto run = switchRun();
        if (!front.contains("status")) front["status"] = 503;
        finish(run, "maintenance-on", "fra-1", JsonObject{{"fronts", JsonArray{front}}});
        return textAt(*verify(run, "maintenance-on"), "detail");
    };
    EXPECT_EQ(sentence({}), "1 web front answers 503");
    EXPECT_EQ(sentence({{"status", 0}}), "1 web front passes requests on, no answer yet");
    EXPECT_EQ(sentence({{"drainedMs", 0}, {"inFlight", false}}), "1 web front answers 503");
    EXPECT_EQ(sentence({{"drainedMs", 41}, {"inFlight", false}}),
              "1 web front answers 503; requests in flight were answered within 41 ms");
    EXPECT_EQ(sentence({{"drainedMs", 500}, {"inFlight", true}}),
              "1 web front answers 503; requests were still in flight after 500 ms");
}

}  // namespace
}  // namespace swb::step
