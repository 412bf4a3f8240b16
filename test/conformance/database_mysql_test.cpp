// The conformance suite of database drivers on real MySQL servers.
#include "conformance/database_conformance.h"
#include "support/mariadb_fixture.h"
#include "support/mysql_main.h"

namespace swb::test {

INSTANTIATE_TEST_SUITE_P(Mysql, DatabaseConformance, ::testing::Values(WorldFactory([] {
                             return std::make_unique<MariadbWorld>("", Engine::mysql);
                         })),
                         [](const auto&) { return "direct"; });

}  // namespace swb::test
