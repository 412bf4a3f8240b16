// A replica of a replica (F19), through switches of what is above it: it keeps following, is never seeded again, and
// its slot stays where it is.
#include "database_conformance.h"
#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

class PostgresqlCascade : public DatabaseConformance {
  protected:
    void SetUp() override {
        DatabaseConformance::SetUp();
        postgresql = dynamic_cast<PostgresqlWorld*>(world.get());
        third = &postgresql->addSide("shop-sgp", "127.0.30.1");
        postgresql->installCertificates(*third);
        // From the standby, as `swing replication enable --from shop-nyc --to shop-sgp` would.
        SWB_REQUIRE(standby->driver->prepareSource(standby->spec, standby->application, third->peer(), third->slot,
                                                   standby->context()));
        SWB_REQUIRE(third->driver->testSource(third->spec, standby->peer(), third->context()));
        SWB_REQUIRE(
            third->driver->seed(third->spec, third->application, standby->peer(), third->slot, third->context(60'000)));
        startedAt = postgresql->sql(*third, "SELECT pg_postmaster_start_time()");
    }
    void expectThirdFollows() {
        const MonotonicMs deadline = SystemClock().monotonic() + 10'000;
        while (world->tags(*third) != written && SystemClock().monotonic() < deadline) ::usleep(5000);
        EXPECT_EQ(world->tags(*third), written);
        EXPECT_EQ(postgresql->sql(*third, "SELECT pg_postmaster_start_time()"), startedAt) << "never restarted";
    }

    PostgresqlWorld* postgresql = nullptr;
    DatabaseSide* third = nullptr;
    std::string startedAt;
};

TEST_P(PostgresqlCascade, TheSubtreeFollowsThroughSwitchesThereAndBack) {
    expectWritable(*current);
    expectThirdFollows();
    for (int round = 0; round < 4; ++round) {
        switchOver();
        ASSERT_FALSE(HasFatalFailure());
        expectWritable(*current);
        expectReplicated();
        expectThirdFollows();
    }
    const Json facts = world->b().driver->inspect(world->b().spec, nullptr, world->b().context());
    bool seen = false;
    for (const Json& row : memberAt(facts, "replicas")->as_array())
        seen |= textAt(row, "application") == third->slot && textAt(row, "state") == "streaming";
    EXPECT_TRUE(seen) << toText(facts);
}

TEST_P(PostgresqlCascade, AReplicaWithoutASourceOfItsOwnCannotBeOne) {
    // The role that replicas log in with comes with the data: gone there, gone here.
    postgresql->sql(*current, "ALTER ROLE swingbridge_repl RENAME TO somebody_else");
    const MonotonicMs deadline = SystemClock().monotonic() + 5000;
    while (postgresql->sql(*standby, "SELECT count(*) FROM pg_roles WHERE rolname = 'swingbridge_repl'") != "0" &&
           SystemClock().monotonic() < deadline)
        ::usleep(5000);
    const auto refused = standby->driver->prepareSource(standby->spec, standby->application, third->peer(), third->slot,
                                                        standby->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DatabaseConformance);
INSTANTIATE_TEST_SUITE_P(PostgreSQL, PostgresqlCascade,
                         ::testing::Values([] { return std::make_unique<PostgresqlWorld>(); }));

}  // namespace
}  // namespace swb::test
