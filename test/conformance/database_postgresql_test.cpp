// The conformance suite of database drivers on real PostgreSQL servers.
#include "conformance/database_conformance.h"
#include "support/postgresql_fixture.h"

namespace swb::test {

INSTANTIATE_TEST_SUITE_P(Postgresql, DatabaseConformance,
                         ::testing::Values(WorldFactory([] { return std::make_unique<PostgresqlWorld>(); })),
                         [](const auto&) { return "direct"; });

}  // namespace swb::test
