// The conformance suite of database drivers on real MariaDB servers.
#include "conformance/database_conformance.h"
#include "support/mariadb_fixture.h"

namespace swb::test {

INSTANTIATE_TEST_SUITE_P(Mariadb, DatabaseConformance,
                         ::testing::Values(WorldFactory([] { return std::make_unique<MariadbWorld>(); })),
                         [](const auto&) { return "direct"; });

}  // namespace swb::test
