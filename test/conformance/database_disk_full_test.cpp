// Disks that fill up, at either side: a seed that has no room, or loses it half way, ends and leaves nothing behind,
// and a replica that stays away does not fill its source's disk. The source serves all the while, the link says what to
// do, and that helps.
#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "conformance/database_conformance.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "health/link_state.h"
#include "support/mariadb_fixture.h"
#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

// Mounts of its own for this process: as root, else as root of a name space of users that has ourselves only.
bool separateMounts() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (user != 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << user << ' ' << user << " 1";
        std::ofstream("/proc/self/gid_map") << group << ' ' << group << " 1";
    } else if (::unshare(CLONE_NEWNS) != 0) {
        return false;
    }
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool mayMount() {
    static const bool may = separateMounts();
    if (!may) std::fprintf(stderr, "NOT TESTED: full disks. Mounting a small file system is not permitted here.\n");
    return may;
}

class FullDisk : public DatabaseConformance {
  protected:
    void SetUp() override {
        if (!mayMount())
            GTEST_SKIP() << "mounting a small file system is not permitted here: full disks are not tested";
        DatabaseConformance::SetUp();
    }
    void TearDown() override {
        if (!small.empty()) {
            world.reset();
            ::umount2(small.c_str(), MNT_DETACH);
            std::error_code ignored;
            std::filesystem::remove_all(root, ignored);
        }
    }

