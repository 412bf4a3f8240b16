// Over fifty switches to and fro under writers: nothing acknowledged is lost or doubled, and nothing is ever rewound or
// copied again.
#include "conformance/postgresql_switches.h"

namespace swb::test {

TEST(PostgresqlEndurance, FiftySwitchesUnderWritersLoseNothingAndRewindNothing) {
    PostgresqlWorld world;
    world.link();
    switchToAndFro(world, 52, 1000);
}

}  // namespace swb::test
