// Trees of PostgreSQL copies: database_cascade.h.
#include "database_cascade.h"

#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

INSTANTIATE_TEST_SUITE_P(PostgreSQL, DatabaseCascade,
                         ::testing::Values([] { return std::make_unique<PostgresqlWorld>(); }));

}  // namespace
}  // namespace swb::test