    void copyTree(const std::string& from, const std::string& to) {
        driver::ProgramCall call;
        call.argv = {"cp", "-a", from, to};
        SWB_REQUIRE(driver::runChecked(call, standby->context(60'000)));
    }
    // The standby's whole directory, data and all, moves to a disk of its own.
    void shrinkStandby(int mebibytes) {
        root = world->directory();
        small = std::filesystem::path(standby->stateDirectory).parent_path();
        SWB_REQUIRE(standby->driver->stop(standby->spec, standby->context()));
        const std::string aside = small + ".aside";
        copyTree(small, aside);
        ASSERT_EQ(
            ::mount("tmpfs", small.c_str(), "tmpfs", 0, ("mode=0755,size=" + std::to_string(mebibytes) + "m").c_str()),
            0);
        copyTree(aside + "/.", small + "/");
        (void)driver::removeTree(aside);
        standby->restartAgent();
        SWB_REQUIRE(standby->driver->ensureRunning(standby->spec, "replica", standby->context()));
    }
    void mariadbSql(const std::string& statement) { static_cast<MariadbWorld&>(*world).sql(*current, statement); }
    // As its age would: the server keeps what a session reads, and what the tables' own log still needs, for a moment.
    void forgetLogs() {
        auto& servers = static_cast<MariadbWorld&>(*world);
        const MonotonicMs deadline = SystemClock().monotonic() + 20'000;
        const std::string first = servers.sql(*current, "SHOW BINARY LOGS");
        do {
            ASSERT_LT(SystemClock().monotonic(), deadline) << "the binary log cannot be shortened";
            const std::string reader = servers.sql(
                *current,
                "SELECT COALESCE(MAX(ID), 0) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'");
            if (reader != "0") (void)servers.trySql(*current, "KILL " + reader);
            mariadbSql("FLUSH BINARY LOGS");
            mariadbSql("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY");
            ::usleep(100'000);
        } while (servers.sql(*current, "SHOW BINARY LOGS") == first);
    }
    // Random data at the source.
    void fillSource(int mebibytes) {
        if (current->spec.engine == Engine::postgresql) {
            std::string error;
            for (const std::string& statement :
                 {std::string("CREATE TABLE IF NOT EXISTS ballast (filler text)"),
                  std::string("ALTER TABLE ballast ALTER filler SET STORAGE EXTERNAL"),
                  "INSERT INTO ballast SELECT repeat(md5(random()::text), 32768) FROM generate_series(1, " +
                      std::to_string(mebibytes) + ")"})
                ASSERT_TRUE(runSql(current->spec, statement, "shop", &error)) << error;
            return;
        }
        mariadbSql("CREATE TABLE IF NOT EXISTS shop.ballast (filler LONGBLOB)");
        for (int i = 0; i < mebibytes; ++i)
            mariadbSql("INSERT INTO shop.ballast SELECT REPEAT(UNHEX(SHA2(RAND(), 512)), 16384)");
    }
    Result<Json> seedAgain(const std::function<void(int64_t)>& progress = {}) {
        auto prepared = current->driver->prepareSource(current->spec, current->application, standby->peer(),
                                                       standby->slot, current->context());
        if (!prepared) return fail(prepared.error());
        driver::Context context = standby->context(60'000);
        if (progress) context.progress = [&](int64_t done, int64_t, std::string_view) { progress(done); };
        return standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot, context);
    }
    void expectNothingLeft() {
        for (const char* suffix : {".swingbridge-new", ".swingbridge-dump"})
            EXPECT_FALSE(driver::directoryExists(standby->spec.service.data + suffix)) << suffix;
    }
    health::LinkHealth judged() {
        health::LinkInput input;
        input.link = {current->application, standby->application, "main", "", 0};
        const Json source = current->driver->inspect(current->spec, nullptr, current->context()),
                   replica = standby->driver->inspect(standby->spec, nullptr, standby->context());
        input.source = health::sideOf(current->spec.engine, source, standby->slot);
        input.replica = health::sideOf(standby->spec.engine, replica, standby->slot);
        input.divergence = health::divergence(current->spec.engine, source, replica);
        return health::judge(input);
    }

    std::string small, root;
};

// A plan refuses it before anything begins (readiness `disk`); here the driver stands alone, and what the source says
// of its size may be old.
TEST_P(FullDisk, ASeedThatHasNoRoomEndsAndLeavesNothingBehind) {
    shrinkStandby(400);
    ASSERT_FALSE(HasFatalFailure());
    // It would fill its disk by following.
    SWB_REQUIRE(standby->driver->stop(standby->spec, standby->context()));
    fillSource(350);
    ASSERT_FALSE(HasFatalFailure());
    const auto seeded = seedAgain();
    ASSERT_FALSE(seeded);
    EXPECT_TRUE(seeded.error().code == ErrorCode::StorageFailed || seeded.error().code == ErrorCode::CommandFailed)
        << describe(seeded.error());
    expectNothingLeft();
    expectWritable(*current);
}

TEST_P(FullDisk, ASeedThatLosesItsRoomHalfWayLeavesNothingBehind) {
    shrinkStandby(1200);
    ASSERT_FALSE(HasFatalFailure());
    fillSource(100);
    ASSERT_FALSE(HasFatalFailure());
    const std::string ballast = small + "/ballast";
    const auto seeded = seedAgain([&](int64_t) {
        if (std::filesystem::exists(ballast)) return;
        std::ofstream file(ballast, std::ios::binary);
        const std::vector<char> block(1 << 20, 'x');
        while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
        }
    });
    ASSERT_TRUE(std::filesystem::exists(ballast));
    ASSERT_FALSE(seeded) << "there was room after all";
    expectNothingLeft();
    expectWritable(*current);
    std::filesystem::remove(ballast);
    SWB_REQUIRE(seedAgain());
    expectWritable(*current);
    expectReplicated();
    expectNothingLeft();
}

TEST_P(FullDisk, AReplicaThatStaysAwayForTooLongIsCutOffAndSeededAgain) {
    SWB_REQUIRE(standby->driver->stop(standby->spec, standby->context()));
    if (current->spec.engine == Engine::postgresql) {
        // The budget that an administrator chose stays.
        ASSERT_TRUE(runSql(current->spec, "ALTER SYSTEM SET max_slot_wal_keep_size = '48MB'"));
        ASSERT_TRUE(runSql(current->spec, "ALTER SYSTEM SET max_wal_size = '64MB'"));
        ASSERT_TRUE(runSql(current->spec, "SELECT pg_reload_conf()"));
        for (int i = 0; i < 4; ++i) {
            fillSource(48);
            ASSERT_TRUE(runSql(current->spec, "CHECKPOINT"));
        }
        EXPECT_LT(driver::treeBytes(current->spec.service.data + "/pg_wal"), int64_t{300} << 20);
    } else {
        fillSource(4);
        forgetLogs();
        ASSERT_FALSE(HasFatalFailure());
    }
    expectWritable(*current);
    SWB_REQUIRE(standby->driver->ensureRunning(standby->spec, "replica", standby->context()));
    const MonotonicMs deadline = SystemClock().monotonic() + 15'000;
    health::LinkHealth health = judged();
    // Until it has tried, it is only not connected yet, or stopped.
    while ((health.state != LinkState::broken || health.hint.find("resync") == std::string::npos) &&
           SystemClock().monotonic() < deadline) {
        ::usleep(100'000);
        health = judged();
    }
    EXPECT_EQ(health.state, LinkState::broken) << health.sentence;
    EXPECT_NE(health.hint.find("resync"), std::string::npos) << health.sentence << " / " << health.hint;
    SWB_REQUIRE(seedAgain());
    expectWritable(*current);
    expectReplicated();
}

INSTANTIATE_TEST_SUITE_P(Engines, FullDisk,
                         ::testing::Values(WorldFactory([] { return std::make_unique<PostgresqlWorld>(); }),
                                           WorldFactory([] { return std::make_unique<MariadbWorld>(); })),
                         [](const auto& world) { return std::string(world.index == 0 ? "postgresql" : "mariadb"); });

}  // namespace

// The suite itself runs in the programs of the engines.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DatabaseConformance);

}  // namespace swb::test
