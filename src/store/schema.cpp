#include "store/schema.h"

#include <array>

namespace swb::store {
namespace {

constexpr int64_t applicationId = 0x53574252;  // "SWBR", so that file(1) and this program know the file

}  // namespace

std::span<const std::string> migrations() {
    static const std::array<std::string, 2> steps{
        "CREATE TABLE document (kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,"
        " PRIMARY KEY (kind, id)) WITHOUT ROWID;"
        "CREATE TABLE event (sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL,"
        " subject TEXT NOT NULL, actor TEXT NOT NULL, detail TEXT NOT NULL, previous_hash TEXT NOT NULL,"
        " hash TEXT NOT NULL);"
        // One row: where the store stands. The log's end is written down here too, so that a missing tail shows.
        "CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL,"
        " sequence INTEGER NOT NULL, hash TEXT NOT NULL);"
        "INSERT INTO head VALUES (1, 0, 0, '');",
        // Where the kept log begins: the last event that was forgotten.
        "ALTER TABLE head ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE head ADD COLUMN forgotten_hash TEXT NOT NULL DEFAULT '';",
    };
    return steps;
}

Result<int64_t> checkSchema(const Connection& connection, std::span<const std::string> steps) {
    const int64_t tables = TRY(connection.queryInteger("SELECT count(*) FROM sqlite_schema"));
    const int64_t version = TRY(connection.queryInteger("PRAGMA user_version"));
    const int64_t application = TRY(connection.queryInteger("PRAGMA application_id"));
    if (tables == 0 && version == 0 && application == 0) return 0;
    if (application != applicationId)
        return fail(ErrorCode::StorageFailed, connection.path() + " is a database of another program",
                    "Choose another data directory.");
    if (version > static_cast<int64_t>(steps.size()))
        return fail(ErrorCode::Unsupported,
                    "the store " + connection.path() + " has schema " + std::to_string(version) +
                        "; this swingd knows up to " + std::to_string(steps.size()),
                    "Run the newer swingd, or restore the backup made before the upgrade.");
    return version;
}

Result<void> migrate(const Connection& connection, int64_t from, std::span<const std::string> steps) {
    for (auto version = static_cast<size_t>(from); version < steps.size(); ++version) {
        const auto done = connection.execute("BEGIN IMMEDIATE;" + steps[version] +
                                             "PRAGMA application_id = " + std::to_string(applicationId) +
                                             ";PRAGMA user_version = " + std::to_string(version + 1) + ";COMMIT");
        if (done) continue;
        if (connection.inTransaction()) (void)connection.execute("ROLLBACK");
        return fail(done.error().within("bringing the schema to version " + std::to_string(version + 1)));
    }
    return {};
}

}  // namespace swb::store
