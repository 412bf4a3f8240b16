#include "model/group.h"

#include <gtest/gtest.h>

#include <set>

namespace swb {
namespace {

TEST(Link, EveryApplicationHasASlotNameOfItsOwn) {
    EXPECT_EQ(Link::slotFor("shop-fra"), "swb_shop_fra");
    const std::string fits(59, 'a'), longer(63, 'a');
    EXPECT_EQ(Link::slotFor(fits), "swb_" + fits);
    std::set<std::string> slots{Link::slotFor(fits)};
    for (const std::string& name : {longer, fits + "bcde", fits + "bcd", fits + "b", fits.substr(1) + "bcdef"}) {
        const std::string slot = Link::slotFor(name);
        EXPECT_LE(slot.size(), 63u);
        EXPECT_EQ(slot.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << slot;
        EXPECT_TRUE(slots.insert(slot).second) << slot << " is given twice";
        EXPECT_EQ(Link::slotFor(name), slot);
    }
    const std::string inside = Link::slotFor("shop-fra.reports");
    EXPECT_EQ(inside.find("swb_shop_fra_reports_"), 0u);
    EXPECT_NE(inside, Link::slotFor("shop-fra-reports"));
    EXPECT_NE(inside, Link::slotFor("shop.fra-reports"));
}

}  // namespace
}  // namespace swb
