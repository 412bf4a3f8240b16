#include "agent/restart_pacing.h"

#include <gtest/gtest.h>

#include <vector>

namespace swb::agent {
namespace {

TEST(RestartPacing, PausesDoubleUpToAMinuteAndEndWhenItRuns) {
    RestartPacing pacing;
    std::vector<MonotonicMs> starts;
    for (MonotonicMs now = 5; now < 300'000; now += 100)
        if (pacing.mayStart("shop/web", now)) starts.push_back(now);
    const std::vector<int64_t> pauses{1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000, 60'000};
    ASSERT_EQ(starts.size(), pauses.size() + 1);
    for (size_t i = 0; i < pauses.size(); ++i) EXPECT_EQ(starts[i + 1] - starts[i], pauses[i]) << i;
    const MonotonicMs last = starts.back();
    EXPECT_EQ(pacing.state("shop/web", last).restarts, 10);
    EXPECT_EQ(pacing.state("shop/web", last + 20'000).nextInMs, 40'000);
    EXPECT_TRUE(pacing.mayStart("shop/other", last)) << "another process is not held up";
    pacing.sawRunning("shop/web", last + RestartPacing::steadyMs - 1);
    EXPECT_EQ(pacing.state("shop/web", last).restarts, 10) << "it may end again at once";
    pacing.sawRunning("shop/web", last + RestartPacing::steadyMs);
    EXPECT_EQ(pacing.state("shop/web", last).restarts, 0);
    EXPECT_TRUE(pacing.mayStart("shop/web", last + 1));
    EXPECT_FALSE(pacing.mayStart("shop/web", last + 2));
    pacing.forget("shop/web");
    EXPECT_TRUE(pacing.mayStart("shop/web", last + 3));
}

}  // namespace
}  // namespace swb::agent
