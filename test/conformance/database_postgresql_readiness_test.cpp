// What readiness says of PostgreSQL, from the facts of real servers.
#include <gtest/gtest.h>
#include <unistd.h>

#include "plan/engine_checks.h"
#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

class PostgresqlReadiness : public ::testing::Test {
  protected:
    void SetUp() override { world.link(); }

    // Drivers that remember nothing: what is slow to change is read again.
    plan::Readiness judge() {
        for (DatabaseSide* side : {&source, &replica}) side->restartAgent();
        const driver::Peer sourcePeer = source.peer(), replicaPeer = replica.peer();
        const Json from = source.driver->inspect(source.spec, &replicaPeer, source.context());
        const Json to = replica.driver->inspect(replica.spec, &sourcePeer, replica.context());
        plan::CheckList list(1);
        const plan::EngineChecks& checks = plan::checksOf(Engine::postgresql);
        checks.fit(list, "shop-nyc/main", from, to);
        checks.leaving(list, "shop-fra/main", from);
        checks.taking(list, "shop-nyc/main", from, to);
        return list.take();
    }
    void expect(const std::string& name, plan::Verdict verdict, const std::string& word = {}) {
        const plan::Readiness readiness = judge();
        for (const plan::Check& check : readiness.checks)
            if (check.name == name) {
                EXPECT_EQ(check.verdict, verdict) << check.sentence;
                EXPECT_NE(check.sentence.find(word), std::string::npos) << check.sentence;
                EXPECT_EQ(check.hint.empty(), verdict == plan::Verdict::ok) << check.hint;
                return;
            }
        EXPECT_TRUE(false) << name << " is not checked: " << toText(toJson(readiness));
    }
    // A statement at the source, seen at the replica.
    void change(const std::string& statement) {
        world.sql(source, statement);
        const std::string end = world.sql(source, "SELECT pg_current_wal_lsn()");
        for (int i = 0; i < 1000 && world.sql(replica, "SELECT pg_last_wal_replay_lsn() >= '" + end + "'") != "t"; ++i)
            ::usleep(5000);
    }

    PostgresqlWorld world{"wal_level = logical\n"};
    DatabaseSide& source = world.a();
    DatabaseSide& replica = world.b();
};

}  // namespace

TEST_F(PostgresqlReadiness, APlainPairIsReady) {
    for (const plan::Check& check : judge().checks)
        EXPECT_EQ(check.verdict, plan::Verdict::ok) << check.name << ": " << check.sentence;
}

TEST_F(PostgresqlReadiness, WhatDoesNotMoveIsNamed) {
    change("SELECT pg_create_logical_replication_slot('decoder', 'test_decoding')");
    expect("logical-slots", plan::Verdict::warning, "1 logical slots");
    change("CREATE UNLOGGED TABLE public.sessions (id int)");
    expect("unlogged-tables", plan::Verdict::warning, "shop: public.sessions");
    // Another database of the same server moves too.
    ASSERT_TRUE(runSql(source.spec, "CREATE UNLOGGED TABLE public.cache (id int)", "postgres"));
    expect("unlogged-tables", plan::Verdict::warning, "postgres: public.cache");
    change("SELECT lo_create(4711)");
    expect("large-objects", plan::Verdict::ok, "like tables");
    EXPECT_EQ(world.sql(replica, "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711"), "1");
}

TEST_F(PostgresqlReadiness, WhatTheOtherSystemLacksRefuses) {
    // As a package of another version, and a package that is not there, would look to the replica.
    change("UPDATE pg_extension SET extversion = '99' WHERE extname = 'plpgsql'");
    expect("extension-versions", plan::Verdict::warning, "plpgsql 99");
    change("UPDATE pg_extension SET extname = 'postgis' WHERE extname = 'plpgsql'");
    expect("extensions", plan::Verdict::refused, "postgis 99");
    change("CREATE COLLATION public.german (provider = icu, locale = 'de')");
    change("UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'german'");
    expect("collation-version", plan::Verdict::refused, "shop: german (1.0 / ");
}

TEST_F(PostgresqlReadiness, WhatHoldsAPromotionUpRefuses) {
    world.sql(replica, "ALTER SYSTEM SET recovery_min_apply_delay = '5min'");
    world.sql(replica, "ALTER SYSTEM SET synchronous_standby_names = 'elsewhere'");
    world.sql(replica, "ALTER SYSTEM SET restore_command = 'false'");
    world.sql(replica, "SELECT pg_reload_conf()");
    ::usleep(200'000);
    expect("replay-delay", plan::Verdict::refused, "5min");
    expect("standby-names", plan::Verdict::warning, "'elsewhere'");
    expect("restore-command", plan::Verdict::ok, "put aside");
    world.sql(source, "ALTER SYSTEM SET max_connections = 60");
    world.sql(source, "ALTER SYSTEM SET archive_mode = on");
    world.sql(source, "ALTER SYSTEM SET archive_command = 'true'");
    SWB_REQUIRE(source.driver->stop(source.spec, source.context()));
    SWB_REQUIRE(source.driver->ensureRunning(source.spec, "primary", source.context()));
    expect("parameters", plan::Verdict::refused, "max_connections 40 < 60");
    expect("archive", plan::Verdict::warning, "at the source only");
}

}  // namespace swb::test
