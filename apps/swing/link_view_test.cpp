#include "swing/link_view.h"

#include <gtest/gtest.h>

namespace swb::swing {
namespace {

TEST(LinkView, LengthsOfTimeAreRead) {
    EXPECT_EQ(secondsOf("90s"), 90);
    EXPECT_EQ(secondsOf("30m"), 1800);
    EXPECT_EQ(secondsOf("6h"), 21'600);
    EXPECT_EQ(secondsOf("7d"), 604'800);
    for (const char* bad : {"", "5", "m", "-3m", "0s", "9999999999d", "1y", "1 h"}) EXPECT_FALSE(secondsOf(bad)) << bad;
}

TEST(LinkView, WhatIsNotExactIsSaid) {
    const Json link = parseJson(R"({"from":"a","to":"b","database":"main","engine":"redis","state":"behind",
        "lagBytes":2048,"lagSeconds":42.5,"lagExact":false,"writeRate":1024,"since":"","sentence":"late",
        "hint":"look at the source","alarms":{"lag":true}})")
                          .value();
    const auto row = linkRow(link);
    ASSERT_EQ(row.size(), linkHeads().size());
    EXPECT_EQ(row[5], "2.0 KiB");
    EXPECT_EQ(row[6], "<42.5 s");
    EXPECT_EQ(row[7], "1.0 KiB/s");
    EXPECT_NE(linkRemark(link).find("alarm"), std::string::npos);
    EXPECT_EQ(linkRemark(parseJson(R"({"from":"a","hint":""})").value()), "");
}

TEST(LinkView, AChartShowsThePeak) {
    JsonArray samples;
    for (int i = 0; i < 240; ++i)
        samples.push_back(JsonObject{{"at", "2026-11-22T10:00:00.000Z"},
                                     {"state", i == 120 ? "broken" : "streaming"},
                                     {"lagSeconds", i == 120 ? Json(8.0)
                                                    : i < 8  ? Json(nullptr)
                                                             : Json(0.0)},
                                     {"lagBytes", 0}});
    const std::string text =
        historyText(JsonObject{{"samples", samples}, {"resolutionSeconds", 5}}, Style{false, true});
    EXPECT_NE(text.find("at most 8 s"), std::string::npos) << text;
    EXPECT_NE(text.find("  ??"), std::string::npos) << text;
    EXPECT_NE(text.find("█"), std::string::npos) << text;
    EXPECT_NE(text.find("·b·"), std::string::npos) << text;
    EXPECT_EQ(historyText(JsonObject{{"samples", JsonArray{}}}, Style{}), "no samples in that time\n");
}

}  // namespace
}  // namespace swb::swing
