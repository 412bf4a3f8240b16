// The verdict on each secondary, by what was seen of it.
#include <gtest/gtest.h>

#include "plan/check_list.h"

namespace swb::plan {
namespace {

SecondaryView seen(SecondaryStanding standing) {
    SecondaryView view;
    view.address = "198.51.100.7:53";
    view.zone = "failover.example";
    view.standing = standing;
    view.serial = 41;
    view.newest = 42;
    view.newestForMs = 60'000;
    view.lastContactAt = 1'700'000'000'000;
    return view;
}

std::vector<Check> checksOf(std::vector<SecondaryView> views) {
    Snapshot snapshot;
    snapshot.secondaries = std::move(views);
    CheckList list(1'700'000'060'000);
    checkSecondaries(list, snapshot);
    return list.take().checks;
}

TEST(CheckSecondaries, NothingToSayWithoutSecondaries) {
    EXPECT_TRUE(checksOf({}).empty());
}

TEST(CheckSecondaries, EachHasItsVerdict) {
    const auto checks = checksOf({seen(SecondaryStanding::inSync), seen(SecondaryStanding::behind),
                                  seen(SecondaryStanding::ahead), seen(SecondaryStanding::silent)});
    ASSERT_EQ(checks.size(), 4u);
    EXPECT_EQ(checks[0].verdict, Verdict::ok);
    EXPECT_TRUE(checks[0].hint.empty());
    for (size_t i = 1; i < checks.size(); ++i) {
        EXPECT_EQ(checks[i].verdict, Verdict::warning) << "a secondary never keeps a switch from happening";
        EXPECT_EQ(checks[i].name, "secondaries");
        EXPECT_EQ(checks[i].subject, "198.51.100.7:53");
        EXPECT_FALSE(checks[i].hint.empty());
    }
    EXPECT_EQ(checks[1].sentence, "the secondary has serial 41, not serial 42 of failover.example");
    EXPECT_NE(checks[3].sentence.find("2023-11-14"), std::string::npos) << checks[3].sentence;
}

TEST(CheckSecondaries, AChangeOfJustNowIsNoTroubleYet) {
    SecondaryView view = seen(SecondaryStanding::behind);
    view.newestForMs = 1000;
    EXPECT_EQ(checksOf({view}).front().verdict, Verdict::ok);
}

TEST(CheckSecondaries, WhatTheSecondarySaidIsSaid) {
    SecondaryView view = seen(SecondaryStanding::behind);
    view.serial.reset();
    view.lastError = "it answers REFUSED when asked for the SOA";
    const Check check = checksOf({view}).front();
    EXPECT_NE(check.sentence.find("no serial"), std::string::npos) << check.sentence;
    EXPECT_NE(check.sentence.find("REFUSED"), std::string::npos) << check.sentence;
}

}  // namespace
}  // namespace swb::plan
