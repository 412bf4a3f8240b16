// Trees of Redis copies: database_cascade.h.
#include "database_cascade.h"

#include "support/redis_fixture.h"

namespace swb::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Redis, DatabaseCascade, ::testing::Values([] { return std::make_unique<RedisWorld>(); }));

}  // namespace
}  // namespace swb::test
