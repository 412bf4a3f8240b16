#include "dns/zone.h"

#include <gmock/gmock.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

using testing::HasSubstr;

// The message of the error that building this gives, or "" when it succeeds.
std::string problemOf(const ZoneDefinition& definition) {
    const auto zone = ZoneSnapshot::build(definition);
    return zone ? "" : zone.error().message;
}

template <typename Change>
std::string problemAfter(Change change) {
    ZoneDefinition definition = exampleDefinition();
    change(definition);
    return problemOf(definition);
}

TEST(DnsZone, TheExampleIsValid) {
    EXPECT_EQ(problemOf(exampleDefinition()), "");
}

TEST(DnsZone, RefusesWhatWouldLeadNowhere) {
    EXPECT_THAT(problemAfter([](auto& zone) { zone.addresses[0].addresses.clear(); }), HasSubstr("no address at all"));
    EXPECT_THAT(problemAfter([](auto& zone) { zone.addresses[0].addresses = {address("0.0.0.0")}; }),
                HasSubstr("which is none"));
    EXPECT_THAT(problemAfter([](auto& zone) { zone.nameServers.clear(); }), HasSubstr("no name server"));
    EXPECT_THAT(problemAfter([](auto& zone) { zone.nameServers[0].addresses.clear(); }), HasSubstr("has no address"));
    EXPECT_THAT(problemAfter([](auto& zone) { zone.addresses[0].name = name("shop.sub.fo.example"); }),
                HasSubstr("delegated"));
    EXPECT_EQ(problemAfter([](auto& zone) { zone.nameServers.push_back({name("ns.far.example"), {}}); }), "");
}

TEST(DnsZone, RefusesWhatIsOutside) {
    EXPECT_THAT(problemAfter([](auto& zone) { zone.addresses[0].name = name("shop.example"); }),
                HasSubstr("not inside the zone"));
    EXPECT_THAT(problemAfter([](auto& zone) { zone.records[0].name = name("xfo.example"); }),
                HasSubstr("not inside the zone"));
    EXPECT_THAT(problemAfter([](auto& zone) {
                    zone.nameServers.push_back({name("ns.far.example"), {address("192.0.2.9")}});
                }),
                HasSubstr("not ours"));
}

TEST(DnsZone, RefusesContradictions) {
    EXPECT_THAT(
        problemAfter([](auto& zone) { zone.records.push_back(recordSet("SHOP.fo.example", type::a, {"192.0.2.3"})); }),
        HasSubstr("two record sets of type A"));
    EXPECT_THAT(problemAfter([](auto& zone) {
                    zone.records.push_back(recordSet("shop.fo.example", type::cname, {"blog.fo.example"}));
                }),
                HasSubstr("CNAME and other records"));
    EXPECT_THAT(
        problemAfter([](auto& zone) { zone.records.push_back(recordSet("www.fo.example", type::txt, {"text"})); }),
        HasSubstr("CNAME and other records"));
    EXPECT_THAT(problemAfter([](auto& zone) {
                    zone.records.push_back(recordSet("two.cnames.fo.example", type::cname, {"a.example", "b.example"}));
                }),
                HasSubstr("more than one record"));
    EXPECT_THAT(problemAfter([](auto& zone) {
                    zone.records.push_back(recordSet("cut.fo.example", type::ns, {"www.fo.example"}));
                }),
                HasSubstr("is a CNAME"));
    EXPECT_THAT(problemAfter([](auto& zone) {
                    zone.addresses.push_back({"shop", 4, name("shop2.fo.example"), 300, {address("192.0.2.3")}});
                }),
                HasSubstr("different epochs"));
    EXPECT_THAT(problemAfter([](auto& zone) {
                    zone.addresses.push_back({"other", 1, name("shop.fo.example"), 300, {address("192.0.2.3")}});
                }),
                HasSubstr("two record sets"));
}

TEST(DnsZone, RefusesTheApexSetsAndQuestionTypes) {
    const auto withRecord = [](ZoneRecordSet set) {
        return problemAfter([&](auto& zone) { zone.records.push_back(set); });
    };
    EXPECT_THAT(withRecord(recordSet("fo.example", type::ns, {"ns.example"})), HasSubstr("top of the zone"));
    EXPECT_THAT(withRecord(recordSet("fo.example", type::cname, {"a.example"})), HasSubstr("top of the zone"));
    EXPECT_THAT(withRecord({name("a.fo.example"), {type::soa, 1, {Rdata(22, '\0')}}}), HasSubstr("cannot be given"));
    for (const uint16_t meta : {uint16_t{0}, type::opt, type::ixfr, type::axfr, type::any})
        EXPECT_THAT(withRecord({name("a.fo.example"), {meta, 1, {Rdata("x")}}}), HasSubstr("only questions have"));
    EXPECT_THAT(withRecord({name("a.fo.example"), {type::a, 1, {Rdata("xyz")}}}), HasSubstr("malformed"));
    EXPECT_THAT(withRecord({name("a.fo.example"), {type::txt, 1, {Rdata("\5abc")}}}), HasSubstr("malformed"));
    EXPECT_THAT(withRecord({name("a.fo.example"), {type::a, 1, {}}}), HasSubstr("has no data"));
    EXPECT_THAT(withRecord(recordSet("a.fo.example", type::a, {"192.0.2.1", "192.0.2.1"})), HasSubstr("twice"));
}

