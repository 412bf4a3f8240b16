// What each step of a planned run sends, how results flow from step to step, and what its verification refuses.
#include <gmock/gmock.h>

#include <set>

#include "model/copy.h"
#include "plan/snapshot_test_support.h"
#include "step/catalogue.h"

namespace swb::step {
namespace {

using namespace plan::test;
using run::CommandRecord;
using run::CommandSpec;
using run::CommandState;
using run::Run;
using run::Step;
using testing::ElementsAre;
using testing::HasSubstr;

const run::StepCatalogue& catalogue() {
    static const run::StepCatalogue made = makeCatalogue();
    return made;
}

Run switchRun() {
    auto run = plan::planSwitch(readySnapshot(), intent(), {}).value();
    for (Step& step : run.steps) step.attempts = 1;
    return run;
}

// Two databases on servers of their own at both sites.
Run wideRun() {
    plan::Snapshot snapshot = readySnapshot();
    addDatabase(*snapshot.from, "reports", "fra-2");
    addDatabase(*snapshot.to, "reports", "nyc-2");
    observe(snapshot);
    auto run = plan::planSwitch(snapshot, intent(), {}).value();
    for (Step& step : run.steps) step.attempts = 1;
    return run;
}

Step& stepOf(Run& run, std::string_view name) {
    for (Step& step : run.steps)
        if (step.name == name) return step;
    throw std::out_of_range(std::string(name));
}

std::vector<CommandSpec> act(Run& run, std::string_view name) {
    const Step& step = stepOf(run, name);
    return catalogue().at(step.kind).act(run, step);
}

std::vector<CommandSpec> undo(Run& run, std::string_view name) {
    const Step& step = stepOf(run, name);
    return catalogue().at(step.kind).undo(run, step);
}

Result<Json> verify(Run& run, std::string_view name) {
    const Step& step = stepOf(run, name);
    return catalogue().at(step.kind).verify(run, step);
}

std::vector<std::string> sent(const std::vector<CommandSpec>& commands) {
    std::vector<std::string> out;
    for (const CommandSpec& command : commands)
        out.push_back((command.server.empty() ? "controller" : command.server) + " " + command.verb);
    return out;
}

void finish(Run& run, std::string_view name, const std::string& key, Json result, int attempt = 1) {
    CommandRecord record;
    record.id = std::string(name) + "." + key + "." + std::to_string(attempt);
    record.key = record.server = key;
    record.attempt = attempt;
    record.state = CommandState::done;
    record.result = std::move(result);
    stepOf(run, name).commands.push_back(record);
}

Json token(const std::string& database, int64_t epoch = 5, const std::string& end = "0/3000148") {
    return JsonObject{{"database", database}, {"systemId", "7301"}, {"timeline", 3}, {"end", end}, {"epoch", epoch}};
}

Json fenced(const std::vector<Json>& tokens, int64_t epoch = 5, const std::string& role = "replica") {
    return JsonObject{{"tokens", JsonArray(tokens.begin(), tokens.end())},
                      {"guard", JsonObject{{"group", "shop"}, {"epoch", epoch}, {"role", role}}}};
}

Json promoted(const std::string& database, int64_t timeline = 4, const std::string& switchPoint = "0/3000148") {
    return JsonObject{
        {"databases", JsonArray{JsonObject{{"name", database}, {"timeline", timeline}, {"switchPoint", switchPoint}}}}};
}

TEST(Steps, ReplicasInsideAnApplicationAreConfiguredAndRemovedAtTheirServers) {
    plan::Snapshot snapshot = readySnapshot();
    std::swap(snapshot.from, snapshot.to);
    snapshot.former = snapshot.to;
    addReports(snapshot, *snapshot.former, "fra-3", "192.0.2.8");
    addReports(snapshot, *snapshot.to, "fra-2", "192.0.2.9");
    auto run = plan::planApply(snapshot, intent()).value();
    const auto commands = act(run, "configure-replicas");
    EXPECT_THAT(sent(commands), ElementsAre("fra-2 application.configure", "fra-3 application.remove"));
    EXPECT_EQ(textAt(commands[0].args, "application"), "shop-fra.reports");
    EXPECT_FALSE(memberAt(commands[0].args, "secretsOf")) << "a database has no use for the application's secrets";
    EXPECT_EQ(textAt(*memberAt(*memberAt(commands[0].args, "databases"), "main"), "address"), "192.0.2.9:5432");
    EXPECT_THAT(sent(act(run, "configure")), ElementsAre("fra-1 application.configure"));
    EXPECT_EQ(textAt(act(run, "configure")[0].args, "variablesOf"), "shop-fra");
}

TEST(Steps, AReplicaInsideIsSeededLikeAnyOtherAndItsApplicationIsTold) {
    plan::Snapshot snapshot = readySnapshot();
    addReports(snapshot, *snapshot.from, "fra-2", "192.0.2.9");
    snapshot.links.pop_back();
    snapshot.owner = snapshot.from;
    snapshot.to = copyOf(*snapshot.from, "shop-fra.reports");
    snapshot.group = {};
    snapshot.followers = {shopAt("sgp", "203.0.113")};
    auto run = plan::planReplication(snapshot, {"main"}, false, {"replace:shop-fra.reports/main"}, intent()).value();
    const auto seed = act(run, "seed");
    EXPECT_THAT(sent(seed), ElementsAre("fra-2 database.seed"));
    EXPECT_EQ(textAt(seed[0].args, "slot"), Link::slotFor("shop-fra.reports"));
    EXPECT_EQ(textAt(seed[0].args, "consent"), "replace:shop-fra.reports/main");
    const auto followers = act(run, "prepare-followers");
    EXPECT_THAT(sent(followers), ElementsAre("fra-2 database.prepare-source"));
    EXPECT_EQ(textAt(followers[0].args, "slot"), Link::slotFor("shop-sgp"));
    const auto told = act(run, "environment");
    EXPECT_THAT(sent(told), ElementsAre("fra-1 application.refresh"));
    EXPECT_EQ(textAt(told[0].args, "variablesOf"), "shop-fra");
}

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

TEST(Steps, SlotsCarryTheNameOfTheReplicasApplication) {
    auto run = switchRun();
    EXPECT_EQ(textAt(act(run, "catch-up")[0].args, "slot"), "swb_shop_nyc");
    EXPECT_EQ(textAt(act(run, "reverse-link")[0].args, "slot"), "swb_shop_fra");
    EXPECT_EQ(textAt(act(run, "rejoin")[0].args.at("databases").at(0), "slot"), "swb_shop_fra");
    EXPECT_EQ(textAt(act(run, "rejoin")[0].args.at("databases").at(0).at("peer"), "host"), "198.51.100.1");
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
    EXPECT_EQ(on.deadlineMs, 5000 + 2000) << "five seconds and the worker's stop_ms";
    EXPECT_TRUE(booleanAt(on.args, "stopWriters"));
    EXPECT_EQ(on.args.at("web").as_array().size(), 1u);
}

TEST(Certificates, TheControllerNamesTheHostsNotTheRequests) {
    auto run =
        plan::planReplication(unlinkedSnapshot(), {"main"}, false, {plan::consentWord("shop-nyc", "main")}, intent())
            .value();
    for (Step& step : run.steps) step.attempts = 1;
    finish(run, "request-certificates", "main@shop-fra",
           JsonObject{{"serverRequest", "S1"}, {"clientRequest", "C1"}, {"host", "evil.example"}});
    finish(run, "request-certificates", "main@shop-nyc", JsonObject{{"serverRequest", "S2"}, {"clientRequest", "C2"}});
    const Json requests = act(run, "sign-certificates").at(0).args.at("requests");
    EXPECT_EQ(textAt(requests.at(0), "host"), "192.0.2.1");
    EXPECT_EQ(textAt(requests.at(0), "serverRequest"), "S1");
    EXPECT_EQ(textAt(requests.at(1), "clientRequest"), "C2");
    finish(run, "sign-certificates", "controller",
           JsonObject{{"authority", "CA"},
                      {"certificates",
                       JsonArray{JsonObject{
                           {"key", "main@shop-nyc"}, {"serverCertificate", "X2"}, {"clientCertificate", "Y2"}}}}});
    for (const CommandSpec& command : act(run, "install-certificates")) {
        EXPECT_EQ(textAt(command.args, "authority"), "CA");
        EXPECT_EQ(textAt(command.args, "serverCertificate"), command.key == "main@shop-nyc" ? "X2" : "");
    }
}

TEST(Certificates, AVerifierGoesToTheOtherSide) {
    auto run =
        plan::planReplication(unlinkedSnapshot(), {"main"}, false, {plan::consentWord("shop-nyc", "main")}, intent())
            .value();
    for (Step& step : run.steps) step.attempts = 1;
    EXPECT_EQ(textAt(act(run, "prepare-source").at(0).args.at("peer"), "verifier"), "");
    finish(run, "request-certificates", "main@shop-fra", JsonObject{{"verifier", "of-fra"}});
    finish(run, "request-certificates", "main@shop-nyc", JsonObject{{"verifier", "of-nyc"}});
    EXPECT_EQ(textAt(act(run, "prepare-source").at(0).args.at("peer"), "verifier"), "of-nyc");
    EXPECT_EQ(textAt(act(run, "prepare-target").at(0).args.at("peer"), "verifier"), "of-fra");
}

TEST(Replication, TheOtherSiteReplicatesFromWhereTheDefinitionSays) {
    plan::Snapshot snapshot = unlinkedSnapshot();
    snapshot.from->databases.at("main").replication = HostPort{"192.0.2.9", 6380};
    auto run =
        plan::planReplication(snapshot, {"main"}, false, {plan::consentWord("shop-nyc", "main")}, intent()).value();
    for (Step& step : run.steps) step.attempts = 1;
    const Json peer = act(run, "seed").at(0).args.at("peer");
    EXPECT_EQ(textAt(peer, "host"), "192.0.2.9");
    EXPECT_EQ(integerAt(peer, "port"), 6380);
}

TEST(Replication, WhatOnlyTheTargetHadIsTheRunsLoss) {
    auto run = plan::planReplication(unlinkedSnapshot(), {"main"}, true, {plan::consentWord("shop-nyc", "main")},
                                     intent(), plan::Loss::accepted)
                   .value();
    for (Step& step : run.steps) step.attempts = 1;
    EXPECT_TRUE(booleanAt(act(run, "seed").at(0).args, "acceptDataLoss"));
    const Json saved = JsonObject{{"commits", 3}, {"sentence", "3 commits since 0/3000000"}};
    finish(run, "seed", "main@shop-nyc", JsonObject{{"rewound", true}, {"saved", saved}});
    const auto verified = verify(run, "seed");
    ASSERT_TRUE(verified);
    EXPECT_EQ(textAt(*verified, "detail"), "main@shop-nyc rewound; it alone had 3 commits since 0/3000000");
    ASSERT_EQ(memberAt(*verified, "lost")->as_array().size(), 1u);
    EXPECT_EQ(textAt(memberAt(*verified, "lost")->as_array()[0], "database"), "main@shop-nyc");
}

TEST(Replication, TheSeedCarriesTheConsentAndPreparationIsTakenBack) {
    auto run =
        plan::planReplication(unlinkedSnapshot(), {"main"}, false, {plan::consentWord("shop-nyc", "main")}, intent())
            .value();
    EXPECT_EQ(textAt(act(run, "seed").at(0).args, "consent"), "replace:shop-nyc/main");
    EXPECT_EQ(act(run, "seed").at(0).server, "nyc-1");
    EXPECT_FALSE(booleanAt(act(run, "seed").at(0).args, "acceptDataLoss", true));
    EXPECT_THAT(sent(undo(run, "prepare-source")), ElementsAre("fra-1 database.release-source"));
    EXPECT_EQ(undo(run, "prepare-source")[0].args.at("slots"), (Json(JsonArray{"swb_shop_nyc"})));
    EXPECT_THAT(sent(act(run, "test-source")), ElementsAre("nyc-1 database.test-source"));
    EXPECT_THAT(sent(act(run, "test-reverse")), ElementsAre("fra-1 database.test-source"));
    EXPECT_THAT(sent(undo(run, "link")), ElementsAre("controller controller.unlink"));
}

}  // namespace
}  // namespace swb::step
