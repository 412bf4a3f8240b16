// An old primary that went on after the other site was promoted, on real servers: what only it has is saved and
// counted, then it is rewound, or copied where it cannot be, and at no moment does half of it run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include "base/file.h"
#include "driver/postgresql/managers.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "support/child_process.h"
#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

using ::testing::HasSubstr;

// `former` was the primary and is linked to `present`, which was promoted without it.
class PostgresqlDivergence : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(inChild(nullptr, [&] { return world.link(), true; }), 0);
        ASSERT_TRUE(world.insert(*former, "common"));
    }
    void waitForCatchUp() {
        for (int i = 0; i < 2000 && world.tags(*present) != world.tags(*former); ++i) ::usleep(5000);
        ASSERT_EQ(world.tags(*present), world.tags(*former));
    }
    void part() {
        waitForCatchUp();
        SWB_REQUIRE(present->driver->promoteStandalone(present->spec, true, present->context()));
        const std::string round = std::to_string(++rounds);
        for (const char* tag : {"lost-1-", "lost-2-", "lost-3-"}) ASSERT_TRUE(world.insert(*former, tag + round));
        ASSERT_TRUE(world.insert(*present, "won-" + round));
        common.insert("won-" + round);
    }
    Result<Json> seed(int64_t milliseconds = 60'000) {
        const auto source = present->driver->prepareSource(present->spec, present->application, former->peer(),
                                                           former->slot, present->context());
        if (!source) return source;
        return former->driver->seed(former->spec, former->application, present->peer(), former->slot,
                                    former->context(milliseconds));
    }
    // In a process of its own; null when that did not come to an end.
    Json seedApart(const char* faultPoint) {
        const std::string answer = world.directory() + "/answer";
        std::filesystem::remove(answer);
        inChild(faultPoint, [&] {
            const auto seeded = seed();
            const std::string text = seeded ? toText(*seeded) : toText(Json(describe(seeded.error())));
            return writeFileAtomically(answer, text, 0600).has_value();
        });
        former->restartAgent();
        return parseJson(readFile(answer).value_or("null")).value_or(nullptr);
    }
    void expectFollows() {
        waitForCatchUp();
        EXPECT_EQ(world.tags(*former), common);
        EXPECT_EQ(world.sql(*former, "SHOW port"), std::to_string(former->spec.address.port));
        EXPECT_EQ(world.sql(*former, "SHOW listen_addresses"), former->spec.address.host);
        EXPECT_EQ(world.sql(*former, "SHOW primary_slot_name"), former->slot);
        EXPECT_THAT(world.sql(*former, "SHOW primary_conninfo"), HasSubstr("verify-full"));
        for (const char* suffix : {".swingbridge-new", ".swingbridge-old"})
            EXPECT_FALSE(driver::directoryExists(former->spec.service.data + suffix));
    }
    // The kept log is readable and holds the commits.
    void expectSaved(const Json& report) {
        ASSERT_TRUE(report.is_object()) << toText(report);
        EXPECT_EQ(integerAt(report, "commits"), 3) << toText(report);
        EXPECT_TRUE(booleanAt(report, "complete"));
        const std::string directory = textAt(report, "directory");
        EXPECT_THAT(directory,
                    HasSubstr(former->spec.service.data + ".swingbridge-only-here-" + std::to_string(rounds) + "-0-"));
        const auto text = readFile(directory + "/report.json");
        SWB_REQUIRE(text);
        EXPECT_EQ(integerAt(parseJson(*text).value(), "commits"), 3);
        driver::ProgramCall dump;
        dump.argv = {former->spec.service.bin + "/pg_waldump",
                     "-p",
                     directory,
                     "-t",
                     std::to_string(rounds),
                     "-s",
                     textAt(report, "since")};
        dump.user = postgresqlUser();
        const auto seen = driver::runProgram(dump, former->context());
        SWB_REQUIRE(seen);
        EXPECT_THAT(seen->output, HasSubstr("COMMIT"));
    }
    void endHard() {
        killPostgresqlServer(former->spec);
        ASSERT_FALSE(postmasterPid(former->spec));
    }

    PostgresqlWorld world;
    DatabaseSide* former = &world.a();
    DatabaseSide* present = &world.b();
    std::set<std::string> common = {"common"};
    int rounds = 0;  // each promotion begins another timeline
};

}  // namespace

