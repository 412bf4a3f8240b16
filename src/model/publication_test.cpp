#include "model/publication.h"

#include <gtest/gtest.h>

namespace swb {
namespace {

JsonObject good() {
    return {{"name", "WWW.shop.example."},
            {"zone", "shop.example"},
            {"provider", "cloudflare"},
            {"credential", "secret:cf"}};
}

TEST(Publication, IsReadAndWrittenAgainAlike) {
    const auto publication = publicationFromJson(good());
    ASSERT_TRUE(publication) << publication.error().message;
    EXPECT_EQ(publication->key(), "www.shop.example/A");
    EXPECT_EQ(*publicationFromJson(toJson(*publication)), *publication);
}

TEST(Publication, EveryMemberIsChecked) {
    struct Row {
        const char* member;
        Json value;
    };
    for (const Row& row :
         {Row{"name", "other.example"}, Row{"name", "-x.shop.example"}, Row{"name", ""}, Row{"zone", "shop..example"},
          Row{"provider", "namecheap"}, Row{"type", "CNAME"}, Row{"credential", "secret:../x"},
          Row{"credential", "file:relative"}, Row{"credential", "plain text"}, Row{"endpoint", "http://api.example"},
          Row{"endpoint", "https://user@api.example"}, Row{"endpoint", "ftp://127.0.0.1"},
          Row{"endpoint", "https://api.example/?a=b"}, Row{"zoneId", "../x"}, Row{"ttl", -1}, Row{"ttl", 100'000},
          Row{"nameServers", JsonArray{"a b"}}, Row{"unknown", 1}}) {
        JsonObject value = good();
        value[row.member] = row.value;
        EXPECT_FALSE(publicationFromJson(value)) << row.member << " " << toText(row.value);
    }
    JsonObject local = good();
    local["endpoint"] = "http://127.0.0.1:8081";
    EXPECT_TRUE(publicationFromJson(local)) << "clear text where nobody listens";
}

TEST(Publication, AnUpdateNeedsItsServersAddressAndPowerDnsItsUrl) {
    JsonObject value = good();
    value["provider"] = "rfc2136";
    EXPECT_FALSE(publicationFromJson(value));
    value["endpoint"] = "ns1.shop.example";
    EXPECT_FALSE(publicationFromJson(value)) << "finding the server must not need the zone";
    value["endpoint"] = "192.0.2.53";
    EXPECT_TRUE(publicationFromJson(value));
    value["provider"] = "powerdns";
    EXPECT_FALSE(publicationFromJson(value));
    value["endpoint"] = "https://dns.example/pdns";
    EXPECT_TRUE(publicationFromJson(value));
}

TEST(Publication, TakesTheAddressesOfItsType) {
    const std::vector<std::string> addresses = {"198.51.100.2", "2001:db8::1", "198.51.100.1", "198.51.100.1"};
    EXPECT_EQ(addressesOfType(AddressType::a, addresses), (std::vector<std::string>{"198.51.100.1", "198.51.100.2"}));
    EXPECT_EQ(addressesOfType(AddressType::aaaa, addresses), (std::vector<std::string>{"2001:db8::1"}));
}

}  // namespace
}  // namespace swb
