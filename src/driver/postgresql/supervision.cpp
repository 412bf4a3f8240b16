#include "driver/postgresql/supervision.h"

#include "base/log.h"
#include "driver/postgresql/divergence.h"
#include "driver/postgresql/fence.h"
#include "driver/postgresql/seed.h"

namespace swb::driver::postgresql {

namespace {

Json standing(const Instance& instance, std::string_view role, bool started, std::string_view note) {
    return JsonObject{{"name", instance.spec().name}, {"role", role}, {"started", started}, {"note", note}};
}

// A primary that the guard does not permit: it stops, and comes up as a standby from now on.
Result<Json> stopForbiddenPrimary(const Instance& instance, const Context& context) {
    logWarning("postgresql", "{} runs as primary although its boot guard says replica: it is stopped", instance.data());
    TRY_VOID(instance.putStandbySignal(true));
    TRY_VOID(instance.service().mask(context));
    const int64_t patienceMs = context.remainingMs() / 3;
    TRY_VOID(endPostmaster(instance, patienceMs, context));
    return standing(instance, "stopped", false, "it ran as primary against the boot guard and was stopped");
}

// By its control file a primary, and neither fenced nor in the hands of a rejoin or a seed.
bool ranAsPrimary(const Instance& instance) {
    const auto control = instance.control();
    if (!control || !control->isOfPrimary()) return false;
    // A base copy has the control file of its source, and a label until it has been started.
    for (const char* record : {"rejoin", "seed"})
        if (!instance.record(record).is_null()) return false;
    return instance.readDataFile("backup_label").value_or("").empty();
}

Result<std::string> runningRole(const Instance& instance, const Context& context) {
    auto session = TRY(instance.awaitConnection(context));
    return TRY(session->value("SELECT pg_is_in_recovery()", context.deadline)) == "t" ? std::string("replica")
                                                                                      : std::string("primary");
}

}  // namespace

Result<Json> ensureRunning(const Instance& instance, std::string_view guardRole, const Context& context) {
    TRY_VOID(discardHalfCopy(instance));
    if (!instance.hasData()) return standing(instance, "stopped", false, "there is no database yet");
    const bool mustFollow = guardRole == "replica";
    if (instance.postmaster()) {
        if (mustFollow && instance.control().has_value() && instance.control()->state == ControlState::inProduction)
            return stopForbiddenPrimary(instance, context);
        const std::string role = TRY(runningRole(instance, context));
        if (mustFollow && role == "primary") return stopForbiddenPrimary(instance, context);
        return standing(instance, role, false, "");
    }
    // Before any start, by whomever: the operating system may start it the moment we look away.
    if (mustFollow) TRY_VOID(instance.putStandbySignal(true));
    if (instance.service().isMasked(context)) return standing(instance, "stopped", false, "a fence holds it");
    if (mustFollow && ranAsPrimary(instance)) {
        logWarning("postgresql", "{} was a primary and comes up as a replica: it follows nobody until it is resynced",
                   instance.data());
        TRY_VOID(quarantine(instance));
    }
    if (instance.spec().service.manage != Manage::direct)
        return standing(instance, "stopped", false, "its service manager has not started it");
    auto session = TRY(instance.startAndConnect(context));
    const std::string role = TRY(runningRole(instance, context));
    return standing(instance, role, true, "");
}

Result<void> stopServer(const Instance& instance, const Context& context) {
    if (!instance.postmaster()) return {};
    return instance.service().stop(context);
}

}  // namespace swb::driver::postgresql
