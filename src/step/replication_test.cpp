// What the steps of replication send: to the other site's server and to replicas inside an application.
#include "model/copy.h"
#include "step/step_test_support.h"

namespace swb::step {
namespace {

using namespace test;

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

TEST(Steps, SlotsCarryTheNameOfTheReplicasApplication) {
    auto run = switchRun();
    EXPECT_EQ(textAt(act(run, "catch-up")[0].args, "slot"), "swb_shop_nyc");
    EXPECT_EQ(textAt(act(run, "reverse-link")[0].args, "slot"), "swb_shop_fra");
    EXPECT_EQ(textAt(act(run, "rejoin")[0].args.at("databases").at(0), "slot"), "swb_shop_fra");
    EXPECT_EQ(textAt(act(run, "rejoin")[0].args.at("databases").at(0).at("peer"), "host"), "198.51.100.1");
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
