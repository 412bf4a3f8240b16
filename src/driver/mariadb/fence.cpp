#include "driver/mariadb/fence.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

#include "base/log.h"
#include "driver/mariadb/accounts.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* fenceRecord = "fence";  // {accounts: [...], token: {...} or null}
constexpr int64_t unlockMs = 1000;            // whatever the caller's deadline: a lock must not stay behind

Accounts recordedAccounts(const Json& record) {
    Accounts accounts;
    const Json* list = memberAt(record, "accounts");
    if (list && list->is_array())
        for (const auto& account : list->get_array())
            if (account.is_string()) accounts.emplace_back(account.get_string());
    return accounts;
}

JsonArray listOf(const Accounts& accounts) {
    JsonArray list;
    for (const auto& account : accounts) list.emplace_back(account);
    return list;
}

// A primary, prepared, without prepared transactions: they would keep their locks, invisibly, on the other side.
Result<void> checkMayFence(const Instance& instance, Connection& connection, const Context& context) {
    const ServerState state = TRY(readState(instance, connection, context));
    if (state.replica)
        return fail(ErrorCode::GuardRefused, "the server is a replica: there is no primary to fence",
                    "Inspect the databases; the current application may be another one.");
    if (state.identity.empty() || state.position.empty())
        return fail(ErrorCode::NotReady, "the server was never prepared as a source",
                    "Enable replication between the two applications.");
    const Rows prepared = TRY(connection.query("XA RECOVER", context.deadline));
    if (!prepared.empty())
        return fail(ErrorCode::PreparedTransactions, std::to_string(prepared.size()) + " XA transactions are prepared",
                    "Commit or roll them back (XA RECOVER shows them), then try again.");
    return {};
}

// The accounts that are open and will be locked. They are recorded before: unlocking must know them whatever happens in
// between.
Result<Accounts> recordOpenAccounts(const Instance& instance, Connection& connection, const Context& context) {
    Accounts open = TRY(openAccounts(instance, connection, context));
    const Json record = instance.record(fenceRecord);
    if (open.empty() && record.is_object()) return open;
    Accounts known = recordedAccounts(record);
    bool changed = !record.is_object();
    for (const auto& account : open)
        if (std::find(known.begin(), known.end(), account) == known.end()) {
            known.push_back(account);
            changed = true;
        }
    if (changed) {
        const Json* token = memberAt(record, "token");
        TRY_VOID(instance.writeRecord(
            fenceRecord, JsonObject{{"accounts", listOf(known)}, {"token", token ? *token : Json(nullptr)}}));
    }
    return open;
}

// A statement that waits longer than this waits for somebody: for a statement that runs on, or for a session that holds
// locks and does nothing (LOCK TABLES, a console that somebody left). The latter is ended, as it would be a moment
// later.
class IdleSessionsEnder {
  public:
    IdleSessionsEnder(const Instance& instance, const Context& context)
        : ended_(std::async(std::launch::async, [this, &instance, &context] {
              std::unique_lock lock(mutex_);
              if (arrived_.wait_for(lock, std::chrono::milliseconds(patienceMs), [this] { return locked_; })) return;
              lock.unlock();
              auto session = instance.session(context);
              if (session) (void)endIdleSessions(instance, **session, context);
          })) {}
    ~IdleSessionsEnder() {
        {
            const std::lock_guard lock(mutex_);
            locked_ = true;
        }
        arrived_.notify_all();
        ended_.wait();
    }

  private:
    static constexpr int64_t patienceMs = 100;
    std::mutex mutex_;
    std::condition_variable arrived_;
    bool locked_ = false;
    std::future<void> ended_;  // last: it uses the others
};

// The global read lock, in this session from now on. It waits for running statements, but no longer than it is told:
// otherwise it would take effect at some later moment, when nobody expects it any more.
Result<void> takeLock(const Instance& instance, Connection& connection, const Context& context) {
    constexpr unsigned lockWaitTimeout = 1205;
    const int64_t seconds = std::clamp<int64_t>(context.remainingMs() / 2000, 1, 3);
    TRY_VOID(connection.execute("SET SESSION lock_wait_timeout = " + std::to_string(seconds), context.deadline));
    const IdleSessionsEnder ender(instance, context);
    auto locked = connection.execute("FLUSH TABLES WITH READ LOCK", context.deadline);
    if (locked || connection.lastErrorNumber() != lockWaitTimeout) return locked;
    return fail(ErrorCode::DeadlineExceeded,
                "a running statement kept the fence waiting for " + std::to_string(seconds) + " s",
                "Look for a long statement (SHOW PROCESSLIST); end it, or wait for it, and try again.");
}

