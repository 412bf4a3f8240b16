#include "store/sqlite.h"

#include <cstring>

#include "base/assert.h"

namespace swb::store {

Statement& Statement::bind(int64_t value) {
    const int code = sqlite3_bind_int64(handle_.get(), nextParameter_++, value);
    SWB_ASSERT(code == SQLITE_OK, "the statement has such a parameter");
    return *this;
}

Statement& Statement::bind(std::string_view text) {
    // A null pointer would bind NULL instead of the empty text.
    const char* start = text.data() ? text.data() : "";
    const int code =
        sqlite3_bind_text64(handle_.get(), nextParameter_++, start, text.size(), SQLITE_STATIC, SQLITE_UTF8);
    SWB_ASSERT(code == SQLITE_OK, "the statement has such a parameter and the text is within SQLite's limit");
    return *this;
}

void Statement::reset() {
    sqlite3_reset(handle_.get());
    sqlite3_clear_bindings(handle_.get());
    nextParameter_ = 1;
}

std::string_view Statement::text(int column) {
    const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    return start ? std::string_view(start, static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column)))
                 : std::string_view();
}

Result<Connection> Connection::open(const std::string& path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    if (!handle) return fail(ErrorCode::StorageFailed, "no memory to open " + path);
    Connection connection(handle, path);
    if (code != SQLITE_OK) return fail(connection.lastError());
    connection.checkpointOnClose(0);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // Before the first read: so the log's index lives in this process's memory and no other process can join.
    TRY_VOID(connection.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY"));
    return connection;
}

void Connection::checkpointOnClose(int enabled) const {
    sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, enabled ? 0 : 1, nullptr);
}

Result<Statement> Connection::prepare(std::string_view sql) const {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return fail(lastError());
    return Statement(statement);
}

Result<void> Connection::execute(const std::string& sql) const {
    if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return fail(lastError());
    return {};
}

Result<void> Connection::run(Statement& statement) const {
    const int code = statement.step();
    if (code != SQLITE_DONE) {
        auto error = lastError();
        statement.reset();
        return fail(std::move(error));
    }
    statement.reset();
    return {};
}

Result<int64_t> Connection::queryInteger(std::string_view sql) const {
    auto statement = TRY(prepare(sql));
    if (statement.step() != SQLITE_ROW) return fail(lastError());
    return statement.integer(0);
}

Result<std::string> Connection::queryText(std::string_view sql) const {
    auto statement = TRY(prepare(sql));
    if (statement.step() != SQLITE_ROW) return fail(lastError());
    return std::string(statement.text(0));
}

Error Connection::lastError() const {
    const int code = extendedCode();
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {ErrorCode::InUse, "another process holds the store " + path_,
                    "Is another swingd running on this data directory? Stop it first; only one may."};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {ErrorCode::StorageFailed, "the store " + path_ + " is damaged: " + sqlite3_errmsg(handle_.get()),
                    "Keep the file for inspection and restore a backup."};
        case SQLITE_FULL:
            return {ErrorCode::StorageFailed, "the disk of the store " + path_ + " is full; nothing was changed",
                    "Free space on that file system, then try again."};
        default:
            break;
    }
    std::string text = "the store " + path_ + " reports: " + sqlite3_errmsg(handle_.get());
    if (const int number = sqlite3_system_errno(handle_.get())) text += std::string(" (") + std::strerror(number) + ")";
    return {ErrorCode::StorageFailed, std::move(text), "Check the disk and the rights on the file and its directory."};
}

}  // namespace swb::store
