// The conformance suite of database drivers on real MySQL servers.
#include "conformance/database_conformance.h"
#include "support/mariadb_fixture.h"
#include "support/mysql_main.h"

namespace swb::test {

INSTANTIATE_TEST_SUITE_P(Mysql, DatabaseConformance, ::testing::Values(WorldFactory([] {
                             return std::make_unique<MariadbWorld>("", Engine::mysql);
                         })),
                         [](const auto&) { return "direct"; });

// GTIDs were off until 9, and a running server turns them on only in steps that all of its replicas take with it.
TEST(MysqlSetup, ASourceWithoutGtidsIsRestartedOnce) {
    MariadbWorld world("gtid_mode = OFF\nenforce_gtid_consistency = OFF\n", Engine::mysql);
    DatabaseSide &source = world.a(), &replica = world.b();
    ASSERT_TRUE(world.insert(source, "before"));
    for (DatabaseSide* side : {&source, &replica}) world.installCertificates(*side);
    const auto prepare = [&] {
        return source.driver->prepareSource(source.spec, source.application, replica.peer(), replica.slot,
                                            source.context(60'000));
    };
    const auto first = prepare();
    SWB_REQUIRE(first);
    EXPECT_NE(toText(*memberAt(*first, "restartedFor")).find("gtid_mode"), std::string::npos) << toText(*first);
    const auto again = prepare();
    SWB_REQUIRE(again);
    EXPECT_TRUE(memberAt(*again, "restartedFor")->as_array().empty()) << toText(*again);
    SWB_REQUIRE(
        replica.driver->seed(replica.spec, replica.application, source.peer(), replica.slot, replica.context(60'000)));
    ASSERT_TRUE(world.insert(source, "after"));
    const std::set<std::string> all{"before", "after"};
    for (int i = 0; i < 400 && world.tags(replica) != all; ++i) ::usleep(5000);
    EXPECT_EQ(world.tags(replica), all);
}

}  // namespace swb::test
