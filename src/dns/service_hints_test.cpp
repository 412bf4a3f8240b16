#include <gmock/gmock.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

FailoverAddress shop(int64_t epoch, std::vector<std::string> addresses, uint32_t ttlSeconds = 300) {
    FailoverAddress entry{"shop", epoch, name("shop.fo.example"), ttlSeconds, {}};
    for (const std::string& text : addresses) entry.addresses.push_back(address(text));
    return entry;
}

ZoneEdits editsOf(FailoverAddress entry) {
    ZoneEdits edits;
    edits.addresses.push_back(std::move(entry));
    return edits;
}

ZonePointer after(const ZonePointer& zone, const ZoneEdits& edits) {
    const auto change = zone->draft(edits);
    EXPECT_TRUE(change) << (change ? "" : describe(change.error()));
    if (!change || change->isEmpty()) return zone;
    const auto next = zone->with(*change);
    EXPECT_TRUE(next) << (next ? "" : describe(next.error()));
    return next ? *next : zone;
}

TEST(DnsServiceHints, FollowTheGroupAtItsName) {
    ZoneEdits edits;
    edits.records = {
        recordSet("shop.fo.example", type::https,
                  {"1 . alpn=h2 ipv4hint=192.0.2.250", "2 . alpn=h3", "3 x.example. ipv4hint=192.0.2.250"})};
    const auto hinted = after(exampleZone(), edits);
    const auto records = [](const ZonePointer& zone) {
        std::vector<std::string> texts;
        for (const Rdata& data : zone->nodeOf(name("shop.fo.example")).find(type::https)->records)
            texts.push_back(rdataToText(type::https, data));
        return texts;
    };
    EXPECT_THAT(records(hinted), testing::ElementsAre("1 . alpn=\"h2\" ipv4hint=203.0.113.10", "2 . alpn=\"h3\"",
                                                      "3 x.example. ipv4hint=192.0.2.250"));
    const auto switched = after(hinted, editsOf(shop(4, {"2001:db8::7"})));
    EXPECT_EQ(records(switched)[0], "1 . alpn=\"h2\" ipv6hint=2001:db8::7");
    const auto back = after(switched, editsOf(shop(5, {"203.0.113.10", "203.0.113.12"})));
    EXPECT_EQ(records(back)[0], "1 . alpn=\"h2\" ipv4hint=203.0.113.10,203.0.113.12");
    edits.records = {recordSet("shop.fo.example", type::https, {"1 . mandatory=ipv4hint ipv4hint=192.0.2.250"})};
    EXPECT_FALSE(exampleZone()->draft(edits));
}

std::vector<std::string> serviceRecords(const ZonePointer& zone, std::string_view owner, uint16_t type = type::https) {
    std::vector<std::string> texts;
    for (const Rdata& data : zone->nodeOf(name(owner)).find(type)->records) texts.push_back(rdataToText(type, data));
    return texts;
}

TEST(DnsServiceHints, AtOtherNamesFollowTheGroupTheyAreAbout) {
    using testing::ElementsAre;
    ZoneEdits edits;
    edits.records = {
        recordSet("_8443._https.shop.fo.example", type::https,
                  {"1 shop.fo.example. port=8443 ipv4hint=192.0.2.250", "2 blog.fo.example. ipv4hint=192.0.2.250",
                   "3 . ipv4hint=192.0.2.250", "0 shop.fo.example.", "4 x.example. ipv4hint=192.0.2.250",
                   "5 SHOP.fo.example. port=9"}),
        recordSet("_dns.fo.example", type::svcb, {"1 shop.fo.example. alpn=dot ipv6hint=2001:db8::250"})};
    const auto hinted = after(exampleZone(), edits);
    const char* blog = "2 blog.fo.example. ipv4hint=203.0.113.20 ipv6hint=2001:db8::20";
    const auto atPort = [&](const std::string& first) {
        return ElementsAre(first, blog, "3 . ipv4hint=192.0.2.250", "0 shop.fo.example.",
                           "4 x.example. ipv4hint=192.0.2.250", "5 SHOP.fo.example. port=9");
    };
    EXPECT_THAT(serviceRecords(hinted, "_8443._https.shop.fo.example"),
                atPort("1 shop.fo.example. port=8443 ipv4hint=203.0.113.10"));
    const auto switched = after(hinted, editsOf(shop(4, {"203.0.113.11", "2001:db8::11"})));
    EXPECT_THAT(serviceRecords(switched, "_8443._https.shop.fo.example"),
                atPort("1 shop.fo.example. port=8443 ipv4hint=203.0.113.11 ipv6hint=2001:db8::11"));
    EXPECT_THAT(serviceRecords(switched, "_dns.fo.example", type::svcb),
                ElementsAre("1 shop.fo.example. alpn=\"dot\" ipv4hint=203.0.113.11 ipv6hint=2001:db8::11"));
    EXPECT_EQ(&switched->services(), &hinted->services()) << "a switch does not gather the index anew";
    edits.records = {
        recordSet("_dns.fo.example", type::svcb, {"1 shop.fo.example. mandatory=ipv4hint ipv4hint=192.0.2.1"})};
    EXPECT_FALSE(exampleZone()->draft(edits));
    edits.records = {recordSet("_dns.fo.example", type::svcb, {"1 x.example. mandatory=ipv4hint ipv4hint=192.0.2.1"})};
    EXPECT_TRUE(exampleZone()->draft(edits));
}

TEST(DnsServiceHints, RecordsThatAreOneButForTheirHintsBecomeOne) {
    ZoneEdits edits;
    edits.records = {
        recordSet("_dns.fo.example", type::svcb,
                  {"1 shop.fo.example. ipv4hint=192.0.2.1", "2 . port=1", "1 shop.fo.example. ipv4hint=192.0.2.2"})};
    EXPECT_THAT(serviceRecords(after(exampleZone(), edits), "_dns.fo.example", type::svcb),
                testing::ElementsAre("1 shop.fo.example. ipv4hint=203.0.113.10", "2 . port=1"));
}

TEST(DnsServiceHints, FollowAnAddressOfAnotherZone) {
    ZoneEdits edits;
    edits.records = {recordSet("_dns.fo.example", type::svcb, {"1 a.other.example. ipv4hint=192.0.2.1"})};
    const auto hinted = after(exampleZone(), edits);
    ASSERT_EQ(hinted->services().about(name("A.other.example")).size(), 1u);
    ZoneEdits moved;
    moved.elsewhere = {{name("a.other.example"), {address("198.51.100.9")}}, {name("b.other.example"), {}}};
    const auto next = after(hinted, moved);
    EXPECT_THAT(serviceRecords(next, "_dns.fo.example", type::svcb),
                testing::ElementsAre("1 a.other.example. ipv4hint=198.51.100.9"));
    EXPECT_TRUE(next->draft(moved)->isEmpty());
    ZoneDefinition definition = exampleDefinition();
    definition.records.push_back(edits.records.front());
    definition.elsewhere = moved.elsewhere;
    EXPECT_TRUE(next->draftTo(definition)->isEmpty()) << "made whole it is the same";
    ZoneEdits removal;
    removal.removedRecords = {{name("_dns.fo.example"), type::svcb}};
    EXPECT_TRUE(after(next, removal)->services().about(name("a.other.example")).empty());
}

}  // namespace
}  // namespace swb::dns::test