TEST_F(PostgresqlDivergence, IsSeenSavedAndRewound) {
    world.sql(*former, "ALTER ROLE swingbridge_repl SET statement_timeout = '1ms'");
    world.sql(*former, "ALTER ROLE swingbridge_repl SET default_transaction_read_only = on");
    part();
    ASSERT_FALSE(HasFatalFailure());
    const driver::Peer peer = present->peer();
    const Json facts = former->driver->inspect(former->spec, &peer, former->context());
    const Json* only = memberAt(facts, "onlyHere");
    ASSERT_TRUE(only && only->is_object()) << toText(facts);
    EXPECT_EQ(integerAt(*only, "commits"), 3);
    EXPECT_THAT(toText(*only), HasSubstr("shop: public.items"));
    const auto saved = former->driver->saveOnlyHere(former->spec, peer, former->context());
    SWB_REQUIRE(saved);
    expectSaved(*saved);
    EXPECT_TRUE(world.insert(*former, "still-a-primary")) << "saving changes nothing";
    const auto seeded = seed();
    SWB_REQUIRE(seeded);
    EXPECT_TRUE(booleanAt(*seeded, "rewound")) << toText(*seeded);
    // The last word is what the server held when it had stopped.
    EXPECT_EQ(integerAt(*memberAt(*seeded, "saved"), "commits"), 4) << toText(*seeded);
    expectFollows();
    // And the way back: a switch to the rewound side.
    SWB_REQUIRE(
        former->driver->prepareSource(former->spec, former->application, present->peer(), "", former->context()));
    SWB_REQUIRE(present->driver->prepareSwitchSource(present->spec, former->slot, present->context()));
    SWB_REQUIRE(former->driver->prepareSwitchReplica(former->spec, present->peer(), 1 << 20, former->context()));
    const auto token = present->driver->fence(present->spec, 5, present->context());
    SWB_REQUIRE(token);
    SWB_REQUIRE(former->driver->awaitToken(former->spec, *token, former->context()));
    SWB_REQUIRE(former->driver->promote(former->spec, *token, former->context()));
    EXPECT_TRUE(world.insert(*former, "home-again"));
}

// Killed, and then killed again as the standby that its boot guard made of it: single-user recovery ends it cleanly.
TEST_F(PostgresqlDivergence, AnUncleanEndIsRecoveredFirst) {
    part();
    endHard();
    const auto started = former->driver->ensureRunning(former->spec, "replica", former->context());
    SWB_REQUIRE(started);
    EXPECT_EQ(textAt(*started, "role"), "replica");
    endHard();
    const auto seeded = seed();
    SWB_REQUIRE(seeded);
    EXPECT_TRUE(booleanAt(*seeded, "rewound")) << toText(*seeded);
    expectSaved(*memberAt(*seeded, "saved"));
    expectFollows();
}

TEST_F(PostgresqlDivergence, WithoutChecksumsOrHintsItIsCopiedAndTheReasonSaid) {
    for (DatabaseSide* side : {former, present}) {
        SWB_REQUIRE(side->driver->stop(side->spec, side->context()));
        driver::ProgramCall call;
        call.argv = {side->spec.service.bin + "/pg_checksums", "--disable", "--pgdata=" + side->spec.service.data};
        call.user = postgresqlUser();
        SWB_REQUIRE(driver::runChecked(call, side->context()));
        SWB_REQUIRE(side->driver->ensureRunning(side->spec, "", side->context()));
    }
    part();
    const auto seeded = seed();
    SWB_REQUIRE(seeded);
    EXPECT_FALSE(booleanAt(*seeded, "rewound"));
    EXPECT_THAT(textAt(*seeded, "copiedBecause"), HasSubstr("wal_log_hints"));
    expectSaved(*memberAt(*seeded, "saved"));
    expectFollows();
}

