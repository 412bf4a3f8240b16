// Trees of MariaDB copies: database_cascade.h.
#include "database_cascade.h"

#include "support/mariadb_fixture.h"

namespace swb::test {
namespace {

INSTANTIATE_TEST_SUITE_P(MariaDB, DatabaseCascade, ::testing::Values([] { return std::make_unique<MariadbWorld>(); }));

}  // namespace
}  // namespace swb::test
