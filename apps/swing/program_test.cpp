// How commands end, what they refuse, and where their input comes from.
#include "swing/program_test_support.h"

namespace swb::swing::test {
namespace {

using testing::HasSubstr;

TEST_F(SwingTest, NamesAreEncodedIntoPaths) {
    swing({"group", "show", "a b?limit=1&x=%41#\u00fc"});
    EXPECT_EQ(controller.last("GET").target, "/v1/groups/a%20b%3Flimit%3D1%26x%3D%2541%23%C3%BC");
    EXPECT_EQ(swing({"group", "show", "../runs"}).exitCode, 2) << "no way out of the path";
    EXPECT_EQ(controller.seen().size(), 1u);
}

TEST_F(SwingTest, JsonIsTheObjectItself) {
    controller.on("GET /v1/groups/shop", wrapped("group", JsonObject{{"name", "shop"}, {"epoch", 3}}));
    controller.on("GET /v1/runs/r-1", wrapped("run", runDocument("done")));
    EXPECT_EQ(integerAt(swing({"group", "show", "shop", "--json"}).document(), "epoch"), 3);
    EXPECT_EQ(textAt(swing({"--json", "run", "show", "r-1"}).document(), "state"), "done");
}

TEST_F(SwingTest, ErrorsOfTheControllerKeepCodeSentenceHintAndClass) {
    const std::pair<ErrorCode, int> expected[] = {{ErrorCode::InvalidInput, 2},    {ErrorCode::NotFound, 1},
                                                  {ErrorCode::Unauthenticated, 1}, {ErrorCode::Forbidden, 1},
                                                  {ErrorCode::GroupBusy, 3},       {ErrorCode::NotReady, 3},
                                                  {ErrorCode::AgentMissing, 1},    {ErrorCode::StorageFailed, 1},
                                                  {ErrorCode::OutcomeUnknown, 4},  {ErrorCode::Bug, 1}};
    for (const auto& [code, exit] : expected) {
        ScriptedController failing;
        failing.onError("POST /v1/groups/shop/switch", Error(code, "the sentence", "the hint"));
        auto environment = this->environment();
        environment["SWING_URL"] = failing.url();
        const Outcome outcome = swingWith(environment, {"group", "switch", "shop", "--json"});
        EXPECT_EQ(outcome.exitCode, exit) << codeName(code);
        EXPECT_EQ(outcome.err, "swing: " + std::string(codeName(code)) + ": the sentence\n       hint: the hint\n");
        const Json document = outcome.document();
        EXPECT_EQ(toText(document), toText(wrapped("error", errorToJson(Error(code, "the sentence", "the hint")))));
        const Outcome plain = swingWith(environment, {"group", "switch", "shop"});
        EXPECT_EQ(plain.exitCode, exit);
        EXPECT_EQ(plain.out, "");
    }
}

TEST_F(SwingTest, CodesOfANewerControllerAreShown) {
    controller.on("GET /v1/status", parseJson(R"({"error":{"code":"SWB-BRAND-NEW","message":"m","hint":"h"}})").value(),
                  409);
    const Outcome outcome = swing({"status"});
    EXPECT_EQ(outcome.exitCode, 3);
    EXPECT_THAT(outcome.err, HasSubstr("SWB-BRAND-NEW: m"));
}

TEST_F(SwingTest, WhatIsNotTheApiIsNamed) {
    net::HttpResponse page;
    page.status = 502;
    page.contentType = "text/html";
    page.body = "<h1>Bad gateway</h1>";
    controller.onResponse("GET /v1/status", page);
    const Outcome outcome = swing({"status"});
    EXPECT_EQ(outcome.exitCode, 1);
    EXPECT_THAT(outcome.err, HasSubstr("SWB-PROTOCOL-VIOLATION"));
    EXPECT_THAT(outcome.err, HasSubstr("check --url"));
    page.status = 200;
    controller.onResponse("GET /v1/sites", page);
    EXPECT_THAT(swing({"site", "list"}).err, HasSubstr("SWB-PROTOCOL-VIOLATION"));
}

TEST_F(SwingTest, UsageErrors) {
    const std::vector<std::string> wrong[] = {{},
                                              {"frobnicate"},
                                              {"group"},
                                              {"group", "switch"},
                                              {"group", "switch", "shop", "--emergency"},
                                              {"group", "switch", "shop", "extra"},
                                              {"group", "create", "shop", "--primary", "a", "--ttl", "soon"},
                                              {"run", "skip", "r-1"},
                                              {"run", "list", "--limit", "0"},
                                              {"app", "secret", "set", "shop", "KEY", "the-value"},
                                              {"group", "switch", "shop", "--wait", "--wait", "--no-wait"},
                                              {"group", "update", "shop"}};
    for (std::vector<std::string> arguments : wrong) {
        SCOPED_TRACE(testing::PrintToString(arguments));
        controller.on("POST /v1/groups/shop/switch", wrapped("run", runDocument("running")));
        EXPECT_EQ(swing(arguments).exitCode, 2);
        arguments.push_back("--json");
        const Outcome json = swing(arguments);
        EXPECT_EQ(json.exitCode, 2);
        EXPECT_EQ(textAt(*memberAt(json.document(), "error"), "code"), "SWB-INVALID-INPUT");
        EXPECT_THAT(json.err, HasSubstr("hint: "));
    }
    EXPECT_THAT(swing({"frobnicate"}).err, HasSubstr("no command `frobnicate`"));
    EXPECT_THAT(swing({"group", "switch"}).err, HasSubstr("see swing group switch --help"));
}

TEST_F(SwingTest, HelpAndVersion) {
    EXPECT_THAT(swing({"--version"}).out, testing::StartsWith("swing "));
    const Outcome help = swing({"group", "switch", "--help"});
    EXPECT_EQ(help.exitCode, 0);
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  swing group switch shop\n"));
    EXPECT_THAT(swing({"--help"}).out, HasSubstr("Exit codes"));
}

TEST_F(SwingTest, SecretsComeFromStdinOrAFileNeverFromArguments) {
    controller.on("PUT /v1/applications/shop-fra/secrets/KEY", wrapped("run", nullptr));
    EXPECT_EQ(swing({"app", "secret", "set", "shop-fra", "KEY"}, "pass word\n").exitCode, 0);
    EXPECT_EQ(controller.last("PUT").body, R"({"value":"pass word"})");
    const std::string file = directory.file("key", "two\nlines\n");
    EXPECT_EQ(swing({"app", "secret", "set", "shop-fra", "KEY", "--from-file", file}).exitCode, 0);
    EXPECT_EQ(controller.last("PUT").body, R"({"value":"two\nlines"})");

    EXPECT_EQ(swing({"app", "secret", "set", "shop-fra", "KEY"}, "\n").exitCode, 2) << "empty";
    EXPECT_EQ(swing({"app", "secret", "set", "shop-fra", "KEY"}, std::string("a\0b", 3)).exitCode, 2) << "NUL";
    const Outcome large = swing({"app", "secret", "set", "shop-fra", "KEY"}, std::string(9 << 10, 'x'));
    EXPECT_EQ(large.exitCode, 2);
    EXPECT_THAT(large.err, HasSubstr("SWB-TOO-LARGE"));
    EXPECT_EQ(controller.seen().size(), 2u) << "what is wrong is never sent";
}

TEST_F(SwingTest, StdinHasOneUse) {
    auto environment = this->environment();
    environment.erase("SWING_TOKEN");
    controller.on("GET /v1/sites", JsonObject{{"sites", JsonArray{}}});
    EXPECT_EQ(swingWith(environment, {"site", "list", "--token", "-"}, "from-stdin\n").exitCode, 0);
    EXPECT_EQ(controller.last("GET").token, "Bearer from-stdin");
    const Outcome both = swingWith(environment, {"app", "secret", "set", "a", "K", "--token", "-"}, "from-stdin\n");
    EXPECT_EQ(both.exitCode, 2);
    EXPECT_THAT(both.err, HasSubstr("stdin already carries the token"));
}

TEST_F(SwingTest, DefinitionsAreSentAsTheyAre) {
    const std::string yaml = "application: shop-fra\nsite: fra\n";
    const std::string file = directory.file("shop.yaml", yaml), json = directory.file("shop.json", "{}");
    controller.on("PUT /v1/applications",
                  JsonObject{{"application", JsonObject{{"application", "shop-fra"}}},
                             {"run", runDocument("planned", {stepDocument("render", "pending")})}});
    const Outcome dry = swing({"app", "apply", file, "--dry-run"});
    EXPECT_EQ(dry.exitCode, 0) << dry.err;
    EXPECT_EQ(controller.last("PUT").target, "/v1/applications?dryRun=true");
    EXPECT_EQ(controller.last("PUT").body, yaml);
    EXPECT_EQ(controller.last("PUT").contentType, "application/yaml");
    EXPECT_THAT(dry.out, HasSubstr("nothing was changed"));
    EXPECT_THAT(dry.out, HasSubstr(" 1. title of render"));

    swing({"app", "apply", json, "--no-wait"});
    EXPECT_EQ(controller.last("PUT").contentType, "application/json");
    EXPECT_EQ(controller.last("PUT").target, "/v1/applications");
    swing({"app", "apply", "-", "--no-wait"}, "site: x\n");
    EXPECT_EQ(controller.last("PUT").body, "site: x\n");
    EXPECT_EQ(swing({"app", "apply", "/nowhere.yaml"}).exitCode, 1);

    ScriptedController strict;
    strict.onError("PUT /v1/applications", Error(ErrorCode::InvalidDefinition, "web (line 3, column 1): unknown key"));
    auto environment = this->environment();
    environment["SWING_URL"] = strict.url();
    const Outcome refused = swingWith(environment, {"app", "apply", file});
    EXPECT_EQ(refused.exitCode, 2);
    EXPECT_THAT(refused.err, HasSubstr(file + ": web (line 3, column 1)"));
}

TEST_F(SwingTest, ARefusedCheckIsExitThree) {
    controller.on("POST /v1/groups/shop/check", wrapped("ready", parseJson(R"({"verdict":"refused","checks":[
        {"name":"lag","subject":"shop-nyc/main","verdict":"refused","sentence":"1 GiB behind","hint":"wait for it"}]})")
                                                                     .value()));
    const Outcome outcome = swing({"group", "check", "shop"});
    EXPECT_EQ(outcome.exitCode, 3);
    EXPECT_THAT(outcome.out, HasSubstr("1 GiB behind"));
    EXPECT_THAT(outcome.out, HasSubstr("hint: wait for it"));
    EXPECT_THAT(outcome.err, HasSubstr("SWB-NOT-READY"));
    const Outcome json = swing({"group", "check", "shop", "--json"});
    EXPECT_EQ(json.exitCode, 3);
    EXPECT_EQ(textAt(json.document(), "verdict"), "refused");
}

