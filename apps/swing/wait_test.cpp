// Waiting for runs: pipes, terminals, time-outs, Ctrl-C, a controller that goes away.
#include "swing/program_test_support.h"

namespace swb::swing::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const Json tokenError = errorToJson(Error(ErrorCode::TokenNotReached, "the replica is 3 MB short", "see its log"));

class WaitTest : public SwingTest {
  protected:
    void startsRun() { controller.on("POST /v1/groups/shop/switch", wrapped("run", runDocument("planned")), 202); }
    void runIs(const Json& run) { controller.on("GET /v1/runs/r-1", wrapped("run", run)); }
    void goesWell() {
        startsRun();
        runIs(runDocument("running", {stepDocument("fence", "running"), stepDocument("promote", "pending")}));
        runIs(runDocument("running", {stepDocument("fence", "done", 21), stepDocument("promote", "running")}));
        runIs(runDocument("done", {stepDocument("fence", "done", 21), stepDocument("promote", "done", 44)},
                          {{"writeOutageMs", 87}, {"finishedAt", "2026-11-22T10:00:01.000Z"}}));
    }
};

TEST_F(WaitTest, ARunIsFollowedToItsEnd) {
    goesWell();
    const Outcome outcome = swing({"group", "switch", "shop", "--wait"});
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_EQ(outcome.err,
              "done    ✓ title of fence  21 ms\ndone    ✓ title of promote  44 ms  [point of no return]\n");
    EXPECT_THAT(outcome.out, HasSubstr("switch of shop: shop-fra → shop-nyc  done"));
    EXPECT_THAT(outcome.out, HasSubstr("87 ms (budget 10 s)"));
    EXPECT_THAT(outcome.out + outcome.err, Not(HasSubstr("\x1b")));
}

TEST_F(WaitTest, JsonIsTheFinishedRun) {
    goesWell();
    const Outcome outcome = swing({"group", "switch", "shop", "--wait", "--json"});
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_EQ(textAt(outcome.document(), "state"), "done");
    EXPECT_EQ(integerAt(outcome.document(), "writeOutageMs"), 87);
}

TEST_F(WaitTest, ASwitchIsWaitedForOnlyWhenAskedWithoutATerminal) {
    startsRun();
    const Outcome outcome = swing({"group", "switch", "shop"});
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_EQ(outcome.out, "r-1\n");
    EXPECT_THAT(outcome.err, HasSubstr("swing run watch r-1"));
}

TEST_F(WaitTest, OtherRunsAreWaitedForByDefault) {
    runIs(runDocument("done"));
    const Json started = wrapped("run", runDocument("running"));
    controller.on("POST /v1/applications/shop-fra/maintenance", started, 202);
    controller.on("POST /v1/replication", started, 202);
    controller.on("POST /v1/replication/disable", started, 202);
    controller.on("POST /v1/applications/shop-nyc/databases/main/promote", started, 202);
    controller.on("DELETE /v1/applications/shop-fra", started, 202);
    controller.on("PUT /v1/applications",
                  JsonObject{{"application", JsonObject{{"application", "shop-fra"}}}, {"run", runDocument("running")}},
                  202);
    const std::string file = directory.file("shop.yaml", "application: shop-fra\n");
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"maintenance", "on", "shop-fra"},
                                                      {"replication", "enable", "--from", "a", "--to", "b"},
                                                      {"replication", "disable", "--from", "a", "--to", "b"},
                                                      {"database", "promote", "shop-nyc", "main"},
                                                      {"app", "delete", "shop-fra"},
                                                      {"app", "apply", file}}) {
        const Outcome outcome = swing(arguments);
        EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
        EXPECT_THAT(outcome.out, HasSubstr("done")) << testing::PrintToString(arguments);
    }
    const Json applied = swing({"app", "apply", file, "--json"}).document();
    EXPECT_EQ(textAt(*memberAt(applied, "run"), "state"), "done");
    EXPECT_EQ(textAt(*memberAt(applied, "application"), "application"), "shop-fra");
}

