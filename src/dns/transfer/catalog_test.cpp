#include "dns/transfer/catalog.h"

#include "dns/transfer/transfer_test_support.h"

namespace swb::dns::transfer::test {
namespace {

TEST(Catalog, ListsItsMembersAsVersionTwo) {
    const auto catalog = makeCatalog(name("catalog.example"), {name("b.example"), name("A.example")}, nullptr);
    ASSERT_TRUE(catalog) << describe(catalog.error());
    EXPECT_EQ((*catalog)->serial(), 1u);
    EXPECT_EQ(membersOf(**catalog), (std::vector<Name>{name("a.example"), name("b.example")}));
    const ZoneNode version = (*catalog)->nodeOf(name("version.catalog.example").view());
    ASSERT_TRUE(version);
    EXPECT_EQ(rdataToText(type::txt, version.find(type::txt)->records.front()), "\"2\"");
    const ZoneNode apex = (*catalog)->nodeAt(0);
    EXPECT_EQ(nameInRdata(apex.find(type::ns)->records.front()).toText(), "invalid.");
}

TEST(Catalog, ChangesOnlyWithItsMembers) {
    const auto first = makeCatalog(name("catalog.example"), {name("a.example"), name("b.example")}, nullptr);
    const auto same = makeCatalog(name("catalog.example"), {name("b.example"), name("a.example")}, *first);
    EXPECT_EQ(*same, *first);
    const auto fewer = makeCatalog(name("catalog.example"), {name("b.example")}, *first);
    EXPECT_EQ((*fewer)->serial(), 2u);
    EXPECT_TRUE(checkSuccessor(**first, **fewer));
    EXPECT_EQ(membersOf(**fewer), std::vector<Name>{name("b.example")});
}

}  // namespace
}  // namespace swb::dns::transfer::test
