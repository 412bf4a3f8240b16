// Drivers for the agent's tests: databases, fronts and processes that are a few variables, with hooks to make them
// fail, wait or be looked at. What real ones do is tested with the drivers.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "agent/verb.h"
#include "base/file.h"
#include "base/ids.h"

namespace swb::agent {

struct ScriptedServer {
    std::string role = "primary";
    bool running = true;
    bool promoted = false;
    int fences = 0, unfences = 0, promotions = 0, starts = 0, looks = 0, writeTests = 0;
    std::string password;  // of the last write test
    std::string startedWithRole = "-";
    std::optional<Error> fenceError, tokenError, promoteError, unfenceError, writeError;
    std::function<void(const driver::Context&)> onFence, onAwait, onPromote, onInspect;
    std::function<void()> onClosing;
    bool closedAlready = false;
    Json onlyHere = nullptr;
};

class ScriptedDatabases final : public driver::DatabaseDriver {
  public:
    using Context = driver::Context;
    using Peer = driver::Peer;
    using Token = driver::Token;

    ScriptedServer& server(const std::string& name) {
        const std::lock_guard guard(mutex_);
        return servers_[name];
    }

    Json inspect(const DatabaseSpec& spec, const Peer*, const Context& context) override {
        auto& one = server(spec.name);
        if (one.onInspect) one.onInspect(context);
        const std::lock_guard guard(mutex_);
        ++one.looks;
        return JsonObject{{"name", spec.name},
                          {"running", one.running},
                          {"fenced", !one.running},
                          {"role", one.running ? one.role : "stopped"},
                          {"systemId", "7"},
                          {"settings", JsonObject{}},
                          {"receiverStatus", "streaming"},
                          {"receiverSlot", "swb_shop_nyc"},
                          {"primaryHost", "127.0.0.2"}};
    }
    Result<driver::CertificateRequests> certificateRequests(const DatabaseSpec&, const Context&) override {
        return driver::CertificateRequests{"server request", "client request", "verifier"};
    }
    Result<Json> installCertificates(const DatabaseSpec&, const driver::Certificates&, const Context&) override {
        return Json(JsonObject{{"tls", true}});
    }
    Result<Json> prepareSource(const DatabaseSpec&, std::string_view, const Peer&, std::string_view slot,
                               const Context&) override {
        return Json(JsonObject{{"slot", slot}});
    }
    Result<Json> testSource(const DatabaseSpec&, const Peer&, const Context&) override { return Json(JsonObject{}); }
    Result<Json> saveOnlyHere(const DatabaseSpec& spec, const Peer&, const Context&) override {
        return server(spec.name).onlyHere;
    }
    Result<Json> seed(const DatabaseSpec& spec, std::string_view, const Peer&, std::string_view,
                      const Context& context) override {
        for (int64_t part = 0; part <= 100; ++part) context.progress(part, 100, "copying");
        server(spec.name).role = "replica";
        return Json(JsonObject{{"bytes", 100}});
    }
    Result<Json> releaseSource(const DatabaseSpec&, const std::vector<std::string>&, const Context&) override {
        return Json(JsonObject{{"dropped", JsonArray{}}});
    }
    Result<Json> promoteStandalone(const DatabaseSpec& spec, bool, const Context&) override {
        if (server(spec.name).promoteError) return fail(*server(spec.name).promoteError);
        server(spec.name).role = "primary";
        return Json(JsonObject{});
    }
    Result<Json> prepareSwitchSource(const DatabaseSpec&, std::string_view, const Context&) override {
        return Json(JsonObject{});
    }
    Result<Json> prepareSwitchReplica(const DatabaseSpec&, const Peer&, int64_t, const Context&) override {
        return Json(JsonObject{});
    }
    Result<Json> endSwitch(const DatabaseSpec&, const Context&) override { return Json(JsonObject{}); }
    Result<Token> fence(const DatabaseSpec& spec, int64_t epoch, const Context& context) override {
        auto& one = server(spec.name);
        if (one.onFence) one.onFence(context);
        ++one.fences;
        if (one.fenceError) return fail(*one.fenceError);
        if (one.closedAlready) return Token{spec.name, tokenOf(spec.name, epoch)};
        if (auto may = context.beforeClosing(); !may) return fail(may.error());
        if (one.onClosing) one.onClosing();
        if (context.cancelled()) return fail(ErrorCode::Interrupted, "cancelled");
        one.running = false;
        return Token{spec.name, tokenOf(spec.name, epoch)};
    }
    Result<Json> unfence(const DatabaseSpec& spec, const Context&) override {
        auto& one = server(spec.name);
        ++one.unfences;
        if (one.unfenceError) return fail(*one.unfenceError);
        one.running = true;
        one.role = "primary";
        return Json(JsonObject{{"role", "primary"}});
    }
    Result<Json> awaitToken(const DatabaseSpec& spec, const Token&, const Context& context) override {
        auto& one = server(spec.name);
        if (one.onAwait) one.onAwait(context);
        if (one.tokenError) return fail(*one.tokenError);
        if (context.cancelled()) return fail(ErrorCode::Interrupted, "cancelled");
        return Json(JsonObject{});
    }
    Result<Json> promote(const DatabaseSpec& spec, const Token&, const Context& context) override {
        auto& one = server(spec.name);
        if (one.onPromote) one.onPromote(context);
        if (one.promoteError) return fail(*one.promoteError);
        if (one.role != "primary") ++one.promotions;
        one.role = "primary";
        one.promoted = true;
        return Json(JsonObject{{"timeline", 2}, {"promotedAfterMs", 1}});
    }
    Result<Json> rejoin(const DatabaseSpec& spec, std::string_view, const Peer&, std::string_view, const Token&,
                        const Context&) override {
        server(spec.name).role = "replica";
        server(spec.name).running = true;
        return Json(JsonObject{{"streamingAfterMs", 1}});
    }
    Result<Json> ensureRunning(const DatabaseSpec& spec, std::string_view guardRole, const Context&) override {
        auto& one = server(spec.name);
        one.startedWithRole = guardRole;
        if (!one.running) ++one.starts;
        one.running = true;
        return Json(JsonObject{});
    }
    Result<void> stop(const DatabaseSpec&, const Context&) override { return {}; }
    Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context&) override {
        auto& one = server(spec.name);
        ++one.writeTests;
        one.password = password.empty() ? "" : password.reveal();
        if (one.writeError) return fail(*one.writeError);
        return {};
    }

