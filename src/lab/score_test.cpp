#include "lab/score.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace swb::lab {
namespace {

using testing::ElementsAre;

// Both readings of one engine.
std::vector<Reading> both(TagCounts byHttp, TagCounts atPrimary, const std::string& engine = "postgresql") {
    return {{engine, std::move(byHttp)}, {engine, std::move(atPrimary)}};
}

WriterNotes writer(std::vector<Acknowledgement> acknowledged) {
    WriterNotes notes;
    notes.attempts = static_cast<int64_t>(acknowledged.size()) + 1;
    notes.acknowledged = std::move(acknowledged);
    notes.errors[LoadError::maintenance] = 1;
    return notes;
}

TEST(Score, everythingThereOnce) {
    const auto score = scoreOf({writer({{"a", {}, 0, 2}, {"b", {}, 10, 4}}), writer({{"c", {}, 5, 3}})},
                               both({{"a", 1}, {"b", 1}, {"c", 1}}, {{"a", 1}, {"b", 1}, {"c", 1}}), 2);
    EXPECT_TRUE(score.clean());
    EXPECT_EQ(score.attempts, 5);
    EXPECT_EQ(score.acknowledged, 3);
    EXPECT_EQ(score.errors.at(LoadError::maintenance), 2);
    EXPECT_DOUBLE_EQ(score.perSecond, 1.5);
    EXPECT_DOUBLE_EQ(score.latencyMedianMs, 3);
    EXPECT_DOUBLE_EQ(score.latencyMaxMs, 4);
}

TEST(Score, missingFromEitherReadingIsMissing) {
    const auto score = scoreOf({writer({{"a", {}, 0, 1}, {"b", {}, 1, 1}, {"c", {}, 2, 1}})},
                               both({{"a", 1}, {"b", 1}}, {{"a", 1}, {"c", 1}}), 1);
    EXPECT_FALSE(score.clean());
    EXPECT_EQ(score.missing, 2);
    EXPECT_THAT(score.missingTags, ElementsAre("b", "c"));
}

TEST(Score, doubledCountsWhetherAcknowledgedOrNot) {
    const auto score = scoreOf({writer({{"a", {}, 0, 1}})}, both({{"a", 2}, {"x", 3}, {"y", 1}}, {{"a", 1}}), 1);
    EXPECT_EQ(score.doubled, 2);
    EXPECT_THAT(score.doubledTags, ElementsAre("a", "x"));
    EXPECT_EQ(score.unacknowledged, 2);
    EXPECT_EQ(score.missing, 0);
    EXPECT_FALSE(score.clean());
}

TEST(Score, everyEngineMustHaveWhatWasAcknowledged) {
    auto readings = both({{"a", 1}, {"b", 1}}, {{"a", 1}, {"b", 1}});
    for (Reading& reading : both({{"a", 1}, {"half", 1}}, {{"a", 1}, {"half", 1}}, "mariadb"))
        readings.push_back(std::move(reading));
    for (Reading& reading : both({{"a", 1}, {"b", 1}}, {{"a", 1}, {"b", 2}}, "redis"))
        readings.push_back(std::move(reading));
    const auto score = scoreOf({writer({{"a", {}, 0, 1}, {"b", {}, 1, 1}})}, readings, 1);
    EXPECT_FALSE(score.clean());
    EXPECT_EQ(score.missing, 1);
    EXPECT_EQ(score.doubled, 1);
    EXPECT_EQ(score.unacknowledged, 1) << "what only one engine has, nobody was promised";
    EXPECT_EQ(score.engines.at("postgresql").missing + score.engines.at("postgresql").doubled, 0);
    EXPECT_EQ(score.engines.at("mariadb").missing, 1);
    EXPECT_EQ(score.engines.at("mariadb").unacknowledged, 1);
    EXPECT_EQ(score.engines.at("redis").doubled, 1);
    EXPECT_THAT(score.missingTags, ElementsAre("b"));
}

TEST(Score, gapsAreBetweenAnyTwoAcknowledgementsLongestFirst) {
    const auto score =
        scoreOf({writer({{"a", {}, 0, 1}, {"b", {}, 100, 1}}), writer({{"c", {}, 40, 1}, {"d", {}, 130, 1}})},
                {{"postgresql", {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}}}, 1);
    ASSERT_EQ(score.gaps.size(), 3u);
    EXPECT_DOUBLE_EQ(score.gaps[0].milliseconds, 60);
    EXPECT_DOUBLE_EQ(score.gaps[0].fromMs, 40);
    EXPECT_DOUBLE_EQ(score.gaps[0].toMs, 100);
    EXPECT_DOUBLE_EQ(score.gaps[2].milliseconds, 30);
}

TEST(Score, aRunWithoutOneAcknowledgedOrderIsNotClean) {
    const auto score = scoreOf({writer({})}, both({}, {}), 1);
    EXPECT_FALSE(score.clean());
    EXPECT_EQ(score.missing, 0);
    EXPECT_TRUE(score.gaps.empty());
}

TEST(Score, quantilesOfFewValues) {
    EXPECT_DOUBLE_EQ(quantile({}, 0.5), 0);
    EXPECT_DOUBLE_EQ(quantile({7}, 0.99), 7);
    EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4}, 0.5), 2);
    EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4}, 0.99), 4);
    EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4}, 0), 1);
}

}  // namespace
}  // namespace swb::lab
