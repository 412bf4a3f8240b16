// Certificates of replication that end while it streams: renewed in time nothing is noticed, and whatever connects
// after the end of the old ones gets in; forgotten ones keep a replica out until they are renewed. For every engine.
#include "conformance/database_conformance.h"
#include "support/mariadb_fixture.h"
#include "support/postgresql_fixture.h"
#include "support/redis_fixture.h"

namespace swb::test {
namespace {

class Certificates : public DatabaseConformance {
  protected:
    void install(int64_t lifetimeSeconds) {
        for (DatabaseSide* side : {current, standby}) world->installCertificates(*side, lifetimeSeconds);
    }
    Result<Json> canReach(DatabaseSide& here, DatabaseSide& there) {
        return here.driver->testSource(here.spec, there.peer(), here.context(8000));
    }
    int64_t endsAt(DatabaseSide& side) {
        const Json facts = side.driver->inspect(side.spec, nullptr, side.context());
        const Json* certificate = memberAt(facts, "certificate");
        return certificate ? integerAt(*certificate, "endsAt") : 0;
    }
    void awaitEnd(UnixMs end) {
        while (SystemClock().now() < end + 1500) {
            expectWritable(*current);
            ::usleep(200'000);
        }
    }
};

TEST_P(Certificates, RenewedInTimeNothingIsNoticed) {
    install(6);
    const UnixMs end = endsAt(*current);
    ASSERT_GT(end, SystemClock().now());
    ASSERT_LT(end, SystemClock().now() + 7000);
    expectWritable(*current);
    expectReplicated();
    install(3600);
    EXPECT_GT(endsAt(*current), end + 3000'000);
    EXPECT_GT(endsAt(*standby), end + 3000'000);
    awaitEnd(end);
    expectReplicated();
    // A replica that has to connect anew gets in, and the way back is open as well.
    SWB_REQUIRE(canReach(*standby, *current));
    SWB_REQUIRE(canReach(*current, *standby));
    SWB_REQUIRE(standby->driver->stop(standby->spec, standby->context()));
    SWB_REQUIRE(standby->driver->ensureRunning(standby->spec, "replica", standby->context()));
    expectWritable(*current);
    expectReplicated();
    EXPECT_EQ(roleOf(*current), "primary");
}

TEST_P(Certificates, ForgottenOnesKeepAReplicaOutUntilTheyAreRenewed) {
    install(2);
    awaitEnd(endsAt(*current));
    const auto refused = canReach(*standby, *current);
    ASSERT_FALSE(refused);
    install(3600);
    const auto reached = canReach(*standby, *current);
    SWB_REQUIRE(reached);
    SWB_REQUIRE(canReach(*current, *standby));
    expectReplicated();
}

TEST_P(Certificates, ARenewalKilledInTheMiddleIsRepeated) {
    expectWritable(*current);
    for (const unsigned microseconds : {500u, 2'000u, 5'000u, 10'000u, 20'000u, 40'000u}) {
        (void)killedAfter(microseconds, [&] { world->installCertificates(*current, 3600); });
        // What is there always fits together: the keys stay the same.
        current->restartAgent();
        SWB_REQUIRE(canReach(*standby, *current));
    }
    install(7200);
    SWB_REQUIRE(canReach(*standby, *current));
    SWB_REQUIRE(canReach(*current, *standby));
    expectWritable(*current);
    expectReplicated();
}

std::string engineOf(const ::testing::TestParamInfo<WorldFactory>& world) {
    constexpr const char* names[] = {"postgresql", "mariadb", "redis", "mysql"};
    return names[world.index];
}

std::vector<WorldFactory> worlds() {
    std::vector<WorldFactory> list = {[] { return std::make_unique<PostgresqlWorld>(); },
                                      [] { return std::make_unique<MariadbWorld>(); },
                                      [] { return std::make_unique<RedisWorld>(); }};
    // Debian has no MySQL.
    if (!mysqlPrograms().empty()) list.emplace_back([] { return std::make_unique<MariadbWorld>("", Engine::mysql); });
    return list;
}

INSTANTIATE_TEST_SUITE_P(Engines, Certificates, ::testing::ValuesIn(worlds()), engineOf);

}  // namespace

// The suite itself runs in the programs of the engines.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DatabaseConformance);

}  // namespace swb::test
