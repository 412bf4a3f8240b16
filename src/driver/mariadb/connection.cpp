#include "driver/mariadb/connection.h"

#include <errmsg.h>
#include <mysql.h>
#include <poll.h>

#include <algorithm>
#include <cctype>
#include <mutex>

namespace swb::driver::mariadb {

namespace {

const std::string nothing;

// The longest that reading one answer may block after it has begun: a backstop, the deadlines are finer.
constexpr unsigned readSecondsMax = 60;

int64_t remaining(MonotonicMs deadline) {
    return std::clamp<int64_t>(deadline - SystemClock().monotonic(), 0, 600'000);
}

std::string tagOf(const Endpoint& endpoint) {
    return endpoint.socket.empty() ? endpoint.host + ":" + std::to_string(endpoint.port) : endpoint.socket;
}

std::string shortened(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    constexpr size_t messageBytesMax = 500;
    if (text.size() > messageBytesMax) text.resize(messageBytesMax);
    return text;
}

// Server_id and Server_Id are the same column, of different products.
bool isSameColumn(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

void setOptions(MYSQL* raw, const Endpoint& endpoint, MonotonicMs deadline) {
    // Whole seconds, rounded up: the caller's own deadline is checked around it.
    const auto connectSeconds = static_cast<unsigned>(remaining(deadline) / 1000 + 1);
    const unsigned readSeconds = readSecondsMax, tcp = MYSQL_PROTOCOL_TCP;
    const my_bool no = 0, yes = 1;
    mysql_options(raw, MYSQL_OPT_CONNECT_TIMEOUT, &connectSeconds);
    mysql_options(raw, MYSQL_OPT_READ_TIMEOUT, &readSeconds);
    mysql_options(raw, MYSQL_OPT_WRITE_TIMEOUT, &readSeconds);
    mysql_options(raw, MYSQL_OPT_RECONNECT, &no);
    mysql_options(raw, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options4(raw, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "swing-agent");
    // "localhost" would be taken for the default socket.
    if (endpoint.socket.empty()) mysql_options(raw, MYSQL_OPT_PROTOCOL, &tcp);
    if (endpoint.authorityFile.empty()) return;
    mysql_ssl_set(raw, endpoint.keyFile.c_str(), endpoint.certificateFile.c_str(), endpoint.authorityFile.c_str(),
                  nullptr, nullptr);
    mysql_options(raw, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(raw, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

}  // namespace

void Row::put(std::string name, std::optional<std::string> value) {
    cells_.emplace_back(std::move(name), std::move(value));
}

const std::string& Row::at(std::string_view name) const {
    for (const auto& [column, value] : cells_)
        if (isSameColumn(column, name)) return value ? *value : nothing;
    return nothing;
}

bool Row::isNull(std::string_view name) const {
    for (const auto& [column, value] : cells_)
        if (isSameColumn(column, name)) return !value;
    return true;
}

const std::string& Row::first() const {
    return cells_.empty() || !cells_.front().second ? nothing : *cells_.front().second;
}

void Connection::Closer::operator()(st_mysql* connection) const {
    mysql_close(connection);
}

Result<Connection> Connection::open(const Endpoint& endpoint, const OsUser& actAs, MonotonicMs deadline) {
    // mysql_init() would do it too, but not safely from several threads at once.
    static std::once_flag once;
    std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });
    if (remaining(deadline) == 0)
        return fail(ErrorCode::DeadlineExceeded, "no time was left to connect to the server at " + tagOf(endpoint));
    // The peer's credentials are taken when the socket connects, the key file is opened during the handshake.
    const ActAs acting(actAs);
    if (!acting.effective())
        return fail(ErrorCode::Unreachable, "cannot act as the operating-system user " + actAs.name);
    Connection connection(mysql_init(nullptr));
    MYSQL* raw = connection.connection_.get();
    if (!raw) return fail(ErrorCode::Unreachable, "no memory for a connection");
    setOptions(raw, endpoint, deadline);
    const bool local = !endpoint.socket.empty();
    if (!mysql_real_connect(raw, local ? nullptr : endpoint.host.c_str(), endpoint.user.c_str(),
                            endpoint.password.reveal().c_str(),
                            endpoint.database.empty() ? nullptr : endpoint.database.c_str(), endpoint.port,
                            local ? endpoint.socket.c_str() : nullptr, 0))
        return fail(remaining(deadline) == 0 ? ErrorCode::DeadlineExceeded : ErrorCode::Unreachable,
                    "the server at " + tagOf(endpoint) + ": " + shortened(mysql_error(raw)),
                    "Check that the server runs and admits this user.");
    return connection;
}

bool Connection::awaitAnswer(MonotonicMs deadline) const {
    for (;;) {
        pollfd waited{socket(), POLLIN, 0};
        const int64_t left = remaining(deadline);
        if (::poll(&waited, 1, static_cast<int>(left)) > 0) return true;
        if (remaining(deadline) == 0) return false;
    }
}

tl::unexpected<Error> Connection::serverError() {
    MYSQL* raw = connection_.get();
    lastErrorNumber_ = mysql_errno(raw);
    // Errors of the client library: the connection's state is not known any more.
    if (lastErrorNumber_ >= CR_MIN_ERROR && lastErrorNumber_ <= CR_MAX_ERROR) broken_ = true;
    return fail(ErrorCode::DatabaseFailed, (isMariadb() ? "MariaDB: " : "MySQL: ") + shortened(mysql_error(raw)) +
                                               " (" + std::to_string(lastErrorNumber_) + ")");
}

Result<Rows> Connection::query(const std::string& sql, MonotonicMs deadline) {
    MYSQL* raw = connection_.get();
    lastErrorNumber_ = 0;
    if (!usable()) {
        broken_ = true;
        return fail(ErrorCode::DatabaseFailed, "the database ended the connection");
    }
    if (mysql_send_query(raw, sql.data(), sql.size()) != 0) return serverError();
    if (!awaitAnswer(deadline)) {
        broken_ = true;
        return fail(ErrorCode::DeadlineExceeded, "the database did not answer a statement in time");
    }
    if (mysql_read_query_result(raw) != 0) return serverError();
    MYSQL_RES* stored = mysql_store_result(raw);
    if (!stored) {
        if (mysql_field_count(raw) != 0) return serverError();
        return Rows{};
    }
    const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> result(stored, &mysql_free_result);
    const unsigned columns = mysql_num_fields(stored);
    const MYSQL_FIELD* fields = mysql_fetch_fields(stored);
    Rows rows;
    while (MYSQL_ROW cells = mysql_fetch_row(stored)) {
        const unsigned long* lengths = mysql_fetch_lengths(stored);
        Row row;
        for (unsigned i = 0; i < columns; ++i)
            row.put(fields[i].name,
                    cells[i] ? std::optional<std::string>(std::string(cells[i], lengths[i])) : std::nullopt);
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<void> Connection::execute(const std::string& sql, MonotonicMs deadline) {
    TRY(query(sql, deadline));
    return {};
}

Result<std::string> Connection::value(const std::string& sql, MonotonicMs deadline) {
    const Rows rows = TRY(query(sql, deadline));
    return rows.empty() ? std::string() : rows.front().first();
}

bool Connection::usable() const {
    if (broken_ || !connection_) return false;
    // A server that went away has left the end of the stream: nothing else comes unasked.
    pollfd waited{socket(), POLLIN, 0};
    return ::poll(&waited, 1, 0) == 0;
}

int Connection::serverVersion() const {
    return static_cast<int>(mysql_get_server_version(connection_.get()));
}

bool Connection::isMariadb() const {
    return mariadb_connection(connection_.get()) != 0;
}

uint64_t Connection::id() const {
    return mysql_thread_id(connection_.get());
}

int Connection::socket() const {
    return static_cast<int>(mysql_get_socket(connection_.get()));
}

std::string Connection::literal(std::string_view text) const {
    std::string quoted(2 * text.size() + 1, '\0');
    quoted.resize(mysql_real_escape_string(connection_.get(), quoted.data(), text.data(), text.size()));
    return "'" + quoted + "'";
}

std::string identifier(std::string_view name) {
    std::string quoted = "`";
    for (const char c : name) quoted += c == '`' ? std::string("``") : std::string(1, c);
    return quoted + "`";
}

}  // namespace swb::driver::mariadb
