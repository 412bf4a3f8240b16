#include "gap_client/score.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace swb::bench {
namespace {

using testing::ElementsAre;

std::vector<Acknowledgement> logOf(std::string_view text) {
    auto log = parseLog(text);
    EXPECT_TRUE(log.has_value());
    return log.value_or(std::vector<Acknowledgement>{});
}

TEST(Score, GapSpansTheWindowEdges) {
    // The last success is before the window, the first one after it: the gap is the whole silence, not the window.
    const auto log = logOf("100.5 0 a\n110 1 b\n450 0 c\n455 1 d\n");
    const WindowScore score = scoreWindow(log, {120, 400});
    EXPECT_DOUBLE_EQ(score.gapMs, 340);
    EXPECT_DOUBLE_EQ(score.gapStartMs, 110);
    EXPECT_DOUBLE_EQ(score.gapEndMs, 450);
    EXPECT_TRUE(score.closed);
}

TEST(Score, SuccessOfAnyWriterEndsTheGapButNotTheOtherWritersWait) {
    const auto log = logOf("100 0 a\n101 1 b\n150 0 c\n160 0 d\n300 1 e\n301 0 f\n");
    const WindowScore score = scoreWindow(log, {105, 200});
    EXPECT_DOUBLE_EQ(score.gapMs, 140);             // 160 to 300
    EXPECT_DOUBLE_EQ(score.worstWriterGapMs, 199);  // writer 1: 101 to 300
}

TEST(Score, SilenceOutsideTheWindowDoesNotCount) {
    const auto log = logOf("100 0 a\n900 0 b\n1000 0 c\n1010 0 d\n1030 0 e\n2000 0 f\n");
    EXPECT_DOUBLE_EQ(scoreWindow(log, {1005, 1020}).gapMs, 20);
}

TEST(Score, NoSuccessAfterTheWindowLeavesTheGapOpen) {
    const WindowScore score = scoreWindow(logOf("100 0 a\n"), {120, 400});
    EXPECT_FALSE(score.closed);
    EXPECT_DOUBLE_EQ(score.gapMs, 300);
}

TEST(Score, CountsLostDoubledAndUnacknowledged) {
    const auto log = logOf("1 0 a\n2 0 b\n3 0 c\n");
    const TableScore score = scoreTable(log, parseTags("a\nc\nc\nghost\n"));
    EXPECT_EQ(score.acknowledged, 3u);
    EXPECT_EQ(score.rows, 4u);
    EXPECT_THAT(score.lost, ElementsAre("b"));
    EXPECT_THAT(score.doubled, ElementsAre("c"));
    EXPECT_EQ(score.unacknowledgedRows, 1u);
}

TEST(Score, RefusesGarbage) {
    EXPECT_FALSE(parseLog("12 0 a\ntwelve 0 b\n").has_value());
    EXPECT_FALSE(parseLog("12 0\n").has_value());
    EXPECT_FALSE(parseWindows("20 10\n").has_value());
    EXPECT_FALSE(parseWindows("20 thirty\n").has_value());
}

}  // namespace
}  // namespace swb::bench
