#include "driver/redis/supervision.h"

#include "base/file.h"
#include "base/log.h"
#include "driver/redis/fence.h"
#include "driver/redis/returned_data.h"

namespace swb::driver::redis {

namespace {

Json standing(const Instance& instance, std::string_view role, bool started, std::string_view note) {
    return JsonObject{{"name", instance.spec().name}, {"role", role}, {"started", started}, {"note", note}};
}

// A primary that the guard does not permit: its writes are held as by a fence, and it starts held from now on.
Result<Json> holdForbiddenPrimary(const Instance& instance, Connection& connection, bool started,
                                  const Context& context) {
    if (!instance.record(fenceRecord).is_null() && TRY(writesAreHeld(connection, context)))
        return standing(instance, "fenced", started, "a fence holds it");
    logWarning("redis", "{} runs as primary although its boot guard says replica: its writes are held",
               instance.data());
    constexpr int64_t noEpoch = 0;  // the fence of a run writes its own
    TRY_VOID(holdWrites(instance, connection, noEpoch, context));
    return standing(instance, "fenced", started, "it ran as primary against the boot guard: its writes are held");
}

Result<Json> settleHeld(const Instance& instance, Connection& connection, std::string_view guardRole, bool started,
                        const Context& context) {
    if (guardRole == "replica" || !instance.record(fenceRecord).is_null())
        return standing(instance, "fenced", started, "a fence holds it");
    TRY_VOID(promoteHeld(instance, connection, context));
    TRY_VOID(checkAcceptsWrites(instance, connection, context));
    logInfo("redis", "{} came back with its data and is a primary again", instance.data());
    return standing(instance, "primary", started, "its data came back");
}

}  // namespace

Result<Json> ensureRunning(const Instance& instance, std::string_view guardRole, const Context& context) {
    const RoleFile role = instance.role();
    constexpr int64_t lookMs = 1000;
    bool started = false;
    auto session = instance.session(withDeadline(context, within(context, lookMs)));
    if (!session && !instance.process()) {
        if (instance.service().isMasked(context)) return standing(instance, "stopped", false, "it is masked");
        if (instance.spec().service.manage != Manage::direct)
            return standing(instance, "stopped", false, "its service manager has not started it");
        if (!fileExists(instance.configFile())) return standing(instance, "stopped", false, "it is not set up yet");
        // Somebody may have rewritten the configuration: our file must be the last word of it.
        if (role.start() != RoleFile::Start::unsaid) TRY_VOID(instance.writeRole(role));
        started = true;
        session = instance.startAndConnect(context);
    } else {
        session = instance.awaitReady(context);
    }
    if (!session) return fail(session.error());
    const ServerState state = TRY(readState(**session, context.deadline));
    if (state.primary && guardRole == "replica") return holdForbiddenPrimary(instance, **session, started, context);
    if (state.primary)
        return standing(instance, instance.record(fenceRecord).is_null() ? "primary" : "fenced", started, "");
    if (role.start() == RoleFile::Start::held) return settleHeld(instance, **session, guardRole, started, context);
    return standing(instance, "replica", started, "");
}

Result<void> stopServer(const Instance& instance, const Context& context) {
    if (!instance.process()) return {};
    return instance.service().stop(context);
}

}  // namespace swb::driver::redis
