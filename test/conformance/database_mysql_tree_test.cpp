// Trees of MySQL copies: database_cascade.h.
#include "conformance/database_cascade.h"
#include "support/mariadb_fixture.h"
#include "support/mysql_main.h"

namespace swb::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Mysql, DatabaseCascade,
                         ::testing::Values([] { return std::make_unique<MariadbWorld>("", Engine::mysql); }));

}  // namespace
}  // namespace swb::test