    static Json tokenOf(const std::string& name, int64_t epoch) {
        return JsonObject{{"database", name}, {"engine", "postgresql"}, {"end", "0/302CF18"}, {"epoch", epoch}};
    }

  private:
    std::mutex mutex_;
    std::map<std::string, ScriptedServer> servers_;
};

class ScriptedFronts final : public driver::WebDriver {
  public:
    using Context = driver::Context;
    std::atomic<driver::MaintenanceMode> mode{driver::MaintenanceMode::off};
    std::atomic<int> probesUntilSeen{0};
    std::function<driver::Drained(int64_t limitMs)> onDrain;
    std::function<void(driver::MaintenanceMode)> onMode;

    Result<Json> prepare(std::string_view, const WebSpec&, const MaintenanceSpec&, driver::MaintenanceMode,
                         const Context&) override {
        return Json(JsonObject{{"changed", true}});
    }
    Result<driver::FrontProbe> setMaintenance(std::string_view application, const WebSpec& web,
                                              driver::MaintenanceMode wanted, const Context& context) override {
        if (onMode) onMode(wanted);
        mode = wanted;
        driver::FrontProbe answer = probe(application, web, context);
        answer.passedOn = slow;
        return answer;
    }
    driver::MaintenanceMode maintenance(std::string_view, const WebSpec&, const Context&) override { return mode; }
    std::atomic<bool> slow{false};  // the application behind it does not answer in time
    driver::FrontProbe probe(std::string_view, const WebSpec& web, const Context&) override {
        if (slow) return {web.address + ":80", 0, false, 1000, "timed out"};
        const bool seen = probesUntilSeen.fetch_sub(1) <= 0;
        const bool on = (mode == driver::MaintenanceMode::page) == seen;
        return {web.address + ":80", on ? 503 : 200, on, 0, ""};
    }
    driver::Drained drain(std::string_view, const WebSpec&, int64_t limitMs, const Context&) override {
        return onDrain ? onDrain(limitMs) : driver::Drained{};
    }
    Result<Json> remove(std::string_view, const WebSpec&, const Context&) override { return Json(JsonObject{}); }
    Result<Json> ensureRunning(const WebSpec&, const Context&) override { return Json(JsonObject{}); }
    Result<void> stop(const WebSpec&, const Context&) override { return {}; }
};

