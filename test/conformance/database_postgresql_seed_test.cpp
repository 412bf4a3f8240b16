// Seeds of real PostgreSQL servers: killed at any point, and into an empty place.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "driver/support/files.h"
#include "support/child_process.h"
#include "support/postgresql_fixture.h"

namespace swb::test {

namespace {

bool seed(PostgresqlWorld& world, DatabaseSide& target) {
    const auto seeded =
        target.driver->seed(target.spec, target.application, world.a().peer(), target.slot, target.context());
    if (!seeded) std::fprintf(stderr, "%s\n", describe(seeded.error()).c_str());
    return seeded.has_value();
}

}  // namespace

// Killed at every stage, the next call finishes; the source never stops, the old data goes last.
TEST(PostgresqlSeed, KilledAnywhereItIsFinishedByTheNext) {
    PostgresqlWorld world;
    ASSERT_EQ(inChild(nullptr, [&] { return world.link(), true; }), 0);
    ASSERT_TRUE(world.insert(world.a(), "before"));
    const auto source = postmasterPid(world.a().spec);
    DatabaseSide& target = world.b();
    const auto seedTarget = [&] { return seed(world, target); };
    for (const char* point :
         {"seed.main.copying", "seed.main.copied", "seed.main.ready", "seed.main.between", "seed.main.swapped"}) {
        EXPECT_EQ(inChild(point, seedTarget), -1) << point;
        ASSERT_EQ(inChild(nullptr, seedTarget), 0) << point;
        EXPECT_EQ(world.tags(target).count("before"), 1U) << point;
        EXPECT_FALSE(driver::directoryExists(target.spec.service.data + ".swingbridge-old"));
        EXPECT_FALSE(driver::directoryExists(target.spec.service.data + ".swingbridge-new"));
        // The site keeps its own port, and its hba file.
        EXPECT_EQ(world.sql(target, "SHOW port"), std::to_string(target.spec.address.port));
    }
    // And in the middle of the copy itself.
    EXPECT_EQ(inChild(nullptr,
                      [&] {
                          driver::Context context = target.context();
                          context.progress = [](int64_t done, int64_t, std::string_view) {
                              if (done > 0) ::kill(::getpid(), SIGKILL);
                          };
                          return target.driver
                              ->seed(target.spec, target.application, world.a().peer(), target.slot, context)
                              .has_value();
                      }),
              -1);
    ASSERT_EQ(inChild(nullptr, seedTarget), 0);
    EXPECT_EQ(postmasterPid(world.a().spec), source);
}

TEST(PostgresqlSeed, ASiteWithoutAnyDataGetsItsOwnAddress) {
    PostgresqlWorld world;
    DatabaseSide& target = world.b();
    killPostgresqlServer(target.spec);
    ASSERT_TRUE(driver::removeTree(target.spec.service.data));
    target.spec.service.runAs = postgresqlUser().name;
    world.installCertificates(world.a());
    world.installCertificates(target);
    const auto source = world.a().driver->prepareSource(world.a().spec, world.a().application, target.peer(),
                                                        target.slot, world.a().context());
    ASSERT_TRUE(source) << describe(source.error());
    ASSERT_EQ(inChild(nullptr, [&] { return seed(world, target); }), 0);
    EXPECT_EQ(world.sql(target, "SHOW port"), std::to_string(target.spec.address.port));
    EXPECT_EQ(world.sql(target, "SHOW listen_addresses"), target.spec.address.host);
}

}  // namespace swb::test
