#include "driver/postgresql/fence.h"

#include <signal.h>

#include <future>

#include "base/log.h"
#include "driver/postgresql/urgency.h"
#include "driver/postgresql/wal_record.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

// A running primary without prepared transactions: they would hold their locks, invisibly, on the other side.
Result<void> checkMayStop(Connection& connection, const Context& context) {
    const Rows rows =
        TRY(connection.query("SELECT pg_is_in_recovery(), (SELECT count(*) FROM pg_prepared_xacts)", context.deadline));
    if (rows.at(0).at(0) == "t")
        return fail(ErrorCode::GuardRefused, "the server is a replica: there is no primary to fence",
                    "Inspect the databases; the current application may be another one.");
    if (rows.at(0).at(1) != "0")
        return fail(ErrorCode::PreparedTransactions, *rows.at(0).at(1) + " prepared transactions are open",
                    "Commit or roll them back (pg_prepared_xacts shows them), then try again.");
    return {};
}

bool isStopping(const Instance& instance) {
    const auto control = instance.control();
    return control && (control->state == ControlState::shutDown || control->state == ControlState::shuttingDown);
}

// Until pg_control says "shut down": the log is complete. The postmaster may live on for as long as an archive command.
Result<ControlFile> awaitShutDown(const Instance& instance, const std::optional<ProcessIdentity>& postmaster,
                                  const Context& context) {
    for (;;) {
        const ControlFile control = TRY(instance.control());
        if (control.state == ControlState::shutDown) return control;
        if (!postmaster || !isAlive(*postmaster)) {
            // It may have written its last word between the two looks.
            const ControlFile last = TRY(instance.control());
            if (last.state == ControlState::shutDown) return last;
            return fail(ErrorCode::VerificationFailed,
                        "the server is down, but its control file says \"" + std::string(nameOf(last.state)) + "\"",
                        "It did not stop cleanly: start it again (unfence) and look at its log.");
        }
        if (context.remainingMs() == 0 || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded,
                        "the server did not shut down in time; its control file says \"" +
                            std::string(nameOf(control.state)) + "\"",
                        "A replication connection that does not answer can hold the stop. It is started again.");
        pause(pollMs);
    }
}

}  // namespace

Result<Token> fence(const Instance& instance, int64_t epoch, const Context& context) {
    const auto postmaster = instance.postmaster();
    bool seenServing = false;
    if (postmaster) {
        auto session = instance.session(context);
        seenServing = session.has_value();
        // No connection, and the stop is under way already: an earlier fence was interrupted here.
        if (!session && !isStopping(instance) && !instance.standbySignal()) return fail(session.error());
        if (session) TRY_VOID(checkMayStop(**session, context));
    } else if (const ControlFile control = TRY(instance.control()); control.state != ControlState::shutDown) {
        return fail(ErrorCode::VerificationFailed,
                    "the server is down, but its control file says \"" + std::string(nameOf(control.state)) + "\"",
                    "Start it again and look at its log.");
    }
    TRY_VOID(instance.putStandbySignal(false));
    if (postmaster) {
        TRY_VOID(context.beforeClosing());
        hurryStop(*postmaster);
        sendSignal(*postmaster, SIGINT);
    }
    // While the server writes its checkpoint, the fence is made to last.
    auto lasting = std::async(std::launch::async, [&]() -> Result<void> {
        TRY_VOID(instance.service().mask(context));
        return instance.putStandbySignal(true);
    });
    // A server that was seen serving has "in production" in its control file until the very end. One that was not may
    // just be starting, with the "shut down" of its former stop: then only its exit makes the file final.
    const bool ended = seenServing || !postmaster || awaitExit(*postmaster, context.deadline);
    auto control = awaitShutDown(instance, postmaster, context);
    TRY_VOID(lasting.get());
    if (!ended) return fail(ErrorCode::DeadlineExceeded, "the server did not end in time");
    if (!control) return fail(control.error());
    SwitchToken token{control->systemId, control->timeline, control->checkpoint, 0};
    token.end = TRY(endOfShutdownCheckpoint(instance.data(), *control));
    if (hasRecordAfter(instance.data(), *control, token.timeline, token.checkpoint, token.end))
        return fail(ErrorCode::VerificationFailed, "the log goes on after the shutdown checkpoint");
    return makeToken(instance.spec().name, token, epoch, control->updatedAtSeconds * 1000);
}

