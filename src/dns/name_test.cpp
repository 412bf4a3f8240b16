#include "dns/name.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace swb::dns {
namespace {

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
}

TEST(DnsName, ReadsAndWritesText) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {".", "."},
        {"example", "example."},
        {"Shop.FO.example.", "Shop.FO.example."},
        {"a\\.b.example", "a\\.b.example."},
        {"\\065.example", "A.example."},
        {"\\000\\255.example", "\\000\\255.example."},
        {"a\\ b.example", "a\\032b.example."},
        {"*.wild.example", "*.wild.example."},
        {"_fg-owner.example", "_fg-owner.example."},
    };
    for (const auto& [text, expected] : cases) {
        const auto name = Name::fromText(text);
        ASSERT_TRUE(name) << text;
        EXPECT_EQ(name->toText(), expected);
    }
}

TEST(DnsName, RefusesWhatIsNoName) {
    for (const std::string text : {"", "..", ".a", "a..b", "a b", "a\\", "a\\25", "a\\256", "a\\2x5", "caf\xc3\xa9"})
        EXPECT_FALSE(Name::fromText(text)) << text;
}

TEST(DnsName, HoldsTheLimitsExactly) {
    EXPECT_TRUE(Name::fromText(std::string(63, 'a')));
    EXPECT_FALSE(Name::fromText(std::string(64, 'a')));
    // 127 labels of one octet are 254 octets and the root: 255.
    EXPECT_TRUE(Name::fromText(repeated("a.", 127)));
    EXPECT_FALSE(Name::fromText(repeated("a.", 128)));
    const std::string label = std::string(63, 'x') + ".";
    EXPECT_TRUE(Name::fromText(repeated(label, 3) + std::string(61, 'y')));
    EXPECT_FALSE(Name::fromText(repeated(label, 3) + std::string(62, 'y')));
    EXPECT_FALSE(Name::fromText(std::string(5000, 'a')));
}

TEST(DnsName, ComparesAndHashesWithoutCase) {
    const Name lower = *Name::fromText("shop.fo.example");
    const Name upper = *Name::fromText("SHOP.fo.EXAMPLE");
    EXPECT_EQ(lower, upper);
    EXPECT_EQ(NameHash()(lower), NameHash()(upper));
    EXPECT_NE(lower, *Name::fromText("shop.fo.example.com"));
    // '@' and '[' stand around the letters and have no case.
    EXPECT_NE(*Name::fromText("\\@"), *Name::fromText("`"));
    EXPECT_NE(*Name::fromText("["), *Name::fromText("{"));
}

TEST(DnsName, KnowsWhatIsBelow) {
    const Name zone = *Name::fromText("fo.example");
    EXPECT_TRUE(zone.view().isAtOrBelow(zone));
    const Name below = *Name::fromText("a.b.FO.example");
    EXPECT_TRUE(below.view().isAtOrBelow(zone));
    const Name beside = *Name::fromText("xfo.example");
    EXPECT_FALSE(beside.view().isAtOrBelow(zone));
    const Name above = *Name::fromText("example");
    EXPECT_FALSE(above.view().isAtOrBelow(zone));
    EXPECT_TRUE(zone.view().isAtOrBelow(NameView()));
    // The last bytes are those of the zone, but inside a longer label.
    const Name inside = *Name::fromText("x\\002fo\\007example");
    EXPECT_FALSE(inside.view().isAtOrBelow(zone));
}

TEST(DnsName, OrdersByLabelsFromTheRight) {
    const std::vector<std::string> ordered = {"example",         "a.example",      "yljkjljk.a.example",
                                              "Z.a.example",     "zABC.a.EXAMPLE", "z.example",
                                              "\\001.z.example", "*.z.example",    "\\200.z.example"};
    for (size_t i = 0; i + 1 < ordered.size(); ++i) {
        const Name left = *Name::fromText(ordered[i]);
        const Name right = *Name::fromText(ordered[i + 1]);
        EXPECT_LT(compareCanonically(left, right), 0) << ordered[i] << " " << ordered[i + 1];
        EXPECT_GT(compareCanonically(right, left), 0);
        EXPECT_EQ(compareCanonically(left, left), 0);
    }
}

TEST(DnsName, TextOfAnyNameReadsBackAsTheSameOctets) {
    EXPECT_TRUE(rc::check([] {
        std::string wire;
        for (int labels = *rc::gen::inRange(0, 6); labels > 0; --labels) {
            const auto label =
                *rc::gen::resize(20, rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::arbitrary<char>())));
            wire += static_cast<char>(label.size());
            wire += label;
        }
        wire += '\0';
        const NameView view(wire);
        const auto back = Name::fromText(view.toText());
        RC_ASSERT(back.has_value());
        RC_ASSERT(back->view().wire() == wire);
    }));
}

}  // namespace
}  // namespace swb::dns