class ScriptedProcesses final : public driver::ProcessDriver {
  public:
    using Context = driver::Context;
    using Environment = std::map<std::string, std::string>;
    std::mutex mutex;
    std::map<std::string, Environment> running;  // by process: what it was started with
    Environment common;
    std::vector<std::string> history;

    Result<std::string> writeEnvironment(std::string_view, const Environment& environment, const Context&) override {
        const std::lock_guard guard(mutex);
        common = environment;
        return std::string("/environment");
    }
    Result<driver::ProcessState> apply(std::string_view, const ProcessSpec& spec, const Environment& environment,
                                       const Context&) override {
        const std::lock_guard guard(mutex);
        history.push_back("apply " + spec.name);
        running[spec.name] = environment;
        return state(spec.name);
    }
    Result<driver::ProcessState> restart(std::string_view application, const ProcessSpec& spec,
                                         const Environment& environment, const Context& context) override {
        return apply(application, spec, environment, context);
    }
    Result<driver::ProcessState> stop(std::string_view, const ProcessSpec& spec, const Context&) override {
        const std::lock_guard guard(mutex);
        history.push_back("stop " + spec.name);
        running.erase(spec.name);
        return state(spec.name);
    }
    driver::ProcessState inspect(std::string_view, const ProcessSpec& spec, const Context&) override {
        const std::lock_guard guard(mutex);
        return state(spec.name);
    }
    std::function<Result<driver::ProcessState>(const ProcessSpec&, const Context&)> onAwaitHealthy;
    Result<driver::ProcessState> awaitHealthy(std::string_view, const ProcessSpec& spec,
                                              const Context& context) override {
        if (onAwaitHealthy) return onAwaitHealthy(spec, context);
        const std::lock_guard guard(mutex);
        return state(spec.name);
    }
    bool isRunning(const std::string& name) {
        const std::lock_guard guard(mutex);
        return running.count(name) > 0;
    }

  private:
    driver::ProcessState state(const std::string& name) {
        const bool up = running.count(name) > 0;
        return {name, up ? 42 : 0, up, up, "shop", "", ""};
    }
};

class ScriptedDrivers final : public Drivers {
  public:
    ScriptedDatabases databases;
    ScriptedFronts fronts;
    ScriptedProcesses processes;

    Result<driver::DatabaseDriver*> database(Engine) override { return &databases; }
    Result<driver::WebDriver*> web(Front) override { return &fronts; }
    driver::ProcessDriver& process() override { return processes; }
};

// A server with an agent's directory and scripted drivers.
class AgentFixture : public testing::Test {
  protected:
    AgentFixture()
        : directory{chosenDirectory()},
          guards(directory.guards()),
          applications(directory.applications()),
          services{directory, "0.1.0", drivers, guards, applications, locks} {
        EXPECT_TRUE(directory.make());
        EXPECT_TRUE(applications.load());
    }
    ~AgentFixture() override { std::filesystem::remove_all(directory.root); }

