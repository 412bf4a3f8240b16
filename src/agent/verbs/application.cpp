// The application's own part of a server: its definition, environment and processes.
#include <algorithm>
#include <chrono>
#include <thread>

#include "agent/processes.h"
#include "agent/verbs/arguments.h"
#include "agent/verbs/parallel.h"
#include "agent/verbs/verbs.h"
#include "model/copy.h"

namespace swb::agent {
namespace {

Result<std::string> applicationName(VerbCall& call) {
    const std::string name = textAt(call.args(), "application");
    TRY_VOID(checkedCopyName("application", name));
    return name;
}

Result<std::optional<std::map<std::string, std::string>>> variables(VerbCall& call) {
    Arguments reader(call.args());
    const auto pairs = reader.stringMap("variables");
    const bool given = reader.object("variables") != nullptr;
    TRY_VOID(reader.finish());
    if (!given) return std::optional<std::map<std::string, std::string>>();
    return std::optional(std::map<std::string, std::string>(pairs.begin(), pairs.end()));
}

constexpr int64_t writeRetryMs = 5;
constexpr int64_t silentMs = 300;  // what is writable so soon needs no words

// The password that clients of an engine are given by convention: of this database, or of the engine's first one;
// without any the server trusts the connection itself.
Secret databasePassword(const LocalApplication& application, const DatabaseSpec& spec) {
    for (const std::string& prefix :
         {variablePrefix(spec.engine, spec.name), std::string(variablePrefix(spec.engine))}) {
        const auto secret = application.secrets.find(prefix + "_PASSWORD");
        if (secret != application.secrets.end()) return secret->second;
        const auto variable = application.environment.find(prefix + "_PASSWORD");
        if (variable != application.environment.end()) return Secret(variable->second);
    }
    return {};
}

// The server may still be coming up or in recovery: asked again until it writes.
Result<void> awaitWrite(const DatabaseItem& item, const Secret& password, const driver::Context& context) {
    const MonotonicMs begun = SystemClock().monotonic();
    for (;;) {
        auto written = item.driver->writeTest(item.spec, password, context);
        if (written) return {};
        if (context.cancelled() || context.remainingMs() < writeRetryMs)
            return fail(written.error().within("a write to database " + item.spec.name + " as user " + item.spec.user));
        if (SystemClock().monotonic() - begun >= silentMs)
            context.progress(0, 0,
                             "waiting for a write to database " + item.spec.name + " as user " + item.spec.user + ": " +
                                 written.error().message);
        std::this_thread::sleep_for(std::chrono::milliseconds(writeRetryMs));
    }
}

}  // namespace

Result<Json> applicationConfigure(VerbCall& call) {
    const std::string name = TRY(applicationName(call));
    const auto held = TRY(lockApplication(call, name));
    const LocalApplication application = TRY(call.services.applications.configure(call.args()));
    if (isInside(name)) return Json(JsonObject{{"environmentFile", nullptr}});  // nothing runs in its environment
    const std::string file = TRY(
        call.services.drivers.process().writeEnvironment(name, application.commonEnvironment(), call.processContext()));
    return Json(JsonObject{{"environmentFile", file}});
}

Result<Json> applicationRemove(VerbCall& call) {
    const std::string name = TRY(applicationName(call));
    const auto held = TRY(lockApplication(call, name));
    const auto application = call.services.applications.get(name);
    if (!application) return Json(JsonObject{});
    TRY(applyProcesses(call, *application, ProcessGoal::nothing));
    for (const auto& web : application->web) {
        auto* driver = TRY(call.services.drivers.web(web.front));
        const auto front = TRY(call.services.locks.acquire({frontLock(web)}, call.deadline));
        TRY(driver->remove(name, web, call.contextFor(web)));
    }
    if (isInside(name)) {
        TRY_VOID(call.services.applications.remove(name));
        return Json(JsonObject{});
    }
    // Empty: nothing of the application's secrets stays in the file that processes were given.
    TRY(call.services.drivers.process().writeEnvironment(name, {}, call.processContext()));
    TRY_VOID(call.services.applications.remove(name));
    return Json(JsonObject{});
}

Result<Json> processApply(VerbCall& call) {
    const std::string name = TRY(applicationName(call));
    const auto held = TRY(lockApplication(call, name));
    Applications::State state;
    state.supervised = true;
    state.writers = booleanAt(call.args(), "writers");
    const LocalApplication application = TRY(call.services.applications.change(name, state));
    JsonArray processes = TRY(applyProcesses(call, application, ProcessGoal::asStateSays));
    return Json(JsonObject{{"processes", std::move(processes)}});
}

Result<Json> processRestart(VerbCall& call) {
    const std::string name = TRY(applicationName(call));
    const std::string wanted = textAt(call.args(), "process");
    const auto held = TRY(lockApplication(call, name));
    const LocalApplication application = TRY(call.services.applications.get(name));
    const auto process = application.processes.find(wanted);
    if (process == application.processes.end())
        return fail(ErrorCode::NotFound, "application " + name + " has no process " + wanted + " on this server");
    if (!application.shouldRun(process->second))
        return fail(ErrorCode::RunState, "process " + wanted + " is not to run now",
                    "it writes, and its application is in maintenance or not current");
    auto& driver = call.services.drivers.process();
    TRY(driver.restart(name, process->second, application.environmentOf(process->second), call.processContext()));
    const auto state = TRY(driver.awaitHealthy(name, process->second, call.processContext()));
    return Json(JsonObject{{"processes", JsonArray{toJson(state)}}});
}

Result<Json> applicationActivate(VerbCall& call) {
    const std::string name = TRY(applicationName(call));
    const MonotonicMs begun = SystemClock().monotonic();
    const auto held = TRY(lockApplication(call, name));
    Applications::State state;
    state.failoverStatus = textAt(call.args(), "failoverStatus", "online");
    state.variables = TRY(variables(call));
    LocalApplication application = TRY(call.services.applications.change(name, state));

    JsonObject result{{"writableAfterMs", nullptr}};
    const Json* databases = memberAt(call.args(), "databases");
    const bool hasDatabases = databases && databases->is_array() && !databases->get_array().empty();
    if (hasDatabases) {
        auto items = TRY(plainDatabases(call));
        const int64_t awaitMs = std::max<int64_t>(integerAt(call.args(), "awaitWritableMs", call.deadline - begun), 1);
        const auto written = inParallel(items, [&](DatabaseItem& item) {
            return awaitWrite(item, databasePassword(application, item.spec),
                              call.contextFor(item.spec, begun + awaitMs));
        });
        if (const Error* error = firstError(written)) return fail(*error);
        result["writableAfterMs"] = SystemClock().monotonic() - begun;
    }
    // Writers start with maintenance.off: users wait for the web processes now, nobody waits for a worker.
    Applications::State running;
    running.supervised = true;
    application = TRY(call.services.applications.change(name, running));
    result["processes"] = TRY(applyProcesses(call, application, ProcessGoal::asStateSays));
    result["smoke"] = JsonObject{{"write", hasDatabases ? "ok" : "none"}};
    return Json(std::move(result));
}

// Other variables, the rest as it is: what runs is restarted or reloaded when they changed, as its definition says.
Result<Json> applicationRefresh(VerbCall& call) {
    const std::string name = TRY(applicationName(call));
    const auto held = TRY(lockApplication(call, name));
    Applications::State state;
    state.variables = TRY(variables(call));
    const LocalApplication application = TRY(call.services.applications.change(name, state));
    if (application.supervised)
        return Json(JsonObject{{"processes", TRY(applyProcesses(call, application, ProcessGoal::asStateSays))}});
    TRY(call.services.drivers.process().writeEnvironment(name, application.commonEnvironment(), call.processContext()));
    return Json(JsonObject{{"processes", JsonArray{}}});
}

Result<Json> applicationDeactivate(VerbCall& call) {
    const std::string name = TRY(applicationName(call));
    const auto held = TRY(lockApplication(call, name));
    Applications::State state;
    state.failoverStatus = textAt(call.args(), "failoverStatus", "offline");
    state.variables = TRY(variables(call));
    state.writers = false;
    state.supervised = true;
    const LocalApplication application = TRY(call.services.applications.change(name, state));
    JsonArray processes = TRY(applyProcesses(call, application, ProcessGoal::asStateSays));
    return Json(JsonObject{{"processes", std::move(processes)}});
}

}  // namespace swb::agent
