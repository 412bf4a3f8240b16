#include "driver/mariadb/supervision.h"

#include "base/log.h"
#include "driver/mariadb/fence.h"
#include "driver/mariadb/promotion.h"
#include "driver/mariadb/seed.h"
#include "driver/mariadb/server_state.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* attendedRecord = "attended";  // {pid, startTicks} of the server process that was last opened

Json standing(const Instance& instance, std::string_view role, bool started, std::string_view note) {
    return JsonObject{{"name", instance.spec().name}, {"role", role}, {"started", started}, {"note", note}};
}

Json tagOf(const ProcessIdentity& server) {
    return JsonObject{{"pid", server.pid}, {"startTicks", server.startTicks}};
}

// A server that its guard does not permit to be a primary, and that follows nobody: it runs, and nobody gets in.
Result<Json> closeForbiddenPrimary(const Instance& instance, const ServerState& state, Connection& connection,
                                   bool started, const Context& context) {
    if (TRY(isFenced(instance, state, connection, context)) && instance.sessions().isHeld(instance.sessionsKey()))
        return standing(instance, "primary", started, "a fence holds it");
    if (!state.writesClosed)
        logWarning("mariadb", "{} runs as primary although its boot guard says replica: it is fenced", instance.data());
    TRY_VOID(closeToEverybody(instance, context));
    return standing(instance, "primary", started, "it is a primary against the boot guard and was fenced");
}

// Opened once for each start of the server: a person who closes it afterwards has a reason.
Result<Json> openPermittedPrimary(const Instance& instance, const ServerState& state, Connection& connection,
                                  bool started, std::string_view guardRole, const Context& context) {
    const auto server = instance.server();
    const bool attended = server && toText(instance.record(attendedRecord)) == toText(tagOf(*server));
    // A promotion that was cut off is repeated by the run that asked for it.
    const bool midway = instance.record(promotionRecord).is_object();
    // An unfence that was cut off: the guard permits writes, the fence is still there.
    const bool unfenced = guardRole == "primary" && hasFence(instance);
    if (!midway && (unfenced || (state.writesClosed && !attended && !hasFence(instance)))) {
        TRY_VOID(liftFence(instance, connection, context));
        TRY_VOID(openPrimary(instance, connection, context));
    }
    if (server && !attended && !midway) TRY_VOID(instance.writeRecord(attendedRecord, tagOf(*server)));
    return standing(instance, midway ? "replica" : "primary", started, "");
}

Result<Json> keepReplicaClosed(const Instance& instance, const ServerState& state, Connection& connection, bool started,
                               const Context& context) {
    if (!state.writesClosed)
        TRY_VOID(connection.execute(std::string(instance.dialect().closeWrites()), context.deadline));
    if (TRY(connection.value("SELECT @@GLOBAL.event_scheduler", context.deadline)) == "ON")
        TRY_VOID(connection.execute("SET GLOBAL event_scheduler = OFF", context.deadline));
    return standing(instance, "replica", started, "");
}

}  // namespace

Result<Json> ensureRunning(const Instance& instance, std::string_view guardRole, const Context& context) {
    TRY_VOID(discardHalfCopy(instance));
    if (!instance.hasData()) return standing(instance, "stopped", false, "there is no database yet");
    const bool started = !instance.server();
    if (started) {
        if (instance.service().isMasked(context)) return standing(instance, "stopped", false, "it is being replaced");
        if (instance.spec().service.manage != Manage::direct)
            return standing(instance, "stopped", false, "its service manager has not started it");
    }
    auto session = TRY(started ? instance.startAndConnect(context) : instance.awaitConnection(context));
    const ServerState state = TRY(readState(instance, *session, context));
    if (state.replica) return keepReplicaClosed(instance, state, *session, started, context);
    if (guardRole == "replica") return closeForbiddenPrimary(instance, state, *session, started, context);
    return openPermittedPrimary(instance, state, *session, started, guardRole, context);
}

Result<void> stopServer(const Instance& instance, const Context& context) {
    instance.sessions().forget(instance.sessionsKey());
    if (!instance.server()) return {};
    return instance.service().stop(context);
}

}  // namespace swb::driver::mariadb
