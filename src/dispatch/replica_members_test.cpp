#include "dispatch/replica_members.h"

#include <gtest/gtest.h>

namespace swb::dispatch {
namespace {

using plan::ReplicaAddresses;

const ReplicaAddresses both{{"main", "192.0.2.8:5432,192.0.2.9:5432"}}, one{{"main", "192.0.2.8:5432"}}, none;

TEST(Membership, ACutOfAMomentTellsNobodyAnything) {
    Membership membership(both);
    EXPECT_FALSE(membership.isDue(both, 1000));
    EXPECT_FALSE(membership.isDue(one, 2000));
    EXPECT_FALSE(membership.isDue(one, 2000 + Membership::goneMs - 1));
    EXPECT_FALSE(membership.isDue(both, 2000 + Membership::goneMs));
    EXPECT_FALSE(membership.isDue(one, 3000 + Membership::goneMs)) << "counted from anew";
    EXPECT_TRUE(membership.isDue(one, 3000 + 2 * Membership::goneMs));
    membership.told(one);
    EXPECT_FALSE(membership.isDue(one, 4000 + 2 * Membership::goneMs));
}

TEST(Membership, OneThatIsBackIsToldSooner) {
    Membership membership(none);
    EXPECT_FALSE(membership.isDue(one, 1000));
    EXPECT_FALSE(membership.isDue(both, 1000 + Membership::backMs)) << "still coming";
    EXPECT_TRUE(membership.isDue(both, 1000 + 2 * Membership::backMs));
    EXPECT_LT(Membership::backMs, Membership::goneMs);
}

}  // namespace
}  // namespace swb::dispatch
