#include "store/sqlite_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fault.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/schema.h"

namespace swb::store {
namespace {

constexpr size_t eventsKept = 4096;             // answers every live reader of the log from memory
constexpr int64_t slice = 4096;                 // events read at a time; a commit waits for one slice at most
constexpr uintmax_t fullCheckBytes = 64 << 20;  // larger files would delay a restart; their pages are checked when read

// Creates the file with narrow rights; SQLite's own would follow the umask. O_EXCL because closing a second descriptor
// of a file that this process has open already would drop SQLite's lock.
Result<void> createIfMissing(const std::string& path) {
    const Fd created(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    if (created.valid() || errno == EEXIST) return {};
    return fail(ErrorCode::StorageFailed, "cannot create the store " + path + ": " + std::strerror(errno),
                "Check that the data directory exists and may be written.");
}

Result<void> flush(const std::string& path, int flags) {
    const Fd file(::open(path.c_str(), flags | O_CLOEXEC));
    if (file.valid() && ::fsync(file.get()) == 0) return {};
    return fail(ErrorCode::StorageFailed, "cannot flush " + path + ": " + std::strerror(errno));
}

tl::unexpected<Error> damaged(const Connection& connection, const std::string& what) {
    return fail(ErrorCode::StorageFailed, "the store " + connection.path() + " is damaged: " + what,
                "Keep the file for inspection and restore a backup.");
}

}  // namespace

// The connection and its prepared statements. Used by one thread at a time (`committing_`).
class SqliteStore::Database {
  public:
    static Result<std::unique_ptr<Database>> open(const std::string& path);

    Result<void> load(State& state);
    Result<void> write(const Change& change);
    Result<std::string> forget(int64_t upTo);
    // Events with first < sequence <= last, each with the text of its detail.
    Result<std::vector<Change::Logged>> readEvents(int64_t first, int64_t last);
    const Connection& connection() const { return connection_; }

  private:
    Database(Connection connection) : connection_(std::move(connection)) {}
    Result<void> prepareStatements();
    Result<void> writeRows(const Change& change);
    // BEGIN, what `rows` writes, COMMIT; or nothing.
    Result<void> transaction(const std::function<Result<void>()>& rows);
    Result<void> loadHead(State& state);

