#include "swing/format.h"

#include <gtest/gtest.h>

#include "swing/output.h"

namespace swb::swing {
namespace {

TEST(SwingFormat, UnitsForPeople) {
    EXPECT_EQ(humanBytes(0), "0 B");
    EXPECT_EQ(humanBytes(1023), "1023 B");
    EXPECT_EQ(humanBytes(16 << 20), "16.0 MiB");
    EXPECT_EQ(humanBytes(int64_t{5000} << 40), "5000.0 TiB");
    EXPECT_EQ(humanMilliseconds(87), "87 ms");
    EXPECT_EQ(humanMilliseconds(4200), "4.2 s");
    EXPECT_EQ(humanMilliseconds(10'000), "10 s");
    EXPECT_EQ(humanMilliseconds(60'000), "1 min");
    EXPECT_EQ(humanMilliseconds(185'000), "3 min 5 s");
    EXPECT_EQ(humanMilliseconds(7'440'000), "2 h 4 min");
    EXPECT_EQ(humanMilliseconds(266'400'000), "3 d 2 h");
}

TEST(SwingFormat, Times) {
    EXPECT_EQ(shortTime("2026-11-22T10:15:30.123Z"), "2026-11-22 10:15:30");
    EXPECT_EQ(shortTime(""), "-");
    EXPECT_EQ(millisecondsBetween("2026-11-22T10:15:30.900Z", "2026-11-22T10:16:31.000Z"), 60'100);
    EXPECT_EQ(millisecondsBetween("2026-11-22T10:15:30.900Z", ""), -1);
    EXPECT_EQ(millisecondsBetween("garbage", "2026-11-22T10:15:30.900Z"), -1);
}

TEST(SwingFormat, WidthIsCountedInCharacters) {
    EXPECT_EQ(textWidth("zürich"), 6u);
    EXPECT_EQ(padded("zürich", 8), "zürich  ");
    EXPECT_EQ(clipped("zürich", 6, true), "zürich");
    EXPECT_EQ(clipped("zürich", 4, true), "zür…");
    EXPECT_EQ(clipped("zürich", 5, false), "zü...");
}

TEST(SwingFormat, NothingFromTheNetworkSteersTheTerminal) {
    EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a [2Jb c ");
    EXPECT_EQ(printable("a\xc2\x9b"
                        "2Jb"),
              "a 2Jb");
    EXPECT_EQ(cell(JsonObject{{"name", "x\ry"}}, "name"), "x y");
}

TEST(SwingFormat, Cells) {
    const Json object = JsonObject{{"n", 7},  {"t", true},       {"f", false},         {"z", nullptr},
                                   {"e", ""}, {"a", {"x", "y"}}, {"none", JsonArray{}}};
    EXPECT_EQ(cell(object, "n"), "7");
    EXPECT_EQ(cell(object, "t"), "yes");
    EXPECT_EQ(cell(object, "f"), "no");
    EXPECT_EQ(cell(object, "z"), "-");
    EXPECT_EQ(cell(object, "e"), "-");
    EXPECT_EQ(cell(object, "absent"), "-");
    EXPECT_EQ(joinedCell(object, "a"), "x, y");
    EXPECT_EQ(joinedCell(object, "none"), "-");
}

TEST(SwingFormat, TablesAreAligned) {
    Table table({"SITE", "TITLE", "SERVERS"});
    table.row({"fra", "Frankfurt", "fra-1"});
    table.row({"zürich-1", "-", ""});
    EXPECT_EQ(table.text({}),
              "SITE      TITLE      SERVERS\n"
              "fra       Frankfurt  fra-1\n"
              "zürich-1  -\n");
}

TEST(SwingFormat, ColourOnlyWhereWanted) {
    EXPECT_EQ((Style{false, true}.paint(Colour::red, "x")), "x");
    EXPECT_EQ((Style{true, true}.paint(Colour::red, "x")), "\x1b[31mx\x1b[0m");
    EXPECT_EQ((Style{true, true}.paint(Colour::red, "")), "");
}

}  // namespace
}  // namespace swb::swing
