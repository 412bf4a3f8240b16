// The conformance suite of database drivers on real Redis servers.
#include "conformance/database_conformance.h"
#include "support/redis_fixture.h"

namespace swb::test {

INSTANTIATE_TEST_SUITE_P(Redis, DatabaseConformance,
                         ::testing::Values(WorldFactory([] { return std::make_unique<RedisWorld>(); }),
                                           WorldFactory([] {
                                               return std::make_unique<RedisWorld>("appendonly yes\n");
                                           })),
                         [](const auto& world) { return std::string(world.index == 0 ? "snapshots" : "appendonly"); });

}  // namespace swb::test