    Connection connection_;
    std::vector<Statement> statements_;
    enum Index {
        begin,
        commit,
        rollback,
        put,
        remove,
        addEvent,
        setHead,
        readEvent,
        readHash,
        dropEvents,
        setAnchor,
        indexCount
    };
    // Set after a flush failed: what the kernel still holds of the file is not known, so nothing more is written.
    std::optional<Error> broken_;
};

Result<std::unique_ptr<SqliteStore::Database>> SqliteStore::Database::open(const std::string& path) {
    TRY_VOID(createIfMissing(path));
    auto connection = TRY(Connection::open(path));
    const int64_t version = TRY(checkSchema(connection, migrations()));
    std::error_code failure;
    if (std::filesystem::file_size(path, failure) <= fullCheckBytes && !failure) {
        const std::string verdict = TRY(connection.queryText("PRAGMA quick_check(1)"));
        if (verdict != "ok") return damaged(connection, verdict);
    }
    const std::string mode = TRY(connection.queryText("PRAGMA journal_mode=WAL"));
    if (mode != "wal")
        return fail(ErrorCode::StorageFailed, "the file system of " + path + " permits no write-ahead log");
    TRY_VOID(connection.execute("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216"));
    TRY_VOID(migrate(connection, version, migrations()));
    std::unique_ptr<Database> database(new Database(std::move(connection)));
    TRY_VOID(database->prepareStatements());
    return database;
}

Result<void> SqliteStore::Database::prepareStatements() {
    static constexpr const char* texts[indexCount] = {
        "BEGIN IMMEDIATE",
        "COMMIT",
        "ROLLBACK",
        "INSERT INTO document (kind, id, version, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET version = excluded.version, body = excluded.body",
        "DELETE FROM document WHERE kind = ? AND id = ?",
        "INSERT INTO event (sequence, at, type, subject, actor, detail, previous_hash, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        "UPDATE head SET revision = ?, sequence = ?, hash = ?",
        "SELECT sequence, at, type, subject, actor, detail, previous_hash, hash FROM event"
        " WHERE sequence > ? AND sequence <= ? ORDER BY sequence",
        "SELECT hash FROM event WHERE sequence = ?",
        "DELETE FROM event WHERE sequence <= ?",
        "UPDATE head SET forgotten = ?, forgotten_hash = ?",
    };
    for (const char* text : texts) statements_.push_back(TRY(connection_.prepare(text)));
    return {};
}

Result<void> SqliteStore::Database::load(State& state) {
    auto documents = TRY(connection_.prepare("SELECT kind, id, version, body FROM document"));
    int code;
    int64_t newest = 0;
    while ((code = documents.step()) == SQLITE_ROW) {
        Document document{std::string(documents.text(0)), std::string(documents.text(1)), documents.integer(2),
                          nullptr};
        auto body = parseJson(documents.text(3), limits::documentBytes);
        if (!body) return damaged(connection_, document.kind + " " + document.id + ": " + body.error().message);
        document.body = std::move(*body);
        newest = std::max(newest, document.version);
        state.loadDocument(std::move(document));
    }
    if (code != SQLITE_DONE) return fail(connection_.lastError());
    TRY_VOID(loadHead(state));
    if (newest > state.revision()) return damaged(connection_, "a document is newer than the last commit");
    // Everything was read: from here on the file may be tidied at the end.
    connection_.checkpointOnClose(1);
    return {};
}

Result<void> SqliteStore::Database::loadHead(State& state) {
    auto head = TRY(connection_.prepare("SELECT revision, sequence, hash, forgotten, forgotten_hash FROM head"));
    if (head.step() != SQLITE_ROW) return damaged(connection_, "the head is missing");
    const int64_t sequence = head.integer(1);
    state.loadHead(head.integer(0), sequence, std::string(head.text(2)));
    state.forget({head.integer(3), std::string(head.text(4))});
    // A log that is too short was tampered with, which verifyChain() reports; the controller still has to start.
    if (TRY(connection_.queryInteger("SELECT coalesce(max(sequence), 0) FROM event")) > sequence)
        return damaged(connection_, "there are events after the end of the log");
    for (auto& logged : TRY(readEvents(sequence - static_cast<int64_t>(eventsKept), sequence)))
        state.loadEvent(std::move(logged));
    return {};
}

Result<void> SqliteStore::Database::writeRows(const Change& change) {
    for (const auto& [document, text] : change.written)
        TRY_VOID(
            connection_.run(statements_[put].bind(document.kind).bind(document.id).bind(document.version).bind(text)));
    for (const auto& removed : change.removed)
        TRY_VOID(connection_.run(statements_[remove].bind(removed.kind).bind(removed.id)));
    for (const auto& [event, detailText] : change.logged)
        TRY_VOID(connection_.run(statements_[addEvent]
                                     .bind(event.sequence)
                                     .bind(event.at)
                                     .bind(event.type)
                                     .bind(event.subject)
                                     .bind(event.actor)
                                     .bind(detailText)
                                     .bind(event.previousHash)
                                     .bind(event.hash)));
    return connection_.run(
        statements_[setHead].bind(change.revision).bind(change.latestSequence).bind(change.headHash));
}

Result<void> SqliteStore::Database::write(const Change& change) {
    return transaction([&] { return writeRows(change); });
}

Result<std::string> SqliteStore::Database::forget(int64_t upTo) {
    auto& statement = statements_[readHash].bind(upTo);
    const bool found = statement.step() == SQLITE_ROW;
    const std::string hash = found ? std::string(statement.text(0)) : "";
    statement.reset();
    if (!found)
        return fail(ErrorCode::StorageFailed, "event " + std::to_string(upTo) + " of the log is missing",
                    "somebody changed the file: keep a copy for inspection");
    TRY_VOID(transaction([&]() -> Result<void> {
        TRY_VOID(connection_.run(statements_[dropEvents].bind(upTo)));
        return connection_.run(statements_[setAnchor].bind(upTo).bind(hash));
    }));
    return hash;
}

Result<void> SqliteStore::Database::transaction(const std::function<Result<void>()>& rows) {
    if (broken_) return fail(*broken_);
    TRY_VOID(connection_.run(statements_[begin]));
    auto written = rows();
    if (written) {
        faultPoint("store", "commit", "written");
        written = connection_.run(statements_[commit]);
        // A commit that could not be written never happened. One that was written but not flushed may turn up after a
        // restart although it is rolled back here.
        const int code = connection_.extendedCode();
        if (!written && code != SQLITE_FULL && code != SQLITE_IOERR_WRITE) {
            broken_ = Error(ErrorCode::StorageFailed,
                            "the store takes no more changes since a flush failed: " + written.error().message,
                            "Check the disk, then restart swingd: it reads back what is really there.");
            written = fail(ErrorCode::OutcomeUnknown, written.error().message, broken_->hint);
        }
    }
    if (!written && connection_.inTransaction() && !connection_.run(statements_[rollback]))
        broken_ = Error(ErrorCode::StorageFailed, "the store cannot take back a failed change", "Restart swingd.");
    if (written) faultPoint("store", "commit", "flushed");
    return written;
}

Result<std::vector<Change::Logged>> SqliteStore::Database::readEvents(int64_t first, int64_t last) {
    std::vector<Change::Logged> out;
    auto& statement = statements_[readEvent];
    statement.bind(first).bind(last);
    int code;
    while ((code = statement.step()) == SQLITE_ROW) {
        Change::Logged logged;
        logged.detailText = statement.text(5);
        // Text that is no longer JSON is evidence, not a reason to stop.
        logged.event = Event{
            statement.integer(0),           statement.integer(1),
            std::string(statement.text(2)), std::string(statement.text(3)),
            std::string(statement.text(4)), parseJson(logged.detailText, limits::documentBytes).value_or(Json(nullptr)),
            std::string(statement.text(6)), std::string(statement.text(7))};
        out.push_back(std::move(logged));
    }
    std::optional<Error> error;
    if (code != SQLITE_DONE) error = connection_.lastError();
    statement.reset();
    if (error) return fail(*error);
    return out;
}

SqliteStore::SqliteStore(std::unique_ptr<Database> database, const Clock& clock)
    : CachedStore(clock, eventsKept), database_(std::move(database)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, const Clock& clock) {
    auto database = TRY(Database::open(path));
    std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(database), clock));
    TRY_VOID(store->database_->load(store->state_));
    logDebug("store", "opened {} at revision {}, event {}", path, store->revision(), store->latestSequence());
    return store;
}

