// What only a store with a file can get wrong: restarts, kill -9, two processes, full disks, failing flushes, damage.
#include "store/sqlite_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "base/file.h"
#include "base/ids.h"
#include "store/schema.h"

namespace {
std::atomic<int> flushes = 0;
std::atomic<bool> flushesFail = false;

int flush(int fd, long call) {
    ++flushes;
    if (flushesFail) {
        errno = EIO;
        return -1;
    }
    return static_cast<int>(::syscall(call, fd));
}
}  // namespace

// These take the place of the C library's in the whole test program, SQLite included: they count and can be made to
// fail.
extern "C" int fsync(int fd) {
    return flush(fd, SYS_fsync);
}
extern "C" int fdatasync(int fd) {
    return flush(fd, SYS_fdatasync);
}

namespace swb::store {
namespace {

using testing::HasSubstr;

JsonObject number(int64_t value) {
    return JsonObject{{"n", value}};
}

// Two documents and an event that all carry the same number: half a commit would show.
Commit numbered(int64_t value) {
    return {.puts = {{"left", "x", anyVersion, number(value)}, {"right", "x", anyVersion, number(value)}},
            .events = {{"counted", "x", "tester", number(value)}}};
}

class SqliteStoreTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(makeDirectories(directory_)); }
    void TearDown() override {
        flushesFail = false;
        std::filesystem::remove_all(directory_);
    }

    std::unique_ptr<SqliteStore> open() { return SqliteStore::open(path_, clock_).value(); }
    Error openError() {
        auto opened = SqliteStore::open(path_, clock_);
        return opened ? Error(ErrorCode::Bug, "it opened") : opened.error();
    }
    // Changes the closed file behind the store's back.
    void tamper(const std::string& sql) {
        const auto connection = Connection::open(path_).value();
        ASSERT_TRUE(connection.execute(sql));
    }
    std::string content() { return readFile(path_, 1 << 30).value(); }

    // The number that both documents and the last event agree on.
    static int64_t agreedNumber(const SqliteStore& store) {
        const auto left = store.get("left", "x").value();
        if (!left) return 0;
        const int64_t value = integerAt(left->body, "n");
        EXPECT_EQ(integerAt(getOrFail(store, "right", "x")->body, "n"), value);
        const auto events = store.events({.after = store.latestSequence() - 1}).value();
        EXPECT_EQ(events.size(), 1u);
        EXPECT_EQ(integerAt(events.at(0).detail, "n"), value);
        EXPECT_EQ(store.latestSequence(), value);
        EXPECT_TRUE(store.verifyChain()->intact());
        return value;
    }

    SystemClock clock_;
    std::string directory_ = testing::TempDir() + newId("sqlite");
    std::string path_ = directory_ + "/store.db";
};

