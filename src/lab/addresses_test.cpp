#include "lab/addresses.h"

#include <gtest/gtest.h>

namespace swb::lab {
namespace {

TEST(Addresses, twoLabsOfOnePreferenceGetDifferentNumbers) {
    World first, second;
    const auto firstClaim = claimAddresses(first, 200);
    ASSERT_TRUE(firstClaim) << describe(firstClaim.error());
    const auto secondClaim = claimAddresses(second, 200);
    ASSERT_TRUE(secondClaim) << describe(secondClaim.error());
    EXPECT_NE(first.number, second.number);
    EXPECT_EQ(second.sites[0].address, "127." + std::to_string(second.number) + ".10.1");
}

TEST(Addresses, theSupervisorHoldsTheClaimWhenTheStarterIsGone) {
    World world, other;
    auto claim = claimAddresses(world, 210);
    ASSERT_TRUE(claim);
    const auto joined = joinClaim(world);
    ASSERT_TRUE(joined) << describe(joined.error());
    claim->reset();
    const auto otherClaim = claimAddresses(other, world.number);
    ASSERT_TRUE(otherClaim);
    EXPECT_NE(other.number, world.number);
}

TEST(Addresses, everyDatabaseHasItsOwnPorts) {
    World world;
    for (const Engine engine : {Engine::postgresql, Engine::mariadb, Engine::redis})
        world.databases.push_back({engine, "/usr/bin"});
    const auto claim = claimAddresses(world, 230);
    ASSERT_TRUE(claim);
    for (const Site& site : world.sites) {
        std::set<uint16_t> seen{site.webPort, site.processPort};
        for (const auto& [engine, ports] : site.databases) {
            EXPECT_TRUE(seen.insert(ports.port).second);
            EXPECT_EQ(ports.secondPort != 0, engine != Engine::postgresql);
            EXPECT_TRUE(ports.secondPort == 0 || seen.insert(ports.secondPort).second);
        }
        EXPECT_EQ(seen.size(), 7u);
    }
}

TEST(Addresses, aPortInUseIsPassedOver) {
    World world;
    const auto claim = claimAddresses(world, 220);
    ASSERT_TRUE(claim);
    const uint16_t port = freePort("127.0.0.1", claimPort, Protocols::tcpAndUdp);
    EXPECT_NE(port, 0);
    EXPECT_EQ(freePort(world.controllerAddress(), claimPort, Protocols::tcp), claimPort) << "only UDP is taken";
    EXPECT_EQ(freePort(world.controllerAddress(), claimPort, Protocols::tcpAndUdp), claimPort + 1);
}

}  // namespace
}  // namespace swb::lab
