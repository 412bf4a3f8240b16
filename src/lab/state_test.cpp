#include "lab/state.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/file.h"
#include "driver/support/files.h"
#include "lab/supervisor.h"

namespace swb::lab {
namespace {

TEST(State, aLabIsFoundAgainAndOnlyWhereItWasMade) {
    std::string directory = "/tmp/swb-lab-state-XXXXXX";
    ASSERT_TRUE(::mkdtemp(directory.data()));
    EXPECT_EQ(loadWorld(directory).error().code, ErrorCode::NotFound);
    World world;
    world.directory = directory;
    world.socketDirectory = directory + "/sockets";
    world.programs = world.nginx = "/usr/bin";
    world.databases = {{Engine::mariadb, "/usr/sbin"}};
    world.user = world.startedBy = "ann";
    world.password = Secret("secret");
    world.number = 3;
    world.sites = makeSites(3, world.engines());
    ASSERT_TRUE(storeWorld(world));
    const auto again = loadWorld(directory);
    ASSERT_TRUE(again) << describe(again.error());
    EXPECT_EQ(again->sites[1].application, "shop-nyc");
    EXPECT_EQ(ownDirectories(*again), std::vector<std::string>{directory});
    world.directory = "/elsewhere";
    ASSERT_TRUE(writeFileAtomically(directory + "/lab.json", toText(toJson(world))));
    EXPECT_FALSE(loadWorld(directory));
    EXPECT_TRUE(driver::removeTree(directory));
}

TEST(State, directoriesAreMadeAbsoluteAndPlain) {
    EXPECT_EQ(*normalDirectory("/tmp/./a/../lab/"), "/tmp/lab");
    EXPECT_FALSE(normalDirectory("/"));
    EXPECT_FALSE(normalDirectory("/tmp/a b"));
    EXPECT_FALSE(normalDirectory("/tmp/$x"));
    EXPECT_FALSE(normalDirectory("/tmp/" + std::string(400, 'x')));
}

TEST(State, environmentFilesAreLinesOfAssignments) {
    const auto parsed = parseEnvironment("# faults\nSWINGBRIDGE_FAULT=run.fence.acted\n\n=x\nno\nEMPTY=\nA=b=c");
    EXPECT_EQ(parsed, (std::map<std::string, std::string>{
                          {"SWINGBRIDGE_FAULT", "run.fence.acted"}, {"EMPTY", ""}, {"A", "b=c"}}));
}

}  // namespace
}  // namespace swb::lab