// Whatever moment it is killed at: nobody can start what is half rewound, and the next call ends well.
TEST_F(PostgresqlDivergence, KilledInTheMiddleItIsFinishedByTheNext) {
    struct Moment {
        const char* point;
        bool hasData;  // the data directory is there, under its own name
        bool rewound;  // what the next call makes of it
    };
    for (const Moment& moment : {Moment{"seed.main.rewinding", true, false}, Moment{"seed.main.rewind", false, false},
                                 Moment{"seed.main.rewound", false, false}, Moment{"seed.main.ready", false, true},
                                 Moment{"seed.main.between", false, true}, Moment{"seed.main.swapped", true, true}}) {
        SCOPED_TRACE(moment.point);
        part();
        const Json killed = seedApart(moment.point);
        EXPECT_TRUE(killed.is_null()) << toText(killed);
        EXPECT_EQ(driver::directoryExists(former->spec.service.data), moment.hasData);
        if (!moment.hasData) {
            const auto started = former->driver->ensureRunning(former->spec, "", former->context());
            SWB_REQUIRE(started);
            EXPECT_EQ(textAt(*started, "role"), "stopped");
        }
        const Json seeded = seedApart(nullptr);
        ASSERT_TRUE(seeded.is_object()) << toText(seeded);
        EXPECT_EQ(booleanAt(seeded, "rewound"), moment.rewound) << toText(seeded);
        expectSaved(*memberAt(seeded, "saved"));
        expectFollows();
        if (HasFailure()) return;
        std::swap(former, present);
    }
}

// The log since the last common checkpoint is only in the archive.
TEST_F(PostgresqlDivergence, LogThatIsOnlyInTheArchiveIsRestored) {
    const std::string archive = world.directory() + "/archive";
    std::filesystem::create_directory(archive);
    giveTo(postgresqlUser(), archive);
    world.sql(*former, "CHECKPOINT");
    const std::string segment = world.sql(*former, "SELECT pg_walfile_name(pg_current_wal_lsn())");
    world.sql(*former, "SELECT pg_switch_wal()");
    part();
    ASSERT_FALSE(HasFatalFailure());
    world.sql(*former, "ALTER SYSTEM SET restore_command = 'cp " + archive + "/%f %p'");
    SWB_REQUIRE(former->driver->stop(former->spec, former->context()));
    std::filesystem::rename(former->spec.service.data + "/pg_wal/" + segment, archive + "/" + segment);
    const auto seeded = seed();
    SWB_REQUIRE(seeded);
    EXPECT_TRUE(booleanAt(*seeded, "rewound")) << toText(*seeded);
    expectFollows();
}

// Without the archive that log is missing: the dry run says so, and a copy is made.
TEST_F(PostgresqlDivergence, LogThatIsGoneMeansACopy) {
    world.sql(*former, "CHECKPOINT");
    const std::string segment = world.sql(*former, "SELECT pg_walfile_name(pg_current_wal_lsn())");
    world.sql(*former, "SELECT pg_switch_wal()");
    part();
    ASSERT_FALSE(HasFatalFailure());
    SWB_REQUIRE(former->driver->stop(former->spec, former->context()));
    std::filesystem::remove(former->spec.service.data + "/pg_wal/" + segment);
    const auto seeded = seed();
    SWB_REQUIRE(seeded);
    EXPECT_FALSE(booleanAt(*seeded, "rewound")) << toText(*seeded);
    EXPECT_THAT(textAt(*seeded, "copiedBecause"), HasSubstr("pg_rewind"));
    expectSaved(*memberAt(*seeded, "saved"));
    expectFollows();
}

}  // namespace swb::test
