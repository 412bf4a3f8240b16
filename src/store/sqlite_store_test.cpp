// What is on disk stays there: restarts, kill -9, two processes, full disks, failing flushes.
#include <fcntl.h>
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
#include "store/sqlite_test_support.h"

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

using namespace test;
using testing::HasSubstr;

// Flushes work again after each test, whatever becomes of it.
class SqliteFlushTest : public SqliteStoreTest {
  protected:
    void TearDown() override {
        flushesFail = false;
        SqliteStoreTest::TearDown();
    }
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

TEST_F(SqliteFlushTest, AfterAFailedFlushTheOutcomeIsUnknownAndNothingMoreIsWritten) {
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

}  // namespace
}  // namespace swb::store
