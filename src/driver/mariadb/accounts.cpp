#include "driver/mariadb/accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace swb::driver::mariadb {

namespace {

Result<Accounts> accountsOf(std::string_view query, Connection& connection, const Context& context) {
    const std::string own = TRY(connection.value("SELECT CURRENT_USER()", context.deadline));
    const Rows rows = TRY(connection.query(std::string(query), context.deadline));
    Accounts accounts;
    for (const auto& row : rows) {
        const std::string &user = row.at("User"), &host = row.at("Host");
        if (user == replicationUser || user + "@" + host == own) continue;
        accounts.push_back(connection.literal(user) + "@" + connection.literal(host));
    }
    return accounts;
}

Result<void> alterAccounts(const Instance& instance, Connection& connection, const Accounts& accounts, const char* how,
                           const Context& context) {
    // In groups: one statement of thousands of names would be longer than the server takes.
    constexpr size_t groupMax = 200;
    for (size_t first = 0; first < accounts.size(); first += groupMax) {
        const size_t last = std::min(accounts.size(), first + groupMax);
        const std::string names =
            fmt::format("{}", fmt::join(accounts.begin() + static_cast<std::ptrdiff_t>(first),
                                        accounts.begin() + static_cast<std::ptrdiff_t>(last), ", "));
        TRY_VOID(executeUnlogged(instance, connection, "ALTER USER IF EXISTS " + names + " ACCOUNT " + how, context));
    }
    return {};
}

// Whether a session of the process list could still commit something.
bool mayWrite(const Row& row, const std::set<uint64_t>& ours) {
    const std::string &user = row.at("USER"), &command = row.at("COMMAND");
    if (ours.count(std::strtoull(row.at("ID").c_str(), nullptr, 10)) > 0) return false;
    // Replicas may read only, and one that is just coming back is still needed for the last transactions.
    if (user == "system user" || user == "event_scheduler" || user == replicationUser) return false;
    // A killed session commits nothing any more; rolling back may keep it for a while.
    return command != "Binlog Dump" && command != "Binlog Dump GTID" && command != "Daemon" && command != "Killed";
}

}  // namespace

Result<void> executeUnlogged(const Instance& instance, Connection& connection, const std::string& statement,
                             const Context& context) {
    const Dialect& dialect = instance.dialect();
    const bool closed =
        dialect.closesForEverybody() &&
        TRY(connection.value("SELECT " + std::string(dialect.writesAreClosed()), context.deadline)) == "1";
    TRY_VOID(connection.execute("SET SESSION sql_log_bin = 0", context.deadline));
    if (closed) TRY_VOID(connection.execute(std::string(dialect.admitAdministrators()), context.deadline));
    auto done = connection.execute(statement, context.deadline);
    if (closed) TRY_VOID(connection.execute(std::string(dialect.closeWrites()), context.deadline));
    TRY_VOID(connection.execute("SET SESSION sql_log_bin = 1", context.deadline));
    return done;
}

Result<Accounts> openAccounts(const Instance& instance, Connection& connection, const Context& context) {
    return accountsOf(instance.dialect().openAccounts(), connection, context);
}

Result<Accounts> unboundAccounts(const Instance& instance, Connection& connection, const Context& context) {
    return accountsOf(instance.dialect().unboundAccounts(), connection, context);
}

Result<void> lockAccounts(const Instance& instance, Connection& connection, const Accounts& accounts,
                          const Context& context) {
    return alterAccounts(instance, connection, accounts, "LOCK", context);
}

Result<void> unlockAccounts(const Instance& instance, Connection& connection, const Accounts& accounts,
                            const Context& context) {
    return alterAccounts(instance, connection, accounts, "UNLOCK", context);
}

Result<void> endIdleSessions(const Instance& instance, Connection& connection, const Context& context) {
    const std::set<uint64_t> ours = instance.sessions().ours(instance.sessionsKey());
    const Rows rows = TRY(connection.query(
        "SELECT ID, USER, COMMAND FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep'", context.deadline));
    for (const auto& row : rows)
        if (mayWrite(row, ours)) (void)connection.execute("KILL CONNECTION " + row.at("ID"), context.deadline);
    return {};
}

Result<void> endSessions(const Instance& instance, Connection& connection, const Context& context) {
    constexpr unsigned noSuchThread = 1094;
    for (;;) {
        const std::set<uint64_t> ours = instance.sessions().ours(instance.sessionsKey());
        const Rows rows =
            TRY(connection.query("SELECT ID, USER, COMMAND FROM information_schema.PROCESSLIST", context.deadline));
        size_t left = 0;
        for (const auto& row : rows) {
            if (!mayWrite(row, ours)) continue;
            ++left;
            const auto ended = connection.execute("KILL CONNECTION " + row.at("ID"), context.deadline);
            if (!ended && connection.lastErrorNumber() != noSuchThread) return ended;
        }
        if (left == 0) return {};
        if (context.remainingMs() == 0 || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded, std::to_string(left) + " sessions of the server do not end",
                        "SHOW PROCESSLIST names them.");
    }
}

}  // namespace swb::driver::mariadb