TEST_F(WaitTest, AFailedRunSaysWhyAndEndsByItsClass) {
    startsRun();
    runIs(
        runDocument("failed", {stepDocument("fence", "undone", 9), stepDocument("await", "failed", 900, tokenError)}));
    const Outcome outcome = swing({"group", "switch", "shop", "--wait"});
    EXPECT_EQ(outcome.exitCode, 1);
    EXPECT_THAT(outcome.err,
                HasSubstr("SWB-TOKEN-NOT-REACHED: step await: the replica is 3 MB short\n       hint: see its log"));
    EXPECT_THAT(outcome.out, HasSubstr("failed"));
    const Outcome json = swing({"group", "switch", "shop", "--wait", "--json"});
    EXPECT_EQ(json.exitCode, 1);
    EXPECT_EQ(textAt(json.document(), "state"), "failed") << "the run is the document, not the error";

    ScriptedController refusing;
    refusing.on("GET /v1/runs/r-1",
                wrapped("run", runDocument("failed", {stepDocument("fence", "failed", 1,
                                                                   errorToJson(Error(ErrorCode::EpochOld, "old")))})));
    auto environment = this->environment();
    environment["SWING_URL"] = refusing.url();
    EXPECT_EQ(swingWith(environment, {"run", "watch", "r-1"}).exitCode, 3);
}

TEST_F(WaitTest, AnAbortedRunIsOne) {
    runIs(runDocument("aborted"));
    EXPECT_EQ(swing({"run", "watch", "r-1"}).exitCode, 1);
}

TEST_F(WaitTest, ARunThatWaitsIsUnknownAtTheTimeOut) {
    startsRun();
    runIs(runDocument("waiting", {stepDocument("rejoin", "running")}, {{"detail", "agent fra-1 is away"}}));
    const Outcome outcome = swing({"group", "switch", "shop", "--wait", "--timeout", "1"});
    EXPECT_EQ(outcome.exitCode, 4);
    EXPECT_THAT(outcome.err, HasSubstr("run r-1 waiting: agent fra-1 is away"));
    EXPECT_THAT(outcome.err, HasSubstr("swing run retry r-1"));
    EXPECT_THAT(outcome.err, HasSubstr("SWB-OUTCOME-UNKNOWN: the time to wait is over; run r-1 is still waiting"));
    EXPECT_THAT(outcome.err, HasSubstr("swing run watch r-1"));
}

TEST_F(WaitTest, CtrlCStopsTheWaitingOnly) {
    startsRun();
    runIs(runDocument("running", {stepDocument("fence", "done", 3)}));
    Program program({"group", "switch", "shop", "--wait", "--json"}, environment(), Program::Ends::pipes);
    ASSERT_TRUE(program.waitFor("title of fence"));
    program.interrupt();
    const Outcome outcome = program.finish();
    EXPECT_EQ(outcome.exitCode, 4);
    EXPECT_THAT(outcome.err, HasSubstr("stopped waiting; run r-1 goes on by itself"));
    EXPECT_THAT(outcome.err, HasSubstr("swing run watch r-1"));
    EXPECT_EQ(textAt(outcome.document(), "state"), "running");
    for (const auto& request : controller.seen()) EXPECT_EQ(request.target.find("abort"), std::string::npos);
}

TEST_F(WaitTest, AControllerThatIsAwayForAMomentIsWaitedFor) {
    startsRun();
    controller.onError("GET /v1/runs/r-1", Error(ErrorCode::Busy, "starting"));
    runIs(runDocument("done"));
    const Outcome outcome = swing({"group", "switch", "shop", "--wait"});
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_THAT(outcome.err, HasSubstr("out of sight"));
}

