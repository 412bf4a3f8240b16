// Maintenance of the web fronts: a flag per front, believed only when a probe through the front saw it.
#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "agent/processes.h"
#include "agent/verbs/arguments.h"
#include "agent/verbs/parallel.h"
#include "agent/verbs/verbs.h"

namespace swb::agent {
namespace {

using driver::FrontProbe;
using driver::MaintenanceMode;

constexpr int64_t probeAgainMs = 10;

std::string_view modeName(MaintenanceMode mode) {
    return mode == MaintenanceMode::page ? "page" : "off";
}

bool isInMaintenance(const FrontProbe& probe) {
    return probe.maintenance && probe.status == 503;
}

// What a front showed, and what became of the requests that it had let through before.
struct FrontState {
    FrontProbe probe;
    driver::Drained drained;
};

Json toJson(const FrontState& front) {
    const FrontProbe& probe = front.probe;
    JsonObject out{{"address", probe.address}, {"status", probe.status}, {"probedMs", probe.milliseconds}};
    if (!probe.error.empty()) out["error"] = probe.error;
    if (front.drained.state != driver::Drained::State::unknown) {
        out["drainedMs"] = front.drained.milliseconds;
        out["inFlight"] = front.drained.state == driver::Drained::State::busy;
    }
    return out;
}

// Sets the flag, then asks through the front until the answer shows it.
Result<FrontProbe> setOne(VerbCall& call, const std::string& application, const WebSpec& web, MaintenanceMode mode) {
    auto* driver = TRY(call.services.drivers.web(web.front));
    FrontProbe probe = TRY(driver->setMaintenance(application, web, mode, call.contextFor(web)));
    const auto seen = [mode](const FrontProbe& answer) {
        if (mode == MaintenanceMode::page) return isInMaintenance(answer);
        return !answer.maintenance && (answer.status != 0 || answer.passedOn);
    };
    while (!seen(probe)) {
        if (SystemClock().monotonic() + probeAgainMs >= call.deadline || call.cancelled())
            return fail(ErrorCode::ProbeFailed,
                        "the web front " + web.address + " does not show maintenance " + std::string(modeName(mode)) +
                            " (status " + std::to_string(probe.status) +
                            (probe.error.empty() ? ")" : ", " + probe.error + ")"),
                        "look at the front's error log; web.prepare writes its configuration anew");
        std::this_thread::sleep_for(std::chrono::milliseconds(probeAgainMs));
        probe = driver->probe(application, web, call.contextFor(web));
    }
    return probe;
}

// Maintenance takes nobody's request away: those that were let through before are answered, within drainMs.
Result<JsonArray> setAll(VerbCall& call, const std::string& application, std::vector<WebSpec>& fronts,
                         MaintenanceMode mode, int64_t drainMs = 0) {
    auto probes = inParallel(fronts, [&](WebSpec& web) -> Result<FrontState> {
        FrontState front{TRY(setOne(call, application, web, mode)), {}};
        auto* driver = TRY(call.services.drivers.web(web.front));
        if (drainMs > 0) front.drained = driver->drain(application, web, drainMs, call.contextFor(web));
        return front;
    });
    JsonArray list;
    for (const auto& probe : probes) {
        if (!probe) return fail(probe.error());
        list.push_back(toJson(*probe));
    }
    return list;
}

struct Target {
    std::string application;
    std::vector<WebSpec> fronts;
};

Result<Target> target(VerbCall& call) {
    Target found{textAt(call.args(), "application"), TRY(webArguments(call))};
    TRY_VOID(checkedName("application", found.application));
    return found;
}

Result<LocalApplication> setWriters(VerbCall& call, const std::string& application, bool writers) {
    Applications::State state;
    state.writers = writers;
    return call.services.applications.change(application, state);
}

// How many fronts have their flag as wanted.
Result<size_t> countInMode(VerbCall& call, const Target& wanted, MaintenanceMode mode) {
    size_t count = 0;
    for (const auto& web : wanted.fronts) {
        auto* driver = TRY(call.services.drivers.web(web.front));
        if (driver->maintenance(wanted.application, web, call.contextFor(web)) == mode) ++count;
    }
    return count;
}

}  // namespace

Result<Json> webPrepare(VerbCall& call) {
    const std::string application = textAt(call.args(), "application");
    TRY_VOID(checkedName("application", application));
    const Json* web = memberAt(call.args(), "web");
    if (!web) return fail(ErrorCode::InvalidInput, "web is required");
    const WebSpec spec = TRY(webFromJson(*web));
    MaintenanceSpec maintenance;
    if (const Json* given = memberAt(call.args(), "maintenance"); given && !given->is_null())
        maintenance = TRY(maintenanceFromJson(*given));
    const auto initial =
        textAt(call.args(), "initialMode", "off") == "page" ? MaintenanceMode::page : MaintenanceMode::off;
    auto* driver = TRY(call.services.drivers.web(spec.front));
    const auto held = TRY(call.services.locks.acquire({"application:" + application, frontLock(spec)}, call.deadline));
    return driver->prepare(application, spec, maintenance, initial, call.contextFor(spec));
}

Result<Json> maintenanceOn(VerbCall& call) {
    Target wanted = TRY(target(call));
    if (textAt(call.args(), "mode", "page") != "page")
        return fail(ErrorCode::Unsupported, "maintenance mode " + textAt(call.args(), "mode") + " is not supported",
                    "use page");
    const int64_t drainMs = integerAt(call.args(), "drainMs", 0);
    const auto held = TRY(lockApplication(call, wanted.application));
    const bool writersToo =
        booleanAt(call.args(), "stopWriters") && call.services.applications.get(wanted.application).has_value();
    const auto stop = [&](Writers which) -> Result<JsonArray> {
        if (!writersToo) return JsonArray{};
        // First the note, so that the supervisor of a restarted agent does not start them again.
        const LocalApplication application = TRY(setWriters(call, wanted.application, false));
        return stopWriters(call, application, which, wanted.fronts);
    };
    // Those whom no visitor waits for stop while the fronts are told: both are on the way into the write outage.
    auto others = std::async(writersToo ? std::launch::async : std::launch::deferred, stop, Writers::others);
    auto fronts = setAll(call, wanted.application, wanted.fronts, MaintenanceMode::page, drainMs);
    auto stopped = others.get();
    if (!fronts) return fail(fronts.error());
    if (!stopped) return fail(stopped.error());
    const JsonArray behind = TRY(stop(Writers::behindFronts));
    stopped->insert(stopped->end(), behind.begin(), behind.end());
    return Json(JsonObject{{"fronts", std::move(*fronts)}, {"stoppedProcesses", std::move(*stopped)}});
}

Result<Json> settleMaintenanceOn(VerbCall& call) {
    const Target wanted = TRY(target(call));
    const size_t on = TRY(countInMode(call, wanted, MaintenanceMode::page));
    if (on == 0 && !wanted.fronts.empty()) return notDone(call, "no front is in maintenance");
    return interrupted(call, std::to_string(on) + " of " + std::to_string(wanted.fronts.size()) +
                                 " fronts are in maintenance; writers may run or not");
}

Result<Json> maintenanceOff(VerbCall& call) {
    Target wanted = TRY(target(call));
    const auto held = TRY(lockApplication(call, wanted.application));
    const auto kept = call.services.applications.get(wanted.application);
    const bool writersToo = booleanAt(call.args(), "startWriters") && kept.has_value();
    const auto startWriters = [&]() -> Result<void> {
        const LocalApplication application = TRY(setWriters(call, wanted.application, true));
        TRY(applyProcesses(call, application, ProcessGoal::asStateSays));
        return {};
    };
    // A writer that visitors are sent to answers before they are; nobody waits for the others.
    const bool before = writersToo && std::any_of(kept->processes.begin(), kept->processes.end(), [&](const auto& one) {
                            return isOfThese(Writers::behindFronts, one.second, wanted.fronts);
                        });
    if (before) TRY_VOID(startWriters());
    JsonArray fronts = TRY(setAll(call, wanted.application, wanted.fronts, MaintenanceMode::off));
    if (writersToo && !before) TRY_VOID(startWriters());
    return Json(JsonObject{{"fronts", std::move(fronts)}});
}

Result<Json> settleMaintenanceOff(VerbCall& call) {
    const Target wanted = TRY(target(call));
    const size_t off = TRY(countInMode(call, wanted, MaintenanceMode::off));
    return interrupted(call, std::to_string(off) + " of " + std::to_string(wanted.fronts.size()) +
                                 " fronts are out of maintenance; writers may run or not");
}

Result<Json> maintenanceInspect(VerbCall& call) {
    Target wanted = TRY(target(call));
    auto fronts = inParallel(wanted.fronts, [&](WebSpec& web) -> Result<Json> {
        auto* driver = TRY(call.services.drivers.web(web.front));
        const auto mode = driver->maintenance(wanted.application, web, call.contextFor(web));
        const FrontProbe probe = driver->probe(wanted.application, web, call.contextFor(web));
        return Json(JsonObject{{"address", web.address},
                               {"mode", modeName(mode)},
                               {"status", probe.status},
                               {"maintenance", probe.maintenance},
                               {"error", probe.error}});
    });
    JsonArray list;
    for (auto& front : fronts) list.push_back(TRY(std::move(front)));
    return Json(JsonObject{{"fronts", std::move(list)}});
}

}  // namespace swb::agent
