#include "driver/postgresql/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>

namespace swb::driver::postgresql {

namespace {

// The server's messages end in line breaks and may have several lines; the first says what happened.
std::string firstLine(const char* message) {
    std::string text = message ? message : "";
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    constexpr size_t messageBytesMax = 500;
    if (text.size() > messageBytesMax) text.resize(messageBytesMax);
    return text;
}

int timeout(MonotonicMs deadline) {
    return static_cast<int>(std::clamp<int64_t>(deadline - SystemClock().monotonic(), 0, 60'000));
}

struct ResultCloser {
    void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPointer = std::unique_ptr<PGresult, ResultCloser>;

Rows rowsOf(const PGresult* result) {
    Rows rows(static_cast<size_t>(PQntuples(result)));
    for (int row = 0; row < PQntuples(result); ++row)
        for (int column = 0; column < PQnfields(result); ++column) {
            auto& cells = rows[static_cast<size_t>(row)];
            if (PQgetisnull(result, row, column))
                cells.emplace_back();
            else
                cells.emplace_back(std::string(PQgetvalue(result, row, column),
                                               static_cast<size_t>(PQgetlength(result, row, column))));
        }
    return rows;
}

std::string tagOf(const Parameters& parameters) {
    std::string host, port;
    for (const auto& [key, value] : parameters) {
        if (key == "host") host = value;
        if (key == "port") port = value;
    }
    return host + (host.empty() || host.front() == '/' ? " port " : ":") + port;
}

}  // namespace

void Connection::Closer::operator()(pg_conn* connection) const {
    PQfinish(connection);
}

Result<Connection> Connection::open(const Parameters& parameters, const OsUser& user, MonotonicMs deadline) {
    std::vector<const char*> keywords, values;
    for (const auto& [key, value] : parameters) {
        keywords.push_back(key.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    // The peer's credentials are taken when the socket connects, the key file is opened during the handshake.
    const ActAs acting(user);
    if (!acting.effective())
        return fail(ErrorCode::Unreachable, "cannot act as the operating-system user " + user.name);
    Connection connection(PQconnectStartParams(keywords.data(), values.data(), 0));
    pg_conn* raw = connection.connection_.get();
    if (!raw) return fail(ErrorCode::Unreachable, "no memory for a connection");
    PQsetNoticeProcessor(
        raw, [](void*, const char*) {}, nullptr);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (PQstatus(raw) != CONNECTION_BAD && status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!connection.waitFor(events, deadline))
            return fail(ErrorCode::DeadlineExceeded, "PostgreSQL at " + tagOf(parameters) + " did not answer in time",
                        "Check the address, the firewall and that the server runs.");
        status = PQconnectPoll(raw);
    }
    if (PQstatus(raw) != CONNECTION_OK)
        return fail(ErrorCode::Unreachable,
                    "PostgreSQL at " + tagOf(parameters) + ": " + firstLine(PQerrorMessage(raw)),
                    "Check that the server runs and admits this user.");
    PQsetnonblocking(raw, 1);
    return connection;
}

bool Connection::waitFor(short events, MonotonicMs deadline) {
    for (;;) {
        pollfd waited{PQsocket(connection_.get()), events, 0};
        const int answer = ::poll(&waited, 1, timeout(deadline));
        if (answer > 0) return true;
        if (timeout(deadline) == 0) return false;
    }
}

Result<Rows> Connection::collect(MonotonicMs deadline) {
    pg_conn* raw = connection_.get();
    Rows rows;
    std::optional<Error> error;
    const auto timedOut = [this]() -> tl::unexpected<Error> {
        broken_ = true;
        return fail(ErrorCode::DeadlineExceeded, "the database did not answer a statement in time");
    };
    int pending;
    while ((pending = PQflush(raw)) > 0)
        if (!waitFor(POLLOUT | POLLIN, deadline) || !PQconsumeInput(raw)) return timedOut();
    for (;;) {
        while (pending == 0 && PQisBusy(raw)) {
            if (!waitFor(POLLIN, deadline)) return timedOut();
            if (!PQconsumeInput(raw)) break;
        }
        const ResultPointer result(PQgetResult(raw));
        if (!result) break;
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_TUPLES_OK) rows = rowsOf(result.get());
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            const char* primary = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
            const char* detail = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_DETAIL);
            std::string said = firstLine(primary ? primary : PQresultErrorMessage(result.get()));
            if (detail) said += " (" + firstLine(detail) + ")";
            if (!error) error = Error(ErrorCode::DatabaseFailed, "PostgreSQL: " + said);
        }
    }
    if (PQstatus(raw) != CONNECTION_OK) {
        broken_ = true;
        if (!error) error = Error(ErrorCode::DatabaseFailed, "the database ended the connection");
    }
    if (error) return fail(*error);
    return rows;
}

Result<Rows> Connection::query(const std::string& sql, MonotonicMs deadline) {
    if (!usable() || !PQsendQuery(connection_.get(), sql.c_str())) {
        broken_ = true;
        return fail(ErrorCode::DatabaseFailed, "PostgreSQL: " + firstLine(PQerrorMessage(connection_.get())));
    }
    return collect(deadline);
}

Result<Rows> Connection::query(const std::string& sql, const std::vector<std::string>& parameters,
                               MonotonicMs deadline) {
    std::vector<const char*> values;
    for (const auto& parameter : parameters) values.push_back(parameter.c_str());
    if (!usable() || !PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                        values.data(), nullptr, nullptr, 0)) {
        broken_ = true;
        return fail(ErrorCode::DatabaseFailed, "PostgreSQL: " + firstLine(PQerrorMessage(connection_.get())));
    }
    return collect(deadline);
}

Result<std::string> Connection::value(const std::string& sql, MonotonicMs deadline) {
    const Rows rows = TRY(query(sql, deadline));
    if (rows.empty() || rows[0].empty()) return std::string();
    return rows[0][0].value_or("");
}

Result<void> Connection::stream(const std::string& sql, const std::function<bool(std::string_view)>& take,
                                MonotonicMs deadline) {
    TRY_VOID(send(sql));
    pg_conn* raw = connection_.get();
    const auto timedOut = [] { return fail(ErrorCode::DeadlineExceeded, "the peer's log did not come in time"); };
    const auto failed = [raw] {
        return fail(ErrorCode::DatabaseFailed, "PostgreSQL: " + firstLine(PQerrorMessage(raw)));
    };
    while (PQisBusy(raw)) {
        if (!waitFor(POLLIN, deadline)) return timedOut();
        if (!PQconsumeInput(raw)) return failed();
    }
    const ResultPointer begun(PQgetResult(raw));
    if (PQresultStatus(begun.get()) != PGRES_COPY_BOTH) return failed();
    for (;;) {
        char* message = nullptr;
        const int size = PQgetCopyData(raw, &message, 1);
        if (size == 0) {
            if (!waitFor(POLLIN, deadline)) return timedOut();
            if (!PQconsumeInput(raw)) return failed();
            continue;
        }
        if (size < 0) {
            // The server has ended the stream, with an error or without.
            const ResultPointer ended(PQgetResult(raw));
            return PQresultStatus(ended.get()) == PGRES_FATAL_ERROR ? Result<void>(failed()) : Result<void>();
        }
        const bool goOn = take({message, static_cast<size_t>(size)});
        PQfreemem(message);
        if (!goOn) return {};
    }
}

Result<void> Connection::send(const std::string& sql) {
    pg_conn* raw = connection_.get();
    const bool sent = usable() && PQsendQuery(raw, sql.c_str()) && PQflush(raw) == 0;
    broken_ = true;
    if (!sent) return fail(ErrorCode::DatabaseFailed, "PostgreSQL: " + firstLine(PQerrorMessage(raw)));
    return {};
}

bool Connection::usable() {
    pg_conn* raw = connection_.get();
    if (broken_ || !raw || PQstatus(raw) != CONNECTION_OK) return false;
    // A server that went away has left a message or the end of the stream: nothing else comes unasked.
    pollfd waited{PQsocket(raw), POLLIN, 0};
    if (::poll(&waited, 1, 0) > 0 &&
        (!PQconsumeInput(raw) || PQstatus(raw) != CONNECTION_OK || (waited.revents & POLLHUP)))
        broken_ = true;
    return !broken_;
}

int Connection::serverVersion() const {
    return PQserverVersion(connection_.get());
}

std::string Connection::identifier(std::string_view name) const {
    char* quoted = PQescapeIdentifier(connection_.get(), name.data(), name.size());
    std::string text = quoted ? quoted : "\"\"";
    PQfreemem(quoted);
    return text;
}

std::string Connection::literal(std::string_view text) const {
    char* quoted = PQescapeLiteral(connection_.get(), text.data(), text.size());
    std::string result = quoted ? quoted : "''";
    PQfreemem(quoted);
    return result;
}

}  // namespace swb::driver::postgresql