TEST_F(SwingTest, DryRunShowsThePlanWithItsCommands) {
    JsonObject step = stepDocument("fence", "pending");
    step["commands"] =
        JsonArray{JsonObject{{"server", "fra-1"}, {"verb", "database.fence"}, {"args", JsonObject{{"epoch", 8}}}}};
    controller.on("POST /v1/groups/shop/switch",
                  wrapped("run", runDocument("planned", {step, stepDocument("promote", "pending")})));
    const Outcome outcome = swing({"group", "switch", "shop", "--dry-run", "--wait"});
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_EQ(controller.last("POST").body, R"({"dryRun":true})");
    EXPECT_THAT(outcome.out, HasSubstr("fra-1: database.fence {\"epoch\":8}"));
    EXPECT_THAT(outcome.out, HasSubstr("[point of no return]"));
    EXPECT_EQ(controller.seen().size(), 1u) << "nothing is waited for";
}

TEST_F(SwingTest, TheNewestEventsAreFoundFromTheLatest) {
    controller.on("GET /v1/events", JsonObject{{"events", JsonArray{}}, {"latest", 100}});
    EXPECT_EQ(swing({"event", "tail"}).exitCode, 0);
    EXPECT_EQ(controller.seen().at(1).target, "/v1/events?after=80&limit=20");
}

}  // namespace
}  // namespace swb::swing::test