TEST(DnsZone, HoldsTheLimits) {
    EXPECT_THAT(problemAfter([](auto& zone) { zone.minimumSeconds = 301; }), HasSubstr("over 300 s"));
    EXPECT_THAT(problemAfter([](auto& zone) { zone.serial = 0; }), HasSubstr("serial is 0"));
    EXPECT_THAT(problemAfter([](auto& zone) { zone.addresses[0].ttlSeconds = 0x80000000; }), HasSubstr("TTL"));
    EXPECT_THAT(problemAfter([](auto& zone) {
                    for (int i = 0; i < 17; ++i)
                        zone.addresses[0].addresses.push_back(address("198.51.100." + std::to_string(i)));
                }),
                HasSubstr("more than 16"));
}

TEST(DnsZone, AsManyAddressesAsAllowedFitInOnePlainAnswer) {
    ZoneDefinition definition = exampleDefinition();
    definition.addresses[0].addresses.clear();
    for (int i = 0; i < 16; ++i)
        definition.addresses[0].addresses.push_back(address("198.51.100." + std::to_string(i)));
    const Response response = answered(query("shop.fo.example", type::a), Transport::udp, build(definition));
    EXPECT_FALSE(response.isTruncated());
    EXPECT_EQ(response.answers.size(), 16u);
}

TEST(DnsZone, SerialsCompareAroundTheCircle) {
    EXPECT_TRUE(isNewerSerial(2, 1));
    EXPECT_FALSE(isNewerSerial(1, 2));
    EXPECT_FALSE(isNewerSerial(1, 1));
    EXPECT_TRUE(isNewerSerial(5, 0xffffffff));
    EXPECT_FALSE(isNewerSerial(0x80000001, 1)) << "half way round is not forward";
    EXPECT_EQ(nextSerial(7), 8u);
    EXPECT_EQ(nextSerial(0xffffffff), 1u);
}

TEST(DnsZone, AnOlderEpochOrSerialIsNoSuccessor) {
    const auto verdict = [](auto change) {
        ZoneDefinition definition = exampleDefinition();
        definition.serial = 8;
        change(definition);
        return checkSuccessor(*exampleZone(), *build(definition));
    };
    EXPECT_TRUE(verdict([](auto& zone) { zone.addresses[0].epoch = 4; }));
    EXPECT_TRUE(verdict([](auto&) {}));
    EXPECT_TRUE(verdict([](auto& zone) { zone.addresses.erase(zone.addresses.begin()); })) << "a deleted group";
    EXPECT_EQ(verdict([](auto& zone) { zone.addresses[0].epoch = 2; }).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(verdict([](auto& zone) { zone.addresses[1].epoch = 0; }).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(verdict([](auto& zone) {
                  zone.serial = 7;
                  zone.addresses[0].epoch = 4;
              })
                  .error()
                  .code,
              ErrorCode::Conflict);
    EXPECT_EQ(verdict([](auto& zone) { zone.serial = 6; }).error().code, ErrorCode::Conflict);
    ZoneDefinition other = exampleDefinition();
    other.serial = 8;
    other.origin = name("example");
    other.mailbox = name("hostmaster.example");
    EXPECT_EQ(checkSuccessor(*exampleZone(), *build(other)).error().code, ErrorCode::Conflict);
    EXPECT_TRUE(checkSuccessor(*exampleZone(), *build(exampleDefinition()))) << "the same again changes nothing";
}

TEST(DnsAddress, TextForms) {
    for (const std::string text : {"192.0.2.1:53", "[2001:db8::1]:5353", "127.0.0.1:0"})
        EXPECT_EQ(Endpoint::fromText(text)->toText(), text);
    for (const std::string text : {"192.0.2.1", "2001:db8::1:53", "[192.0.2.1]:53", "192.0.2.1:65536",
                                   "192.0.2.1:", "[2001:db8::1]", "localhost:53", ":53", "", "192.0.2.1:5 "})
        EXPECT_FALSE(Endpoint::fromText(text)) << text;
    const Endpoint endpoint = *Endpoint::fromText("[2001:db8::1]:53");
    EXPECT_EQ(SocketAddress::of(endpoint).endpoint(), endpoint);
}

}  // namespace
}  // namespace swb::dns::test