// Under the lock. Sessions first: one that may set read_only could undo it; the lock stops their writes meanwhile.
Result<void> closeWrites(const Instance& instance, Connection& connection, const Context& context) {
    TRY_VOID(endSessions(instance, connection, context));
    TRY_VOID(connection.execute(std::string(instance.dialect().closeWrites()), context.deadline));
    if (TRY(connection.value("SELECT @@GLOBAL.event_scheduler", context.deadline)) != "ON") return {};
    return connection.execute("SET GLOBAL event_scheduler = OFF", context.deadline);
}

// Every part of the fence, each only where it is missing; the session that holds the lock is kept.
Result<void> establish(const Instance& instance, const Context& context) {
    Sessions& sessions = instance.sessions();
    auto session = TRY(instance.session(context));
    const bool held = sessions.isHeld(instance.sessionsKey());
    if (!held) {
        const Accounts open = TRY(recordOpenAccounts(instance, *session, context));
        TRY_VOID(context.beforeClosing());
        TRY_VOID(lockAccounts(instance, *session, open, context));
        if (auto locked = takeLock(instance, *session, context); !locked) {
            // Nothing was closed yet: writes go on as before, without waiting for the undo.
            if (session->usable()) TRY_VOID(liftFence(instance, *session, context));
            return locked;
        }
    }
    auto closed = closeWrites(instance, *session, context);
    if (held) return closed;
    // A session that goes back to the idle ones must not take the lock with it.
    if (closed)
        sessions.hold(instance.sessionsKey(), session.release());
    else
        (void)session->execute("UNLOCK TABLES", SystemClock().monotonic() + unlockMs);
    return closed;
}

}  // namespace

Result<Token> fence(const Instance& instance, int64_t epoch, const Context& context) {
    const Dialect& dialect = instance.dialect();
    {
        // One that died behind its fence comes up closed.
        auto session = TRY(instance.startedSession(context));
        TRY_VOID(checkMayFence(instance, *session, context));
    }
    TRY_VOID(establish(instance, context));
    auto session = TRY(instance.session(context));
    const ServerState state = TRY(readState(instance, *session, context));
    if (!state.writesClosed || state.replica)
        return fail(ErrorCode::VerificationFailed, "the server was opened while it was being fenced",
                    "Somebody else changes its read_only or its replication.");
    const Json record = instance.record(fenceRecord);
    if (const Json* former = memberAt(record, "token"); former && former->is_object()) {
        const bool same = TRY(dialect.relation(state.position, textAt(*former, "end"))) == Relation::equal;
        if (same && integerAt(*former, "epoch") == epoch) return Token{instance.spec().name, *former};
        if (!same && integerAt(*former, "epoch") == epoch)
            return fail(ErrorCode::VerificationFailed,
                        "the fenced server went on from " + textAt(*former, "end") + " to " + state.position,
                        "Find out who wrote behind the fence.");
    }
    Token token =
        makeToken(instance.spec().name, dialect.engine(), {state.identity, state.position, epoch}, SystemClock().now());
    TRY_VOID(instance.writeRecord(fenceRecord,
                                  JsonObject{{"accounts", listOf(recordedAccounts(record))}, {"token", token.proof}}));
    return token;
}

bool hasFence(const Instance& instance) {
    return instance.record(fenceRecord).is_object();
}

Result<void> closeToEverybody(const Instance& instance, const Context& context) {
    return establish(instance, context);
}

Result<void> liftFence(const Instance& instance, Connection& connection, const Context& context) {
    Sessions& sessions = instance.sessions();
    if (auto holder = sessions.takeHolder(instance.sessionsKey())) {
        (void)holder->execute("UNLOCK TABLES", SystemClock().monotonic() + unlockMs);
        sessions.closed(instance.sessionsKey(), holder->id());
    }
    (void)connection.execute("UNLOCK TABLES", context.deadline);
    const Json record = instance.record(fenceRecord);
    if (!record.is_object()) return {};
    TRY_VOID(unlockAccounts(instance, connection, recordedAccounts(record), context));
    return instance.removeRecord(fenceRecord);
}

Result<bool> isFenced(const Instance& instance, const ServerState& state, Connection& connection,
                      const Context& context) {
    if (state.replica || !state.writesClosed || !hasFence(instance)) return false;
    return TRY(openAccounts(instance, connection, context)).empty();
}

Result<void> unfence(const Instance& instance, const Context& context) {
    auto session = TRY(instance.startedSession(context));
    const ServerState state = TRY(readState(instance, *session, context));
    if (state.replica)
        return fail(ErrorCode::GuardRefused, "the server follows a source: it is a replica, not a fenced primary",
                    "Promote it by a switch, or with database promote.");
    TRY_VOID(liftFence(instance, *session, context));
    TRY_VOID(openPrimary(instance, *session, context));
    return proveWritable(*session, context);
}

}  // namespace swb::driver::mariadb