TEST_F(WaitTest, AControllerThatStaysAwayIsUnknown) {
    startsRun();
    runIs(runDocument("running", {stepDocument("fence", "done", 3)}));
    Program program({"group", "switch", "shop", "--wait", "--timeout", "2"}, environment(), Program::Ends::pipes);
    ASSERT_TRUE(program.waitFor("title of fence"));
    controller.stop();
    const Outcome outcome = program.finish();
    EXPECT_EQ(outcome.exitCode, 4);
    EXPECT_THAT(outcome.err, HasSubstr("was running when last seen"));
}

TEST_F(WaitTest, ATokenThatIsTakenAwayEndsTheWaiting) {
    startsRun();
    controller.onError("GET /v1/runs/r-1", Error(ErrorCode::Unauthenticated, "the token is expired"));
    const Outcome outcome = swing({"group", "switch", "shop", "--wait", "--json"});
    EXPECT_EQ(outcome.exitCode, 1);
    EXPECT_EQ(textAt(*memberAt(outcome.document(), "error"), "code"), "SWB-UNAUTHENTICATED");
}

TEST_F(WaitTest, EventsAreFollowedAsJsonLines) {
    controller.on("GET /v1/events",
                  JsonObject{{"events", JsonArray{JsonObject{{"sequence", 8}, {"type", "a"}}}}, {"latest", 8}});
    net::HttpResponse live;
    live.stream = std::make_shared<net::EventStream>();
    live.stream->send(net::EventStream::format("8", "a", R"({"sequence":8,"type":"a"})"));
    live.stream->send(net::EventStream::format("9", "b", R"({"sequence":9,"type":"b"})"));
    controller.onResponse("GET /v1/events/stream", live);
    Program program({"event", "tail", "--follow", "--after", "7", "--limit", "1", "--json"}, environment(),
                    Program::Ends::pipes);
    ASSERT_TRUE(program.waitFor(R"("type":"b")"));
    live.stream->send(net::EventStream::format("10", "c", R"({"sequence":10,"type":"c"})"));
    ASSERT_TRUE(program.waitFor(R"("type":"c")"));
    program.interrupt();
    const Outcome outcome = program.finish();
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_EQ(outcome.out,
              "{\"sequence\":8,\"type\":\"a\"}\n{\"sequence\":9,\"type\":\"b\"}\n{\"sequence\":10,\"type\":\"c\"}\n");
    EXPECT_EQ(controller.last("GET").target, "/v1/events/stream?after=8");
}

TEST_F(WaitTest, ABrokenEventStreamIsTakenUpWhereItEnded) {
    controller.on("GET /v1/events", JsonObject{{"events", JsonArray{}}, {"latest", 7}});
    net::HttpResponse first, second;
    first.stream = std::make_shared<net::EventStream>();
    first.stream->send(net::EventStream::format("8", "a", R"({"sequence":8,"type":"a"})"));
    first.stream->close();
    second.stream = std::make_shared<net::EventStream>();
    second.stream->send(net::EventStream::format("9", "b", R"({"sequence":9,"type":"b"})"));
    controller.onResponse("GET /v1/events/stream", first);
    controller.onResponse("GET /v1/events/stream", second);
    Program program({"event", "tail", "--follow", "--after", "7"}, environment(), Program::Ends::pipes);
    ASSERT_TRUE(program.waitFor("9  -  b"));
    program.interrupt();
    EXPECT_EQ(program.finish().exitCode, 0);
    EXPECT_EQ(controller.last("GET").target, "/v1/events/stream?after=8");
}

// ---- on a terminal

class TerminalTest : public WaitTest {
  protected:
    std::unique_ptr<Program> onTerminal(const std::vector<std::string>& arguments, bool colour = false) {
        auto environment = this->environment();
        if (!colour) environment["NO_COLOR"] = "1";
        return std::make_unique<Program>(arguments, environment, Program::Ends::terminal);
    }
    void plans() {
        const Json checks = parseJson(R"({"verdict":"warning","checks":[{"name":"a","subject":"x","verdict":"ok"},
            {"name":"b","subject":"shop-nyc","verdict":"warning","sentence":"its disk is 80 % full","hint":"look"}]})")
                                .value();
        controller.on("POST /v1/groups/shop/switch", wrapped("run", runDocument("planned", {}, {{"checks", checks}})));
    }
};

