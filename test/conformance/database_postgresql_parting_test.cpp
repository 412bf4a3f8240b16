// Two servers that both wrote on one timeline, as primaries, on real servers: no history file shows where they parted.
// The bytes of their logs do, and what only the second primary has is saved before it is copied anew.
#include "conformance/postgresql_divergence.h"

namespace swb::test {

using ::testing::HasSubstr;

// `former` is a replica whose standby.signal somebody removes; `present` stays the primary.
class PostgresqlParting : public PostgresqlDivergence {
  protected:
    void SetUp() override {
        PostgresqlDivergence::SetUp();
        if (HasFatalFailure()) return;
        waitForCatchUp();
        std::swap(former, present);
        rounds = 1;
    }
    // Somebody starts the replica as a primary.
    void startAsSecondPrimary() {
        SWB_REQUIRE(former->driver->stop(former->spec, former->context()));
        ASSERT_TRUE(std::filesystem::remove(former->spec.service.data + "/standby.signal"));
        SWB_REQUIRE(former->driver->ensureRunning(former->spec, "", former->context()));
    }
    void partOnOneTimeline() {
        startAsSecondPrimary();
        if (HasFatalFailure()) return;
        for (const char* tag : {"lost-1", "lost-2", "lost-3"}) ASSERT_TRUE(world.insert(*former, tag));
        ASSERT_TRUE(world.insert(*present, "won"));
        common.insert("won");
    }
    Json onlyHere(DatabaseSide& side, DatabaseSide& other) {
        const driver::Peer peer = other.peer();
        const Json facts = side.driver->inspect(side.spec, &peer, side.context());
        const Json* only = memberAt(facts, "onlyHere");
        return only ? *only : Json("no such fact");
    }
    void expectCopied() {
        const auto seeded = seed();
        SWB_REQUIRE(seeded);
        EXPECT_FALSE(booleanAt(*seeded, "rewound")) << toText(*seeded);
        EXPECT_THAT(textAt(*seeded, "copiedBecause"), HasSubstr("both wrote on timeline 1"));
        expectSaved(*memberAt(*seeded, "saved"));
        expectFollows();
        EXPECT_TRUE(onlyHere(*former, *present).is_null());
    }
};

TEST_F(PostgresqlParting, IsSeenSavedAndCopied) {
    partOnOneTimeline();
    ASSERT_FALSE(HasFatalFailure());
    const Json only = onlyHere(*former, *present);
    ASSERT_TRUE(only.is_object()) << toText(only);
    EXPECT_EQ(integerAt(only, "commits"), 3) << toText(only);
    EXPECT_TRUE(booleanAt(only, "exact"));
    expectCopied();
}

// Their logs differ from the first byte of a segment on, and the fork lies segments before.
TEST_F(PostgresqlParting, IsFoundSegmentsBack) {
    partOnOneTimeline();
    ASSERT_FALSE(HasFatalFailure());
    for (DatabaseSide* side : {former, present})
        for (int segment = 0; segment < 3; ++segment) {
            world.sql(*side, "SELECT pg_switch_wal()");
            world.sql(*side, "CHECKPOINT");
        }
    expectCopied();
}

// The second primary has written more log than the first one altogether.
TEST_F(PostgresqlParting, IsFoundWhereTheSourceIsBehind) {
    startAsSecondPrimary();
    ASSERT_FALSE(HasFatalFailure());
    for (const char* tag : {"lost-1", "lost-2", "lost-3"}) ASSERT_TRUE(world.insert(*former, tag));
    world.sql(*former, "SELECT pg_switch_wal()");
    world.sql(*former, "CHECKPOINT");
    expectCopied();
}

// Its guard says replica: stopped while it runs, quarantined when it is found stopped. Neither loses its log.
TEST_F(PostgresqlParting, TheGuardStopsItAndKeepsItsLog) {
    partOnOneTimeline();
    ASSERT_FALSE(HasFatalFailure());
    const auto stopped = former->driver->ensureRunning(former->spec, "replica", former->context());
    SWB_REQUIRE(stopped);
    EXPECT_EQ(textAt(*stopped, "role"), "stopped");
    EXPECT_EQ(integerAt(onlyHere(*former, *present), "commits"), 3);
    expectCopied();
}

TEST_F(PostgresqlParting, FoundStoppedItFollowsNobodyUntilItIsResynced) {
    partOnOneTimeline();
    ASSERT_FALSE(HasFatalFailure());
    const auto follows = [&] { return world.sql(*former, "SHOW primary_conninfo"); };
    for (const bool hard : {false, true}) {
        if (hard)
            endHard();
        else
            SWB_REQUIRE(former->driver->stop(former->spec, former->context()));
        const auto started = former->driver->ensureRunning(former->spec, "replica", former->context());
        SWB_REQUIRE(started);
        EXPECT_EQ(textAt(*started, "role"), "replica");
        EXPECT_EQ(follows(), "");
        const Json only = onlyHere(*former, *present);
        EXPECT_EQ(integerAt(only, "commits"), 3) << toText(only);
    }
    expectCopied();
    SWB_REQUIRE(former->driver->stop(former->spec, former->context()));
    SWB_REQUIRE(former->driver->ensureRunning(former->spec, "replica", former->context()));
    EXPECT_THAT(follows(), HasSubstr("verify-full")) << "a replica that was stopped goes on following";
}

// The primary no longer keeps the log in which they parted: everything this server still has may be only here.
TEST_F(PostgresqlParting, WhereTheSourceKeepsNoLogEverythingIsSaved) {
    partOnOneTimeline();
    ASSERT_FALSE(HasFatalFailure());
    world.sql(*present, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
    world.sql(*present, "ALTER SYSTEM SET wal_keep_size = 0");
    world.sql(*present, "SELECT pg_reload_conf()");
    for (int segment = 0; segment < 4; ++segment) {
        world.sql(*present, "SELECT pg_switch_wal()");
        world.sql(*present, "CHECKPOINT");
    }
    const auto seeded = seed();
    SWB_REQUIRE(seeded);
    const Json& saved = *memberAt(*seeded, "saved");
    ASSERT_TRUE(saved.is_object()) << toText(*seeded);
    EXPECT_FALSE(booleanAt(saved, "exact", true));
    EXPECT_GE(integerAt(saved, "commits"), 3);
    EXPECT_THAT(textAt(saved, "sentence"), HasSubstr("at most"));
    expectFollows();
}

TEST_F(PostgresqlParting, WhoIsMerelyBehindHasNothingOfItsOwn) {
    EXPECT_TRUE(onlyHere(*former, *present).is_null());
    EXPECT_TRUE(onlyHere(*present, *former).is_null()) << "a primary is ahead of its replica";
    world.sql(*former, "ALTER SYSTEM SET primary_conninfo = ''");
    world.sql(*former, "SELECT pg_reload_conf()");
    for (int tag = 0; tag < 50; ++tag) ASSERT_TRUE(world.insert(*present, "later-" + std::to_string(tag)));
    EXPECT_TRUE(onlyHere(*former, *present).is_null());
    EXPECT_TRUE(onlyHere(*present, *former).is_null());
    SWB_REQUIRE(former->driver->stop(former->spec, former->context()));
    EXPECT_TRUE(onlyHere(*former, *present).is_null());
}

}  // namespace swb::test
