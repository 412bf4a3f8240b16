// A thin layer over SQLite's C interface: one connection, prepared statements, errors as Result. Only the SQLite
// backend includes it.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swb::store {

class Statement {
  public:
    explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

    Statement& bind(int64_t value);
    // The text must live until run() or the last step(). Parameters are bound from left to right.
    Statement& bind(std::string_view text);

    // SQLITE_ROW, SQLITE_DONE or an error code.
    int step() { return sqlite3_step(handle_.get()); }
    void reset();

    int64_t integer(int column) { return sqlite3_column_int64(handle_.get(), column); }
    // Valid until the next step.
    std::string_view text(int column);

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
    int nextParameter_ = 1;
};

// Not for two threads at once.
class Connection {
  public:
    // A connection that will own the file alone from its first read on.
    static Result<Connection> open(const std::string& path);

    Result<Statement> prepare(std::string_view sql) const;
    // Every statement of the text, without results.
    Result<void> execute(const std::string& sql) const;
    // Steps a statement that returns no rows and resets it.
    Result<void> run(Statement& statement) const;
    Result<int64_t> queryInteger(std::string_view sql) const;
    Result<std::string> queryText(std::string_view sql) const;
    // Whether closing copies the log into the file. Off while a file is only being looked at.
    void checkpointOnClose(int enabled) const;
    bool inTransaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
    int extendedCode() const { return sqlite3_extended_errcode(handle_.get()); }
    // What the last call on this connection failed of, as a sentence about the file with a hint.
    Error lastError() const;
    const std::string& path() const { return path_; }

  private:
    struct Close {
        void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
    };
    Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}

    std::unique_ptr<sqlite3, Close> handle_;
    std::string path_;
};

}  // namespace swb::store