TEST_F(TerminalTest, ASwitchIsConfirmedAndShownLive) {
    plans();
    goesWell();
    auto program = onTerminal({"group", "switch", "shop"});
    ASSERT_TRUE(program->waitFor("Switch shop from shop-fra to shop-nyc? [y/N]"));
    EXPECT_EQ(controller.last("POST").body, R"({"dryRun":true})");
    program->write("y\n");
    const Outcome outcome = program->finish();
    EXPECT_EQ(outcome.exitCode, 0) << outcome.out;
    EXPECT_EQ(controller.last("POST").body, R"({"to":"shop-nyc"})") << "what was confirmed";
    EXPECT_THAT(outcome.out, HasSubstr("2 checks: 1 ok, 1 warning, 0 refused"));
    EXPECT_THAT(outcome.out, HasSubstr("its disk is 80 % full"));
    EXPECT_THAT(outcome.out, HasSubstr("▸ title of fence")) << "live";
    EXPECT_THAT(outcome.out, HasSubstr("A\r")) << "redrawn in place";
    EXPECT_THAT(outcome.out, HasSubstr("87 ms (budget 10 s)"));
    EXPECT_THAT(outcome.out, Not(testing::ContainsRegex("\x1b\\[[0-9]+m"))) << "NO_COLOR";
}

TEST_F(TerminalTest, AnythingButYesChangesNothing) {
    for (const char* answer : {"n\n", "\n", "yep\n", "\x04"}) {
        ScriptedController fresh;
        fresh.on("POST /v1/groups/shop/switch", wrapped("run", runDocument("planned")));
        auto environment = this->environment();
        environment["SWING_URL"] = fresh.url();
        Program program({"group", "switch", "shop"}, environment, Program::Ends::terminal);
        ASSERT_TRUE(program.waitFor("[y/N]"));
        program.write(answer);
        EXPECT_EQ(program.finish().exitCode, 3);
        EXPECT_EQ(fresh.seen().size(), 1u) << "the dry run only";
    }
}

TEST_F(TerminalTest, YesAndJsonAskNothing) {
    goesWell();
    EXPECT_EQ(onTerminal({"group", "switch", "shop", "--yes"})->finish().exitCode, 0);
    EXPECT_EQ(controller.last("POST").body, "{}");
    EXPECT_EQ(onTerminal({"group", "switch", "shop", "--json"})->finish().exitCode, 0);
    EXPECT_EQ(controller.last("POST").body, "{}");
}

TEST_F(TerminalTest, ColoursOnATerminal) {
    goesWell();
    EXPECT_THAT(onTerminal({"group", "switch", "shop", "--yes"}, true)->finish().out, HasSubstr("\x1b[32mdone\x1b[0m"));
}

TEST_F(TerminalTest, CtrlCWhileWatchingLive) {
    startsRun();
    runIs(runDocument("running", {stepDocument("fence", "running")}));
    auto program = onTerminal({"group", "switch", "shop", "--yes"});
    ASSERT_TRUE(program->waitFor("title of fence"));
    program->write("\x03");  // the terminal makes SIGINT of it
    const Outcome outcome = program->finish();
    EXPECT_EQ(outcome.exitCode, 4);
    EXPECT_THAT(outcome.out, HasSubstr("swing run watch r-1"));
}

