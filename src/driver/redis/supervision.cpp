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

// Why a server that is down is left so; empty when it is to be started.
std::string whyLeftDown(const Instance& instance, const Context& context) {
    if (instance.service().isMasked(context)) return "it is masked";
    if (instance.spec().service.manage != Manage::direct) return "its service manager has not started it";
    return fileExists(instance.configFile()) ? "" : "it is not set up yet";
}

Result<Json> settle(const Instance& instance, Connection& connection, std::string_view guardRole, bool started,
                    const Context& context) {
    const ServerState state = TRY(readState(connection, context.deadline));
    if (state.primary && guardRole == "replica") return holdForbiddenPrimary(instance, connection, started, context);
    if (state.primary)
        return standing(instance, instance.record(fenceRecord).is_null() ? "primary" : "fenced", started, "");
    if (instance.role().start() == RoleFile::Start::held)
        return settleHeld(instance, connection, guardRole, started, context);
    return standing(instance, "replica", started, "");
}

}  // namespace

Result<Json> ensureRunning(const Instance& instance, std::string_view guardRole, const Context& context) {
    constexpr int64_t lookMs = 1000;
    const bool answers = instance.session(withDeadline(context, within(context, lookMs))).has_value();
    if (answers || instance.process()) {
        auto session = instance.awaitReady(context);
        if (session) return settle(instance, **session, guardRole, false, context);
        // One that was just ending has a process, and connections that look good, for a moment.
        if (instance.process()) return fail(session.error());
    }
    if (const std::string why = whyLeftDown(instance, context); !why.empty())
        return standing(instance, "stopped", false, why);
    // Somebody may have rewritten the configuration: our file must be the last word of it.
    const RoleFile role = instance.role();
    if (role.start() != RoleFile::Start::unsaid) TRY_VOID(instance.writeRole(role));
    auto session = TRY(instance.startAndConnect(context));
    return settle(instance, *session, guardRole, true, context);
}

Result<void> stopServer(const Instance& instance, const Context& context) {
    if (!instance.process()) return {};
    return instance.service().stop(context);
}

}  // namespace swb::driver::redis