    static std::string chosenDirectory() {
        const char* given = std::getenv("SWB_AGENT_TEST_DIRECTORY");
        return given ? given : std::filesystem::temp_directory_path() / newId("swb-agent-test");
    }
    static Json databaseJson(const std::string& name) {
        return *parseJson(R"({"name":")" + name + R"(","engine":"postgresql","server":"fra-1",
            "service":{"manage":"direct","data":"/srv/)" +
                          name + R"(","bin":"/usr/lib/postgresql/15/bin"},
            "address":"127.0.0.1:5432","database":"shop","user":"shop"})");
    }
    // shop-fra with databases main and logs, a web process, a worker that writes, and one front.
    static Json definition() {
        Json value = *parseJson(R"({"application":"shop-fra","environment":{"LOG_LEVEL":"info","A":"definition"},
            "variables":{"POSTGRESQL_ADDRESS":"127.0.0.1:5432","A":"variable"},"secrets":{"PASSWORD":"hunter2","POSTGRESQL_PASSWORD":"of-the-engine","POSTGRESQL_LOGS_PASSWORD":"of-logs"},
            "processes":{"web":{"server":"fra-1","command":["./web"],"environment":{"LOG_LEVEL":"debug"}},
                         "worker":{"server":"fra-1","command":["./worker"],"writes":true}},
            "web":[],"databases":{},"maintenance":{},"failoverStatus":"offline","epoch":3,"role":"standby"})");
        value.as_object()["web"] = JsonArray{webJson()};
        value.as_object()["databases"] = JsonObject{{"main", databaseJson("main")}, {"logs", databaseJson("logs")}};
        for (auto& member : value.as_object()["databases"].as_object()) member.value().as_object().erase("name");
        return value;
    }
    static Json webJson() {
        return *parseJson(R"({"server":"fra-1","front":"nginx","address":"127.0.0.1","listen":["80"],
                              "upstream":"127.0.0.1:3000"})");
    }
    static DatabaseKey keyOf(const std::string& name) { return {"shop-fra", name}; }
    void configure() { ASSERT_TRUE(run("application.configure", definition())); }

    link::Command command(const std::string& verb, Json args, int64_t epoch = 7) {
        return {newId("c"), "r-1", "step", "shop", epoch, verb, std::move(args), 5000};
    }
    static Json guardJson(const std::string& role, int64_t epoch = 7) {
        return JsonObject{{"group", "shop"}, {"epoch", epoch}, {"role", role}};
    }
    Json fenceArguments(int64_t epoch = 7) {
        return JsonObject{{"databases", JsonArray{databaseJson("main"), databaseJson("logs")}},
                          {"guard", guardJson("replica", epoch)},
                          {"budgetMs", 3000}};
    }
    Json takeOverArguments(const std::string& mode = "all", int64_t epoch = 7) {
        JsonArray list;
        for (const std::string name : {"main", "logs"})
            list.push_back(
                JsonObject{{"database", databaseJson(name)}, {"token", ScriptedDatabases::tokenOf(name, epoch)}});
        return JsonObject{{"databases", std::move(list)}, {"awaitMs", 1000}, {"mode", mode}};
    }
    // A verb without ledger and threads.
    Result<Json> run(const std::string& verb, Json args, int64_t epoch = 7, bool settle = false) {
        const auto one = command(verb, std::move(args), epoch);
        const VerbRow* row = findVerb(verb);
        VerbCall call{one, services, SystemClock().monotonic() + one.deadlineMs};
        call.cancelled = [this] { return cancelled.load(); };
        call.progress = [this](int64_t, int64_t, std::string_view sentence) { said.emplace_back(sentence); };
        return settle ? row->settle(call) : row->execute(call);
    }
    Result<Json> settle(const std::string& verb, Json args) { return run(verb, std::move(args), 7, true); }
    ScriptedServer& server(const std::string& name) { return drivers.databases.server(name); }
    std::string role(const std::string& name) {
        const auto guard = guards.read(keyOf(name));
        if (!guard) return "damaged";
        if (!*guard) return "none";
        return (*guard)->role + ((*guard)->fenced ? " fenced" : "");
    }

    std::vector<std::string> said;  // as progress
    AgentDirectory directory;
    ScriptedDrivers drivers;
    BootGuards guards;
    Applications applications;
    Locks locks;
    Services services;
    std::atomic<bool> cancelled{false};
};

template <typename T>
std::string codeOf(const Result<T>& result) {
    return result ? "done" : std::string(codeName(result.error().code));
}

}  // namespace swb::agent