class ConsentTest : public TerminalTest {
  protected:
    ConsentTest() {
        controller.onError("POST /v1/replication",
                           Error(ErrorCode::ConsentRequired, "the data of shop-nyc/main will be replaced",
                                 "confirm by typing it: --consent replace:shop-nyc/main"));
        controller.on("POST /v1/replication", wrapped("run", runDocument("running")), 202);
        const auto application = [](const char* other) {
            return wrapped("application",
                           JsonObject{{"databases", JsonObject{{"main", JsonObject{{"engine", "postgresql"}}},
                                                               {other, JsonObject{{"engine", "postgresql"}}},
                                                               {"cache", JsonObject{{"engine", other}}}}}});
        };
        controller.on("GET /v1/applications/shop-fra", application("fra-only"));
        controller.on("GET /v1/applications/shop-nyc", application("nyc-only"));
        runIs(runDocument("done"));
    }
    const std::vector<std::string> enable{"replication", "enable", "--from", "shop-fra", "--to", "shop-nyc"};
};

TEST_F(ConsentTest, IsTypedAtATerminal) {
    auto program = onTerminal(enable);
    ASSERT_TRUE(program->waitFor("type replace:shop-nyc/main: "));
    program->write("replace:shop-nyc/main\n");
    EXPECT_EQ(program->finish().exitCode, 0);
    EXPECT_EQ(controller.last("POST").body,
              R"({"from":"shop-fra","to":"shop-nyc","consent":["replace:shop-nyc/main"]})");
}

TEST_F(ConsentTest, AnythingElseChangesNothing) {
    auto program = onTerminal(enable);
    ASSERT_TRUE(program->waitFor("type replace:shop-nyc/main: "));
    program->write("yes\n");
    const Outcome outcome = program->finish();
    EXPECT_EQ(outcome.exitCode, 3);
    EXPECT_THAT(outcome.out, HasSubstr("SWB-CONSENT-REQUIRED"));
    EXPECT_EQ(controller.count("POST", "/v1/replication"), 1u);
}

TEST_F(ConsentTest, IsRefusedWithTheHintElsewhere) {
    const Outcome outcome = swing(enable);
    EXPECT_EQ(outcome.exitCode, 3);
    EXPECT_THAT(outcome.err, HasSubstr("--consent replace:shop-nyc/main"));
    EXPECT_EQ(controller.count("POST", "/v1/replication"), 1u);
}

TEST_F(TerminalTest, SecretsAreAskedForWithoutEcho) {
    controller.on("PUT /v1/applications/shop-fra/secrets/KEY", wrapped("run", nullptr));
    auto program = onTerminal({"app", "secret", "set", "shop-fra", "KEY"});
    ASSERT_TRUE(program->waitFor("value of KEY (not shown): "));
    program->write("hidden-value\n");
    const Outcome outcome = program->finish();
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_THAT(outcome.out, Not(HasSubstr("hidden-value")));
    EXPECT_EQ(controller.last("PUT").body, R"({"value":"hidden-value"})");
}

TEST_F(TerminalTest, CtrlCAtASecretSendsNothing) {
    auto program = onTerminal({"app", "secret", "set", "shop-fra", "KEY"});
    ASSERT_TRUE(program->waitFor("not shown"));
    program->write("half\x03");
    EXPECT_EQ(program->finish().exitCode, 128 + SIGINT);
    EXPECT_EQ(controller.seen().size(), 0u);
}

TEST_F(TerminalTest, ALiteralTokenIsWarnedAboutOnce) {
    controller.on("GET /v1/sites", JsonObject{{"sites", JsonArray{}}});
    const Outcome literal = onTerminal({"site", "list", "--token", "abc"})->finish();
    EXPECT_EQ(literal.exitCode, 0);
    EXPECT_THAT(literal.out, HasSubstr("visible to every user"));
    const std::string file = directory.file("token", "abc");
    EXPECT_THAT(onTerminal({"site", "list", "--token", "@" + file})->finish().out, Not(HasSubstr("visible")));
    EXPECT_EQ(swing({"site", "list", "--token", "abc"}).err, "") << "scripts are left in peace";
}

}  // namespace
}  // namespace swb::swing::test