Result<void> endPostmaster(const Instance& instance, int64_t patienceMs, const Context& context) {
    const auto postmaster = instance.postmaster();
    if (!postmaster) return {};
    // Once more for a postmaster that is stopping already changes nothing.
    sendSignal(*postmaster, SIGINT);
    if (awaitExit(*postmaster, within(context, patienceMs))) return {};
    // Not final yet: a crash would be recovered from, but time is the cheaper way, for a while.
    constexpr int64_t unfinishedPatienceMs = 1000;
    const MonotonicMs until = SystemClock().monotonic() + std::min(context.remainingMs() / 2, unfinishedPatienceMs);
    while (SystemClock().monotonic() < until && !context.cancelled()) {
        const auto control = instance.control();
        if (control && (control->state == ControlState::shutDown || control->state == ControlState::shutDownInRecovery))
            break;
        if (!isAlive(*postmaster)) return {};
        pause(5);
    }
    logWarning("postgresql", "the server in {} does not end: immediate shutdown", instance.data());
    sendSignal(*postmaster, SIGQUIT);
    // The postmaster kills children that do not follow, but only after five seconds.
    constexpr int64_t followMs = 300;
    if (!awaitExit(*postmaster, within(context, followMs)))
        for (const auto& child : childrenOf(*postmaster)) sendSignal(child, SIGKILL);
    if (!awaitExit(*postmaster, context.deadline))
        return fail(ErrorCode::DeadlineExceeded, "the postmaster of " + instance.data() + " does not end");
    return {};
}

Result<bool> acceptsWrites(Connection& connection, const Context& context) {
    const Rows rows = TRY(connection.query("SELECT pg_is_in_recovery()", context.deadline));
    if (rows.at(0).at(0) != "f") return false;
    // An id is given only by a server that may write; the commit goes to disk.
    TRY(connection.query("SELECT pg_current_xact_id()", context.deadline));
    return true;
}

namespace {

// What unfence() finds: a server that has to be brought to an end first, or one that serves already.
enum class Found { serving, down };

Result<Found> settleRunning(const Instance& instance, const Context& context) {
    const auto postmaster = instance.postmaster();
    if (!postmaster) return Found::down;
    constexpr int64_t patienceMs = 300;
    auto session = instance.session(withDeadline(context, within(context, patienceMs)));
    if (session) {
        // Otherwise somebody started it behind the fence: a standby, which holds exactly our data.
        const auto writes = acceptsWrites(**session, context);
        if (writes && *writes) return Found::serving;
    }
    TRY_VOID(endPostmaster(instance, patienceMs, context));
    return Found::down;
}

}  // namespace

Result<void> unfence(const Instance& instance, const Context& context) {
    if (!instance.record("rejoin").is_null())
        return fail(ErrorCode::GuardRefused, "the server follows the other site already",
                    "After the point of no return the way back is another switch.");
    // A replica has nothing to go back to. The mask and the states of a primary are what a fence leaves behind.
    const ControlFile control = TRY(instance.control());
    if (!instance.service().isMasked(context) &&
        (control.state == ControlState::shutDownInRecovery || control.state == ControlState::inArchiveRecovery))
        return fail(ErrorCode::GuardRefused, "the server is a replica, not a fenced primary",
                    "Promote it by a switch, or with database promote.");
    const Found found = TRY(settleRunning(instance, context));
    TRY_VOID(instance.removeStandbySignal());
    TRY_VOID(instance.service().unmask(context));
    if (found == Found::serving) return {};
    auto session = TRY(instance.startAndConnect(context));
    for (;;) {
        if (TRY(acceptsWrites(*session, context))) return {};
        if (context.remainingMs() == 0)
            return fail(ErrorCode::DeadlineExceeded, "the server is up but stays in recovery");
        pause(2);
    }
}

}  // namespace swb::driver::postgresql