Result<void> SqliteStore::persist(const Change& change) {
    return database_->write(change);
}

Result<std::string> SqliteStore::persistForgotten(int64_t upTo) {
    return database_->forget(upTo);
}

Result<std::vector<Event>> SqliteStore::readEvents(const EventQuery& query) const {
    std::vector<Event> out;
    for (int64_t after = std::max<int64_t>(query.after, oldestSequence() - 1); out.size() < query.limit;
         after += slice) {
        const std::lock_guard lock(committing_);
        if (after >= state_.latestSequence()) break;
        for (auto& logged : TRY(database_->readEvents(after, after + slice)))
            if (out.size() < query.limit && matches(logged.event, query)) out.push_back(std::move(logged.event));
    }
    return out;
}

Result<ChainReport> SqliteStore::verifyChain() const {
    std::unique_lock begin(committing_);
    const Anchor anchor = state_.anchor();
    begin.unlock();
    ChainVerifier verifier(anchor);
    for (int64_t after = anchor.sequence;; after += slice) {
        std::unique_lock lock(committing_);
        if (state_.anchor().sequence != anchor.sequence) {
            lock.unlock();
            return verifyChain();  // its beginning was forgotten meanwhile
        }
        for (const auto& logged : TRY(database_->readEvents(after, after + slice)))
            if (!verifier.add(logged.event, logged.detailText)) break;
        if (after + slice >= state_.latestSequence())
            return verifier.finish(state_.latestSequence(), state_.headHash());
    }
}

Result<void> SqliteStore::backup(const std::string& path) const {
    if (fileExists(path)) return fail(ErrorCode::AlreadyExists, "there is a file " + path, "Choose another name.");
    const std::string temporary = path + ".new";
    TRY_VOID(removeFile(temporary));
    TRY_VOID(createIfMissing(temporary));
    const auto copied = [&]() -> Result<void> {
        const std::lock_guard lock(committing_);
        auto statement = TRY(database_->connection().prepare("VACUUM INTO ?"));
        return database_->connection().run(statement.bind(temporary));
    }();
    if (!copied) {
        (void)removeFile(temporary);
        return fail(copied.error().within("backup to " + path));
    }
    TRY_VOID(flush(temporary, O_RDONLY));
    // link() and not rename(): it never replaces a file.
    const int linked = ::link(temporary.c_str(), path.c_str());
    const std::string why = std::strerror(errno);
    TRY_VOID(removeFile(temporary));
    if (linked != 0) return fail(ErrorCode::StorageFailed, "cannot create " + path + ": " + why);
    return {};
}

}  // namespace swb::store