// Runs the body in a child process and returns its exit status; 99 stands for "cannot be tried here".
int inChild(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_F(SqliteStoreTest, EverythingIsThereAfterReopening) {
    std::vector<Event> events;
    {
        auto store = open();
        for (int i = 1; i <= 3; ++i) ASSERT_TRUE(store->commit(numbered(i)));
        ASSERT_TRUE(store->commit({.puts = {{"group", "shop", mustNotExist, JsonObject{{"lag", 0.1}, {"a", "ü"}}}},
                                   .removes = {{"left", "x", 3}}}));
        events = store->events({}).value();
    }
    auto store = open();
    EXPECT_EQ(store->revision(), 4);
    EXPECT_EQ(store->latestSequence(), 3);
    EXPECT_EQ(store->events({}).value(), events);
    EXPECT_EQ(store->get("left", "x").value(), std::nullopt);
    const auto shop = getOrFail(*store, "group", "shop").value();
    EXPECT_EQ(shop.version, 4);
    EXPECT_EQ(shop.body, (Json(JsonObject{{"lag", 0.1}, {"a", "ü"}})));
    EXPECT_EQ(store->commit({.puts = {{"group", "shop", 3, nullptr}}}).error().code, ErrorCode::Conflict);
    EXPECT_EQ(store->commit({.puts = {{"group", "shop", 4, nullptr}}})->revision, 5);
    EXPECT_TRUE(store->verifyChain()->intact());
}

TEST_F(SqliteStoreTest, TheFileIsForItsOwnerOnly) {
    const auto store = open();
    struct stat status {};
    for (const std::string& file : {path_, path_ + "-wal"}) {
        ASSERT_EQ(::stat(file.c_str(), &status), 0) << file;
        EXPECT_EQ(status.st_mode & 0777, 0600u) << file;
    }
}

TEST_F(SqliteStoreTest, ACommitCostsOneFlush) {
    auto store = open();
    ASSERT_TRUE(store->commit(numbered(1)));
    const int before = flushes;
    for (int i = 2; i <= 51; ++i) ASSERT_TRUE(store->commit(numbered(i)));
    EXPECT_EQ(flushes - before, 50);
}

TEST_F(SqliteStoreTest, EventsOlderThanTheCacheComeFromTheFile) {
    {
        auto store = open();
        for (int batch = 0; batch < 10; ++batch) {
            Commit commit;
            for (int i = 1; i <= 1000; ++i)
                commit.events.push_back({i % 500 == 0 ? "rare" : "often", "x", "tester", number(batch * 1000 + i)});
            ASSERT_TRUE(store->commit(commit));
        }
        ASSERT_EQ(store->events({.after = 0, .limit = 3}).value().at(2).sequence, 3);
    }
    const auto store = open();
    const auto page = store->events({.after = 2000, .limit = 500}).value();
    ASSERT_EQ(page.size(), 500u);
    EXPECT_EQ(page.front().sequence, 2001);
    EXPECT_EQ(page.back().detail, Json(number(2500)));
    const auto rare = store->events({.typePrefix = "rare"}).value();
    ASSERT_EQ(rare.size(), 20u) << "filtered over several slices of the file";
    EXPECT_EQ(rare.back().sequence, 10'000);
    EXPECT_EQ(store->events({.after = -5, .limit = 1}).value().at(0).sequence, 1);
    EXPECT_EQ(store->verifyChain()->checked, 10'000);
}

TEST_F(SqliteStoreTest, ASecondOwnerIsRefused) {
    auto store = open();
    ASSERT_TRUE(store->commit(numbered(1)));
    const Error here = openError();
    EXPECT_EQ(here.code, ErrorCode::InUse);
    EXPECT_THAT(here.hint, HasSubstr("another swingd"));
    const int other = inChild([&] { return static_cast<int>(openError().code == ErrorCode::InUse); });
    EXPECT_EQ(other, 1);
    EXPECT_TRUE(store->commit(numbered(2))) << "the first owner is not disturbed";
    store.reset();
    EXPECT_EQ(agreedNumber(*open()), 2);
}

// Commits until killed, telling each acknowledged number through the pipe.
[[noreturn]] void commitUntilKilled(const std::string& path, int64_t from, int pipe) {
    const SystemClock clock;
    auto store = SqliteStore::open(path, clock);
    if (!store) ::_exit(1);
    for (int64_t value = from;; ++value) {
        if (!(*store)->commit(numbered(value))) ::_exit(2);
        if (::write(pipe, &value, sizeof value) != sizeof value) ::_exit(3);
    }
}

TEST_F(SqliteStoreTest, KillingTheProcessLosesNoAcknowledgedCommitAndHalvesNone) {
    int64_t last = 0;
    for (int round = 0; round < 25; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        Fd reading(ends[0]);
        Fd writing(ends[1]);
        const pid_t child = ::fork();
        if (child == 0) commitUntilKilled(path_, last + 1, writing.get());
        writing.reset();
        pollfd ready{reading.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&ready, 1, 20'000), 1);
        ::usleep(randomBelow(20'000));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
        int64_t acknowledged = last;
        for (int64_t value; ::read(reading.get(), &value, sizeof value) == sizeof value;) acknowledged = value;
        ASSERT_GT(acknowledged, last);
        last = agreedNumber(*open());
        EXPECT_GE(last, acknowledged);
        EXPECT_LE(last, acknowledged + 1) << "only the one commit under way may have happened unheard";
    }
}

// In a child: fills the disk, expects a clean refusal, makes room, goes on.
int exhaust(SqliteStore& store, const std::function<void()>& makeRoom) {
    int64_t done = 0;
    Commit commit;
    Result<Committed> result;
    for (;;) {
        commit = numbered(done + 1);
        commit.puts.push_back({"filler", std::to_string(done), mustNotExist, Json(std::string(8000, 'x'))});
        result = store.commit(commit);
        if (!result) break;
        if (++done > 2000) return 10;
    }
    if (result.error().code != ErrorCode::StorageFailed) return 11;
    if (done == 0 || store.revision() != done || store.latestSequence() != done) return 12;
    if (integerAt(getOrFail(store, "left", "x")->body, "n") != done) return 13;
    if (store.commit(commit)) return 14;
    makeRoom();
    for (int64_t value = done + 1; value <= done + 10; ++value)
        if (!store.commit(numbered(value))) return 15;
    return store.verifyChain()->intact() ? 0 : 16;
}

TEST_F(SqliteStoreTest, AFileSizeLimitStopsCommitsAndNothingElse) {
    ASSERT_TRUE(open()->commit(numbered(0)));
    std::filesystem::remove(path_);
    const int outcome = inChild([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        auto store = open();
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        const rlimit tight{300'000, limit.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &tight);
        return exhaust(*store, [&] { ::setrlimit(RLIMIT_FSIZE, &limit); });
    });
    ASSERT_EQ(outcome, 0);
    EXPECT_GT(agreedNumber(*open()), 10);
}

TEST_F(SqliteStoreTest, AFullDiskStopsCommitsAndNothingElse) {
    const int outcome = inChild([&] {
        // A mount of its own that ends with the child.
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=1m") != 0)
            return 99;
        auto store = open();
        const std::string ballast = directory_ + "/ballast";
        std::ofstream(ballast) << std::string(500'000, 'x');
        const int exhausted = exhaust(*store, [&] { std::filesystem::remove(ballast); });
        if (exhausted != 0) return exhausted;
        const int64_t revision = store->revision();
        store.reset();
        return open()->revision() == revision ? 0 : 20;
    });
    if (outcome == 99) GTEST_SKIP() << "mounting a tmpfs is not permitted here";
    EXPECT_EQ(outcome, 0);
}

TEST_F(SqliteStoreTest, AfterAFailedFlushTheOutcomeIsUnknownAndNothingMoreIsWritten) {
    auto store = open();
    ASSERT_TRUE(store->commit(numbered(1)));
    int told = 0;
    const auto subscription = store->subscribe([&](const Committed&) { ++told; });
    flushesFail = true;
    EXPECT_EQ(store->commit(numbered(2)).error().code, ErrorCode::OutcomeUnknown);
    flushesFail = false;
    const auto later = store->commit(numbered(2));
    EXPECT_EQ(later.error().code, ErrorCode::StorageFailed);
    EXPECT_THAT(later.error().hint, HasSubstr("restart swingd"));
    EXPECT_EQ(store->revision(), 1) << "readers go on seeing what is known";
    EXPECT_EQ(told, 0);
    store.reset();
    const int64_t found = agreedNumber(*open());
    EXPECT_TRUE(found == 1 || found == 2) << found;
}

TEST_F(SqliteStoreTest, TamperingWithTheLogIsFound) {
    {
        auto store = open();
        for (int i = 1; i <= 5; ++i) ASSERT_TRUE(store->commit(numbered(i)));
    }
    std::filesystem::copy(path_, path_ + ".good");
    const auto verdict = [&](const std::string& sql) {
        std::filesystem::copy(path_ + ".good", path_, std::filesystem::copy_options::overwrite_existing);
        tamper(sql);
        return open()->verifyChain().value();
    };
    EXPECT_TRUE(verdict("SELECT 1").intact());
    for (const char* column : {"at", "type", "subject", "actor", "detail", "previous_hash", "hash"}) {
        const auto report = verdict(std::string("UPDATE event SET ") + column + " = '7' WHERE sequence = 3");
        EXPECT_EQ(report.firstBroken, 3) << column;
        EXPECT_EQ(report.checked, 2) << column;
    }
    EXPECT_EQ(verdict("DELETE FROM event WHERE sequence = 2").firstBroken, 2);
    EXPECT_EQ(verdict("DELETE FROM event WHERE sequence = 5").firstBroken, 5);
    EXPECT_EQ(verdict("DELETE FROM event").firstBroken, 1);
    EXPECT_THAT(verdict("UPDATE event SET detail = '{\"n\":4 }' WHERE sequence = 4").problem, HasSubstr("altered"));
    // Renumbering hides the gap but not the hashes.
    EXPECT_EQ(verdict("DELETE FROM event WHERE sequence = 2;"
                      "UPDATE event SET sequence = sequence - 1 WHERE sequence > 2")
                  .firstBroken,
              2);
}

TEST_F(SqliteStoreTest, WhatWasForgottenIsForgottenAfterReopeningAndTheRestIsStillGuarded) {
    {
        auto store = open();
        for (int i = 1; i <= 9; ++i) ASSERT_TRUE(store->commit(numbered(i)));
        ASSERT_TRUE(store->forgetEvents(5));
    }
    {
        const auto store = open();
        EXPECT_EQ(store->oldestSequence(), 6);
        EXPECT_EQ(store->latestSequence(), 9);
        EXPECT_EQ(store->events({}).value().front().sequence, 6);
        const ChainReport report = store->verifyChain().value();
        EXPECT_TRUE(report.intact()) << report.problem;
        EXPECT_EQ(report.checked, 4);
    }
    // The first that is left cannot be taken away unnoticed, and not forgotten beyond what is missing.
    tamper("DELETE FROM event WHERE sequence = 6");
    EXPECT_EQ(open()->verifyChain()->firstBroken, 6);
    EXPECT_EQ(open()->forgetEvents(6).error().code, ErrorCode::StorageFailed);
    tamper("UPDATE head SET forgotten_hash = 'x', forgotten = 6");
    EXPECT_EQ(open()->verifyChain()->firstBroken, 7);
}

TEST_F(SqliteStoreTest, ABackupIsAWholeStoreAndReplacesNothing) {
    auto store = open();
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(store->commit(numbered(i)));
    const std::string copy = directory_ + "/backup.db";
    const auto made = store->backup(copy);
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_EQ(store->backup(copy).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(store->backup(directory_ + "/absent/backup.db").error().code, ErrorCode::StorageFailed);
    ASSERT_TRUE(store->commit(numbered(4)));
    struct stat status {};
    ASSERT_EQ(::stat(copy.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_FALSE(fileExists(copy + ".new"));
    auto restored = SqliteStore::open(copy, clock_).value();
    EXPECT_EQ(agreedNumber(*restored), 3);
    EXPECT_TRUE(restored->commit(numbered(4)));
}

TEST_F(SqliteStoreTest, OtherFilesAreRefusedUntouched) {
    const auto refused = [&](ErrorCode code, std::string_view words) {
        const std::string before = content();
        const Error error = openError();
        EXPECT_EQ(error.code, code) << describe(error);
        EXPECT_THAT(error.message, HasSubstr(std::string(words)));
        EXPECT_EQ(content(), before);
    };
    ASSERT_TRUE(writeFileAtomically(path_, std::string(5000, 'x')));
    refused(ErrorCode::StorageFailed, "damaged");
    std::filesystem::remove(path_);

    ASSERT_TRUE(writeFileAtomically(path_, ""));
    tamper("CREATE TABLE recipe (name)");
    refused(ErrorCode::StorageFailed, "another program");
    std::filesystem::remove(path_);

    ASSERT_TRUE(open()->commit(numbered(1)));
    tamper("PRAGMA user_version = 99");
    refused(ErrorCode::Unsupported, "schema 99");
}

TEST_F(SqliteStoreTest, DamageIsReportedAndNotMadeWorse) {
    {
        auto store = open();
        for (int i = 1; i <= 100; ++i) ASSERT_TRUE(store->commit(numbered(i)));
    }
    const std::string good = content();
    const auto refused = [&](const std::string& bytes) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
        const Error error = openError();
        EXPECT_EQ(error.code, ErrorCode::StorageFailed) << describe(error);
        EXPECT_THAT(error.hint, HasSubstr("backup"));
        EXPECT_EQ(content(), bytes);
    };
    refused(good.substr(0, good.size() / 2));
    std::string scribbled = good;
    std::fill(scribbled.begin() + 4096, scribbled.begin() + 8192, '\x5a');
    refused(scribbled);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << good;
    tamper("UPDATE document SET body = '{\"n\":' WHERE kind = 'left'");
    refused(content());
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << good;
    tamper("UPDATE head SET revision = 5");
    refused(content());
    tamper("UPDATE head SET revision = 100, sequence = 50");
    refused(content());
}

TEST_F(SqliteStoreTest, AMissingDirectoryIsAClearError) {
    path_ = directory_ + "/absent/store.db";
    EXPECT_EQ(openError().code, ErrorCode::StorageFailed);
    EXPECT_THAT(openError().message, HasSubstr("No such file"));
}

TEST_F(SqliteStoreTest, AMigrationHappensWholeOrNotAtAll) {
    ASSERT_TRUE(open()->commit(numbered(1)));
    std::vector<std::string> steps(migrations().begin(), migrations().end());
    const auto known = static_cast<int64_t>(steps.size());
    steps.push_back("ALTER TABLE document ADD COLUMN note TEXT; UPDATE nothing SET x = 1;");
    {
        const auto connection = Connection::open(path_).value();
        const auto failed = migrate(connection, known, steps);
        ASSERT_FALSE(failed);
        EXPECT_THAT(failed.error().message, HasSubstr("version " + std::to_string(known + 1)));
        EXPECT_EQ(checkSchema(connection, steps).value(), known);
        EXPECT_FALSE(connection.execute("SELECT note FROM document"));
        steps.back() = "ALTER TABLE document ADD COLUMN note TEXT;";
        ASSERT_TRUE(migrate(connection, known, steps));
        EXPECT_EQ(checkSchema(connection, steps).value(), known + 1);
        EXPECT_TRUE(connection.execute("SELECT note FROM document"));
    }
    EXPECT_EQ(openError().code, ErrorCode::Unsupported) << "this program knows one version less";
}

}  // namespace
}  // namespace swb::store
