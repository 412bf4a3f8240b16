#include "dns/transfer/access.h"

#include <gtest/gtest.h>

namespace swb::dns::transfer {
namespace {

IpAddress address(std::string_view text) {
    return *IpAddress::fromText(text);
}

AddressPrefix prefix(std::string_view text) {
    const auto made = AddressPrefix::fromText(text);
    EXPECT_TRUE(made) << text;
    return made ? *made : AddressPrefix();
}

TEST(AddressPrefix, ContainsExactlyItsBits) {
    EXPECT_TRUE(prefix("192.0.2.0/25").contains(address("192.0.2.127")));
    EXPECT_FALSE(prefix("192.0.2.0/25").contains(address("192.0.2.128")));
    EXPECT_TRUE(prefix("192.0.2.7").contains(address("192.0.2.7")));
    EXPECT_FALSE(prefix("192.0.2.7").contains(address("192.0.2.6")));
    EXPECT_TRUE(prefix("2001:db8::/33").contains(address("2001:db8:7fff::1")));
    EXPECT_FALSE(prefix("2001:db8::/33").contains(address("2001:db8:8000::1")));
    EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("203.0.113.9")));
    EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("2001:db8::1")));
    EXPECT_TRUE(prefix("192.0.2.0/24").contains(address("::ffff:192.0.2.9")));
}

TEST(AddressPrefix, TextThatIsNoneIsRefused) {
    for (const char* text : {"", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/x", "192.0.2.0/24 ", "192.0.2.1/24", "::/129",
                             "host/24", "192.0.2.0/-1"})
        EXPECT_FALSE(AddressPrefix::fromText(text)) << text;
    EXPECT_EQ(prefix("2001:db8::/32").toText(), "2001:db8::/32");
    EXPECT_EQ(prefix("192.0.2.1").toText(), "192.0.2.1");
}

TEST(Access, DeniesByDefault) {
    const Name key = *Name::fromText("xfer.example");
    EXPECT_FALSE(isAllowed({}, address("127.0.0.1"), &key));
    EXPECT_FALSE(isAllowed({AccessRule{}}, address("127.0.0.1"), &key));
}

TEST(Access, ARuleNeedsEverythingItNames) {
    const Name key = *Name::fromText("xfer.example");
    const Name other = *Name::fromText("other.example");
    const AccessRule both{{prefix("192.0.2.0/24"), prefix("2001:db8::1")}, key};
    EXPECT_TRUE(isAllowed({both}, address("192.0.2.9"), &key));
    EXPECT_TRUE(isAllowed({both}, address("2001:db8::1"), &key));
    EXPECT_FALSE(isAllowed({both}, address("192.0.2.9"), nullptr));
    EXPECT_FALSE(isAllowed({both}, address("192.0.2.9"), &other));
    EXPECT_FALSE(isAllowed({both}, address("198.51.100.1"), &key));
    EXPECT_TRUE(isAllowed({AccessRule{{}, key}}, address("198.51.100.1"), &key));
    EXPECT_TRUE(isAllowed({AccessRule{{prefix("198.51.100.1")}, {}}}, address("198.51.100.1"), nullptr));
    EXPECT_TRUE(isAllowed({both, AccessRule{{}, other}}, address("198.51.100.1"), &other));
}

}  // namespace
}  // namespace swb::dns::transfer
