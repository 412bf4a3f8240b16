// What an agent keeps and keeps running: applications, guards, processes, maintenance, supervision, telemetry.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "agent/sampler.h"
#include "agent/scripted_drivers_test.h"
#include "agent/supervisor.h"

namespace swb::agent {
namespace {

class Keeping : public AgentFixture {
  protected:
    void SetUp() override { configure(); }
    Json ofApplication(std::string_view key, Json value) {
        return JsonObject{{"application", "shop-fra"}, {key, std::move(value)}};
    }
    void look(Supervisor& supervisor) {
        supervisor.look();
        ASSERT_TRUE(supervisor.awaitIdle(SystemClock().monotonic() + 5000));
    }
};

TEST_F(Keeping, EnvironmentIsMergedInOrder) {
    const auto application = *applications.get("shop-fra");
    const auto environment = application.environmentOf(application.processes.at("web"));
    EXPECT_EQ(environment.at("LOG_LEVEL"), "debug");
    EXPECT_EQ(environment.at("A"), "variable");
    EXPECT_EQ(environment.at("PASSWORD"), "hunter2");
    EXPECT_EQ(environment.at("FAILOVER_STATUS"), "offline");
    EXPECT_EQ(application.commonEnvironment().at("LOG_LEVEL"), "info");
    EXPECT_EQ(drivers.processes.common.at("POSTGRESQL_ADDRESS"), "127.0.0.1:5432");
}

TEST_F(Keeping, DefinitionsLastAndSecretsAreApart) {
    const std::string file = directory.applications() + "/shop-fra";
    EXPECT_EQ(readFile(file + ".json")->find("hunter2"), std::string::npos);
    EXPECT_EQ(std::filesystem::status(file + ".secrets").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    ASSERT_TRUE(run("process.apply", ofApplication("writers", true)));
    std::ofstream(directory.applications() + "/broken.json") << "{";
    Applications again(directory.applications());
    ASSERT_TRUE(again.load());
    const auto application = *again.get("shop-fra");
    EXPECT_TRUE(application.supervised && application.writers);
    EXPECT_EQ(application.secrets.at("PASSWORD").reveal(), "hunter2");
    EXPECT_EQ(application.databases.size(), 2u);
    EXPECT_EQ(again.all().size(), 1u) << "a damaged file costs only its own application";
}

TEST_F(Keeping, ConfiguringAgainKeepsWhatRuns) {
    ASSERT_TRUE(run("process.apply", ofApplication("writers", true)));
    configure();
    EXPECT_TRUE(applications.get("shop-fra")->writers);
    Json bad = definition();
    bad.as_object()["secrets"] = JsonObject{{"1 BAD", "hunter3"}};
    const auto refused = run("application.configure", bad);
    EXPECT_EQ(codeOf(refused), "SWB-INVALID-INPUT");
    EXPECT_EQ(refused.error().message.find("hunter3"), std::string::npos);
}

TEST_F(Keeping, DatabasesAreFoundByWhereTheirDataIs) {
    const auto spec = *databaseFromJson(databaseJson("main"), "main");
    EXPECT_EQ(applications.keyOf(spec).text(), "shop-fra/main");
    auto other = spec;
    other.service.data = "/elsewhere";
    EXPECT_TRUE(applications.keyOf(other).application.starts_with("unassigned-"));
    EXPECT_EQ(applications.keyOf(other), applications.keyOf(other));
}

TEST_F(Keeping, GuardsAreReadBackAndADamagedOneRefuses) {
    ASSERT_TRUE(guards.write(keyOf("main"), {"shop", 7, "replica", true, 1}));
    EXPECT_EQ(guards.write(keyOf("main"), {"shop", 6, "primary", false, 1}).error().code, ErrorCode::EpochOld);
    EXPECT_TRUE(guards.write(keyOf("main"), {"other", 1, "replica", false, 1}));

    // Prepared is not in force.
    const std::vector<DatabaseKey> keys = {keyOf("main"), keyOf("logs")};
    const BootGuard allows{"other", 2, "primary", false, 2};
    for (const auto& key : keys) EXPECT_TRUE(guards.prepare(key, allows));
    EXPECT_EQ(role("main"), "replica");
    EXPECT_EQ(role("logs"), "none");
    EXPECT_TRUE(guards.commit(keys, allows));
    EXPECT_EQ(role("main"), "primary");
    EXPECT_EQ(role("logs"), "primary");
    // Nothing was prepared any more, and what is another's is not taken for one's own.
    EXPECT_EQ(guards.commit(keys, allows).error().code, ErrorCode::StorageFailed);
    EXPECT_TRUE(guards.prepare(keyOf("main"), {"other", 3, "replica", false, 3}));
    EXPECT_EQ(guards.commit({keyOf("main")}, {"other", 4, "primary", false, 4}).error().code,
              ErrorCode::VerificationFailed);
    EXPECT_TRUE(guards.write(keyOf("main"), {"other", 5, "replica", false, 5}));
    EXPECT_TRUE(guards.prepare(keyOf("main"), allows));
    EXPECT_EQ(guards.commit({keyOf("main")}, allows).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(role("main"), "replica");
    const auto read = run("guard.read", JsonObject{{"application", "shop-fra"}, {"database", "main"}});
    EXPECT_EQ(textAt(*memberAt(*read, "guard"), "group"), "other");
    std::ofstream(directory.guards() + "/shop-fra/main.json") << "{";
    EXPECT_EQ(guards.read(keyOf("main")).error().code, ErrorCode::GuardRefused);
    EXPECT_EQ(codeOf(run("guard.read", JsonObject{{"application", ".."}, {"database", "main"}})), "SWB-INVALID-INPUT");
}

TEST_F(Keeping, ProcessesFollowWritersAndActivation) {
    ASSERT_TRUE(run("process.apply", ofApplication("writers", false)));
    EXPECT_TRUE(drivers.processes.isRunning("web"));
    EXPECT_FALSE(drivers.processes.isRunning("worker"));
    EXPECT_EQ(codeOf(run("process.restart", ofApplication("process", "worker"))), "SWB-RUN-STATE");

    Json activate = ofApplication("databases", JsonArray{databaseJson("main"), databaseJson("logs")});
    activate.as_object()["variables"] = JsonObject{{"POSTGRESQL_ADDRESS", "10.0.0.9:5432"}};
    server("logs").writeError = Error(ErrorCode::DatabaseFailed, "read only");
    EXPECT_EQ(codeOf(run("application.activate", activate)), "SWB-DATABASE-FAILED");
    EXPECT_FALSE(drivers.processes.isRunning("worker")) << "writers wait for a writable database";
    EXPECT_FALSE(applications.get("shop-fra")->writers);
    server("logs").writeError.reset();
    const auto activated = run("application.activate", activate);
    ASSERT_TRUE(activated) << describe(activated.error());
    EXPECT_EQ(drivers.processes.running.at("web").at("FAILOVER_STATUS"), "online");
    EXPECT_EQ(drivers.processes.running.at("web").at("POSTGRESQL_ADDRESS"), "10.0.0.9:5432");
    EXPECT_FALSE(drivers.processes.isRunning("worker")) << "nobody waits for a worker: it starts with maintenance.off";
    EXPECT_EQ(textAt(*memberAt(*activated, "smoke"), "write"), "ok");
    EXPECT_GT(server("main").writeTests, 0) << "every database takes a write";
    EXPECT_EQ(server("main").password, "of-the-engine");
    EXPECT_EQ(server("logs").password, "of-logs") << "its own comes before the engine's";

    ASSERT_TRUE(run("application.deactivate", JsonObject{{"application", "shop-fra"}}));
    EXPECT_FALSE(drivers.processes.isRunning("worker"));
    EXPECT_EQ(drivers.processes.common.at("FAILOVER_STATUS"), "offline");
}

TEST_F(Keeping, RefreshedVariablesReachWhatRunsAndChangeNothingElse) {
    Json refresh = ofApplication("variables", JsonObject{{"POSTGRESQL_REPLICA_ADDRESSES", "10.0.0.8:5432"}});
    ASSERT_TRUE(run("application.refresh", refresh));
    EXPECT_EQ(drivers.processes.common.at("POSTGRESQL_REPLICA_ADDRESSES"), "10.0.0.8:5432");
    EXPECT_TRUE(drivers.processes.running.empty()) << "processes that were never applied stay as they are";
    ASSERT_TRUE(run("process.apply", ofApplication("writers", true)));
    EXPECT_EQ(drivers.processes.running.at("web").at("POSTGRESQL_REPLICA_ADDRESSES"), "10.0.0.8:5432");
    refresh.as_object()["variables"] = JsonObject{{"POSTGRESQL_REPLICA_ADDRESSES", ""}};
    ASSERT_TRUE(run("application.refresh", refresh));
    EXPECT_EQ(drivers.processes.running.at("web").at("POSTGRESQL_REPLICA_ADDRESSES"), "");
    EXPECT_TRUE(drivers.processes.isRunning("worker")) << "writers stay";
    EXPECT_EQ(drivers.processes.common.at("FAILOVER_STATUS"), "offline");
}

TEST_F(Keeping, ReplicasInsideAnApplicationAreKeptApart) {
    Json place = databaseJson("main");
    place.as_object()["service"].as_object()["data"] = "/srv/reports";
    place.as_object()["address"] = "127.0.0.1:5499";
    const Json part = JsonObject{{"application", "shop-fra.reports"}, {"databases", JsonObject{{"main", place}}}};
    ASSERT_TRUE(run("application.configure", part));
    EXPECT_EQ(drivers.processes.common.at("POSTGRESQL_ADDRESS"), "127.0.0.1:5432")
        << "the application's environment is not touched";
    const auto spec = *databaseFromJson(place, "main");
    EXPECT_EQ(applications.keyOf(spec).text(), "shop-fra.reports/main");
    EXPECT_EQ(applications.keyOf(*databaseFromJson(databaseJson("main"), "main")).text(), "shop-fra/main");
    ASSERT_TRUE(guards.write(applications.keyOf(spec), {"", 0, "replica", false, 1}));
    const auto read = run("guard.read", JsonObject{{"application", "shop-fra.reports"}, {"database", "main"}});
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_EQ(textAt(*memberAt(*read, "guard"), "role"), "replica");
    EXPECT_EQ(codeOf(run("guard.read", JsonObject{{"application", "a.b.c"}, {"database", "main"}})),
              "SWB-INVALID-INPUT");
    ASSERT_TRUE(run("application.remove", JsonObject{{"application", "shop-fra.reports"}}));
    EXPECT_TRUE(applications.keyOf(spec).application.starts_with("unassigned-"));
    EXPECT_TRUE(applications.get("shop-fra").has_value());
}

TEST_F(Keeping, MaintenanceIsBelievedWhenSeen) {
    ASSERT_TRUE(run("process.apply", ofApplication("writers", true)));
    Json arguments = ofApplication("web", JsonArray{webJson()});
    arguments.as_object()["stopWriters"] = true;
    arguments.as_object()["startWriters"] = true;
    EXPECT_EQ(codeOf(settle("maintenance.on", arguments)), "SWB-NOT-DONE");
    drivers.fronts.probesUntilSeen = 3;
    const auto on = run("maintenance.on", arguments);
    ASSERT_TRUE(on) << describe(on.error());
    EXPECT_EQ(integerAt(memberAt(*on, "fronts")->as_array().at(0), "status"), 503);
    EXPECT_EQ(memberAt(*on, "stoppedProcesses")->as_array().at(0), Json("worker"));
    EXPECT_FALSE(drivers.processes.isRunning("worker"));
    EXPECT_TRUE(drivers.processes.isRunning("web"));
    EXPECT_EQ(codeOf(settle("maintenance.on", arguments)), "SWB-INTERRUPTED");
    ASSERT_TRUE(run("maintenance.off", arguments));
    EXPECT_TRUE(drivers.processes.isRunning("worker"));
    arguments.as_object()["mode"] = "hold";
    EXPECT_EQ(codeOf(run("maintenance.on", arguments)), "SWB-UNSUPPORTED");
}

TEST_F(Keeping, AnApplicationThatTakesItsTimeIsLetIn) {
    const Json arguments = ofApplication("web", JsonArray{webJson()});
    ASSERT_TRUE(run("maintenance.on", arguments));
    drivers.fronts.slow = true;
    const auto off = run("maintenance.off", arguments);
    ASSERT_TRUE(off) << describe(off.error());
    EXPECT_EQ(drivers.fronts.mode, driver::MaintenanceMode::off);
}

TEST_F(Keeping, WhatIsWaitedForIsSaidOfAllProcesses) {
    std::atomic<bool> workerSaid{false}, webSaid{false};
    drivers.processes.onAwaitHealthy = [&](const ProcessSpec& process,
                                           const driver::Context& context) -> Result<driver::ProcessState> {
        const std::string sentence = "process " + process.name + " is not healthy: it answers 503";
        if (process.name == "web") {
            while (!workerSaid) std::this_thread::yield();
            context.progress(0, 0, sentence);
            webSaid = true;
            return fail(ErrorCode::DeadlineExceeded, sentence);
        }
        context.progress(0, 0, sentence);
        workerSaid = true;
        while (!webSaid) std::this_thread::yield();
        return driver::ProcessState{process.name, 42, true, true, "shop", "", ""};
    };
    const auto applied = run("process.apply", ofApplication("writers", true));
    EXPECT_EQ(said.at(0), "process worker is not healthy: it answers 503");
    EXPECT_EQ(said.at(1), "process web is not healthy: it answers 503; process worker is not healthy: it answers 503");
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().message, "process web is not healthy: it answers 503") << "its name stands there once";
}

// `web` writes and is what the front passes requests to.
TEST_F(Keeping, AWriterBehindAFrontEndsAfterItsRequestsAndStartsBeforeTheNext) {
    Json changed = definition();
    JsonObject& web = changed.as_object()["processes"].as_object()["web"].as_object();
    web["writes"] = true;
    web["health"] = "http://" + textAt(webJson(), "upstream") + "/healthz";
    ASSERT_TRUE(run("application.configure", changed));
    ASSERT_TRUE(run("process.apply", ofApplication("writers", true)));
    Json arguments = ofApplication("web", JsonArray{webJson()});
    for (const char* member : {"stopWriters", "startWriters"}) arguments.as_object()[member] = true;
    arguments.as_object()["drainMs"] = 300;
    drivers.fronts.onDrain = [&](int64_t limitMs) {
        EXPECT_EQ(drivers.fronts.mode, driver::MaintenanceMode::page) << "the page comes first";
        EXPECT_TRUE(drivers.processes.isRunning("web")) << "it still answers";
        EXPECT_EQ(limitMs, 300);
        return driver::Drained{driver::Drained::State::busy, 300};
    };
    const auto on = run("maintenance.on", arguments);
    ASSERT_TRUE(on) << describe(on.error());
    const Json& front = memberAt(*on, "fronts")->as_array().at(0);
    EXPECT_TRUE(booleanAt(front, "inFlight"));
    EXPECT_EQ(integerAt(front, "drainedMs"), 300);
    EXPECT_FALSE(drivers.processes.isRunning("web"));
    EXPECT_FALSE(drivers.processes.isRunning("worker"));
    drivers.fronts.onMode = [&](driver::MaintenanceMode) { EXPECT_TRUE(drivers.processes.isRunning("web")); };
    ASSERT_TRUE(run("maintenance.off", arguments));
    EXPECT_TRUE(drivers.processes.isRunning("web"));
    EXPECT_TRUE(drivers.processes.isRunning("worker"));
}

TEST_F(Keeping, RemovingStopsAndForgetsAllButDatabases) {
    ASSERT_TRUE(run("process.apply", ofApplication("writers", true)));
    const Json arguments = JsonObject{{"application", "shop-fra"}};
    ASSERT_TRUE(run("application.remove", arguments));
    ASSERT_TRUE(run("application.remove", arguments));
    EXPECT_TRUE(drivers.processes.running.empty());
    EXPECT_TRUE(drivers.processes.common.empty());
    EXPECT_TRUE(server("main").running);
    EXPECT_FALSE(fileExists(directory.applications() + "/shop-fra.secrets"));
}

TEST_F(Keeping, SupervisorStartsInTheGuardsRoleAndLeavesTheFencedAlone) {
    ASSERT_TRUE(guards.write(keyOf("main"), {"shop", 7, "replica", true, 1}));
    ASSERT_TRUE(guards.write(keyOf("logs"), {"shop", 7, "replica", false, 1}));
    server("main").running = server("logs").running = false;
    Supervisor supervisor(services);
    look(supervisor);
    EXPECT_EQ(server("main").starts, 0);
    EXPECT_EQ(server("logs").starts, 1);
    EXPECT_EQ(server("logs").startedWithRole, "replica");
    std::ofstream(directory.guards() + "/shop-fra/main.json") << "";
    look(supervisor);
    EXPECT_EQ(server("main").starts, 0) << "a guard that cannot be read permits nothing";
}

// Its service manager starts it; whether it may be written to is still the guard's to say.
TEST_F(Keeping, SupervisorAsksAboutDatabasesOfAnotherServiceManagerToo) {
    Json changed = definition();
    changed.as_object()["databases"].as_object()["main"].as_object()["service"] =
        JsonObject{{"manage", "systemd"}, {"unit", "postgresql"}, {"data", "/srv/main"}};
    ASSERT_TRUE(run("application.configure", changed));
    ASSERT_TRUE(guards.write(keyOf("main"), {"shop", 7, "primary", false, 1}));
    Supervisor supervisor(services);
    look(supervisor);
    EXPECT_EQ(server("main").startedWithRole, "primary");
}

TEST_F(Keeping, SupervisorLeavesAloneWhatAVerbWorksOn) {
    server("main").running = false;
    Supervisor supervisor(services);
    auto held = *locks.acquire({"database:shop-fra/main"}, SystemClock().monotonic() + 100);
    EXPECT_EQ(locks.acquire({"database:shop-fra/main"}, SystemClock().monotonic()).error().code, ErrorCode::Busy);
    look(supervisor);
    EXPECT_EQ(server("main").starts, 0);
    held.clear();
    look(supervisor);
    EXPECT_EQ(server("main").starts, 1);
}

TEST_F(Keeping, SupervisorKeepsProcessesAsTheStateSays) {
    Supervisor supervisor(services);
    look(supervisor);
    EXPECT_TRUE(drivers.processes.running.empty()) << "nothing runs before it was applied once";
    ASSERT_TRUE(run("process.apply", ofApplication("writers", false)));
    drivers.processes.running.clear();
    drivers.processes.running["worker"] = {};  // as if a crash had left it
    look(supervisor);
    EXPECT_TRUE(drivers.processes.isRunning("web"));
    EXPECT_FALSE(drivers.processes.isRunning("worker"));
}

TEST_F(Keeping, AProcessThatKeepsEndingIsStartedLessAndLessOften) {
    Supervisor supervisor(services);
    ASSERT_TRUE(run("process.apply", ofApplication("writers", false)));
    drivers.processes.history.clear();
    for (int i = 0; i < 5; ++i) {
        drivers.processes.running.erase("web");
        look(supervisor);
    }
    EXPECT_EQ(drivers.processes.history, std::vector<std::string>{"apply web"}) << "at once, then not for a second";
    EXPECT_FALSE(drivers.processes.isRunning("web"));
    Sampler sampler(services);
    sampler.sample();
    ASSERT_TRUE(sampler.awaitIdle(SystemClock().monotonic() + 5000));
    const Json facts = sampler.facts();
    const Json& web = *memberAt(*memberAt(facts, "processes"), "shop-fra/web");
    EXPECT_EQ(integerAt(web, "restarts"), 1);
    EXPECT_GT(integerAt(web, "nextStartInMs"), 0);
    // What an operator asks for is done now.
    ASSERT_TRUE(run("process.apply", ofApplication("writers", false)));
    EXPECT_TRUE(drivers.processes.isRunning("web"));
    EXPECT_EQ(services.pacing->state("shop-fra/web", SystemClock().monotonic()).restarts, 0);
}

TEST_F(Keeping, AHangingDatabaseMakesNothingElseLate) {
    std::atomic<bool> release{false};
    server("main").onInspect = [&](const driver::Context&) {
        while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    Sampler sampler(services);
    EXPECT_TRUE(sampler.facts().is_null());
    sampler.sample();
    const MonotonicMs patience = SystemClock().monotonic() + 5000;
    Json facts;
    do facts = sampler.facts();
    while ((!facts.is_object() || !memberAt(*memberAt(facts, "databases"), "shop-fra/logs")) &&
           SystemClock().monotonic() < patience);
    sampler.sample();
    EXPECT_FALSE(memberAt(*memberAt(facts, "databases"), "shop-fra/main"));
    const Json* logs = memberAt(*memberAt(facts, "databases"), "shop-fra/logs");
    ASSERT_TRUE(logs);
    EXPECT_EQ(textAt(*logs, "role"), "primary");
    EXPECT_FALSE(memberAt(*logs, "settings")) << "only readiness checks need them";
    release = true;
    ASSERT_TRUE(sampler.awaitIdle(SystemClock().monotonic() + 5000));
    EXPECT_EQ(server("main").looks, 1) << "not asked again while it hangs";
    EXPECT_TRUE(memberAt(*memberAt(sampler.facts(), "databases"), "shop-fra/main"));
    ASSERT_TRUE(run("application.remove", JsonObject{{"application", "shop-fra"}}));
    sampler.sample();
    EXPECT_TRUE(memberAt(sampler.facts(), "databases")->as_object().empty());
}

// The document is the contract: each of its rows is a row of the table, and the other way round.
TEST(VerbTable, IsWhatTheDocumentSays) {
    std::set<std::string> documented, table;
    std::ifstream document(SWB_DOCS_DIR "/protocol/verbs.md");
    for (std::string line; std::getline(document, line);)
        if (line.starts_with("| `")) documented.insert(line.substr(3, line.find('`', 3) - 3));
    for (const auto& row : verbTable()) {
        EXPECT_TRUE(table.emplace(row.name).second) << row.name << " is there twice";
        EXPECT_TRUE(row.execute && row.settle && !row.sentence.empty() && !row.settleSentence.empty()) << row.name;
    }
    EXPECT_EQ(table, documented);
}

}  // namespace
}  // namespace swb::agent
