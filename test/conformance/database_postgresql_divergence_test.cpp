// An old primary that went on after the other site was promoted, on real servers: what only it has is saved and
// counted, then it is rewound, or copied where it cannot be, and at no moment does half of it run.
#include "conformance/postgresql_divergence.h"

namespace swb::test {

using ::testing::HasSubstr;

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
