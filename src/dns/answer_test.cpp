#include "dns/answer.h"

#include <gmock/gmock.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string soaLine = "fo.example. 300 SOA ns1.fo.example. hostmaster.fo.example. 7 14400 3600 1209600 300";

TEST(DnsAnswer, AFailoverAddress) {
    const Response response = answered(query("shop.fo.example", type::a));
    EXPECT_EQ(response.id, 0x1234);
    EXPECT_EQ(response.rcode, rcode::noError);
    EXPECT_TRUE(response.isAuthoritative());
    EXPECT_THAT(lines(response.answers), ElementsAre("shop.fo.example. 300 A 203.0.113.10"));
    EXPECT_THAT(response.authorities, IsEmpty());
    EXPECT_THAT(response.additionals, IsEmpty()) << "OPT only when asked";
}

TEST(DnsAnswer, EachFamilyAndItsOwnTtl) {
    EXPECT_THAT(lines(answered(query("blog.fo.example", type::aaaa)).answers),
                ElementsAre("blog.fo.example. 60 AAAA 2001:db8::20"));
    EXPECT_THAT(lines(answered(query("blog.fo.example", type::a)).answers),
                ElementsAre("blog.fo.example. 60 A 203.0.113.20"));
}

TEST(DnsAnswer, TheApex) {
    EXPECT_THAT(lines(answered(query("fo.example", type::soa)).answers),
                ElementsAre("fo.example. 3600 SOA ns1.fo.example. hostmaster.fo.example. 7 14400 3600 1209600 300"));
    const Response servers = answered(query("fo.example", type::ns));
    EXPECT_TRUE(servers.isAuthoritative());
    EXPECT_THAT(lines(servers.answers),
                ElementsAre("fo.example. 3600 NS ns1.fo.example.", "fo.example. 3600 NS ns2.fo.example."));
    EXPECT_THAT(lines(servers.additionals),
                ElementsAre("ns1.fo.example. 3600 A 192.0.2.1", "ns1.fo.example. 3600 AAAA 2001:db8::1",
                            "ns2.fo.example. 3600 A 192.0.2.2"));
}

TEST(DnsAnswer, TextAndUnknownTypes) {
    EXPECT_THAT(lines(answered(query("note.fo.example", type::txt)).answers),
                ElementsAre("note.fo.example. 600 TXT \"hello world\"", "note.fo.example. 600 TXT \"second\""));
    EXPECT_THAT(lines(answered(query("odd.fo.example", 1000)).answers),
                ElementsAre("odd.fo.example. 600 TYPE1000 \\# 3 abcdef"));
}

TEST(DnsAnswer, NoDataAndNoNameCarryTheSoaWithTheNegativeTtl) {
    const Response noData = answered(query("shop.fo.example", type::aaaa));
    EXPECT_EQ(noData.rcode, rcode::noError);
    EXPECT_TRUE(noData.isAuthoritative());
    EXPECT_THAT(noData.answers, IsEmpty());
    EXPECT_THAT(lines(noData.authorities), ElementsAre(soaLine));

    const Response noName = answered(query("nothere.fo.example", type::a));
    EXPECT_EQ(noName.rcode, rcode::nameError);
    EXPECT_TRUE(noName.isAuthoritative());
    EXPECT_THAT(lines(noName.authorities), ElementsAre(soaLine));

    EXPECT_EQ(answered(query("fo.example", 1000)).rcode, rcode::noError);
    EXPECT_EQ(answered(query("below.shop.fo.example", type::a)).rcode, rcode::nameError);
}

TEST(DnsAnswer, TheNegativeTtlIsTheLesserOfTheTwo) {
    ZoneDefinition definition = exampleDefinition();
    definition.soaTtlSeconds = 20;
    const Response response = answered(query("nothere.fo.example", type::a), Transport::udp, build(definition));
    ASSERT_EQ(response.authorities.size(), 1u);
    EXPECT_EQ(response.authorities[0].ttlSeconds, 20u);
}

TEST(DnsAnswer, ANameBetweenNamesExists) {
    const Response response = answered(query("deep.fo.example", type::a));
    EXPECT_EQ(response.rcode, rcode::noError);
    EXPECT_THAT(response.answers, IsEmpty());
    EXPECT_THAT(lines(response.authorities), ElementsAre(soaLine));
}

TEST(DnsAnswer, WildcardsEndAtCloserNames) {
    EXPECT_THAT(lines(answered(query("any.wild.fo.example", type::a)).answers),
                ElementsAre("any.wild.fo.example. 600 A 192.0.2.88"));
    EXPECT_THAT(lines(answered(query("a.b.c.d.e.wild.fo.example", type::a)).answers),
                ElementsAre("a.b.c.d.e.wild.fo.example. 600 A 192.0.2.88"));
    EXPECT_EQ(answered(query("any.wild.fo.example", type::txt)).rcode, rcode::noError) << "wildcard without data";
    EXPECT_EQ(answered(query("y.wild.fo.example", type::a)).answers.size(), 0u) << "an empty non-terminal";
    EXPECT_EQ(answered(query("z.y.wild.fo.example", type::a)).rcode, rcode::nameError) << "y is the closest name";
    EXPECT_THAT(lines(answered(query("wild.fo.example", type::a)).authorities), ElementsAre(soaLine));
}

TEST(DnsAnswer, AliasesAreFollowedInsideTheZone) {
    const Response inside = answered(query("www.fo.example", type::a));
    EXPECT_THAT(lines(inside.answers),
                ElementsAre("www.fo.example. 600 CNAME shop.fo.example.", "shop.fo.example. 300 A 203.0.113.10"));
    const Response outside = answered(query("away.fo.example", type::a));
    EXPECT_EQ(outside.rcode, rcode::noError);
    EXPECT_THAT(lines(outside.answers), ElementsAre("away.fo.example. 600 CNAME elsewhere.example."));
    EXPECT_THAT(outside.authorities, IsEmpty());
    const Response missing = answered(query("broken.fo.example", type::a));
    EXPECT_EQ(missing.rcode, rcode::nameError) << "the RCODE is that of the last name";
    EXPECT_TRUE(missing.isAuthoritative());
    EXPECT_EQ(missing.answers.size(), 1u);
    EXPECT_THAT(lines(missing.authorities), ElementsAre(soaLine));
    EXPECT_THAT(lines(answered(query("www.fo.example", type::cname)).answers),
                ElementsAre("www.fo.example. 600 CNAME shop.fo.example."));
    EXPECT_EQ(answered(query("www.fo.example", type::aaaa)).authorities.size(), 1u) << "alias to no data";
}

TEST(DnsAnswer, ACircleOfAliasesEnds) {
    EXPECT_THAT(lines(answered(query("one.fo.example", type::a)).answers),
                ElementsAre("one.fo.example. 600 CNAME two.fo.example.", "two.fo.example. 600 CNAME one.fo.example."));
}

TEST(DnsAnswer, AReferralIsNotAuthoritative) {
    for (const char* owner : {"sub.fo.example", "deep.down.sub.fo.example"}) {
        const Response response = answered(query(owner, type::a));
        EXPECT_EQ(response.rcode, rcode::noError);
        EXPECT_FALSE(response.isAuthoritative());
        EXPECT_THAT(response.answers, IsEmpty());
        EXPECT_THAT(lines(response.authorities), ElementsAre("sub.fo.example. 600 NS ns.sub.fo.example.",
                                                             "sub.fo.example. 600 NS ns.other.example."));
        EXPECT_THAT(lines(response.additionals), ElementsAre("ns.sub.fo.example. 600 A 192.0.2.99"));
    }
    const Response parentSide = answered(query("sub.fo.example", type::ds));
    EXPECT_TRUE(parentSide.isAuthoritative());
    EXPECT_EQ(parentSide.answers.size(), 1u);
    EXPECT_FALSE(answered(query("x.sub.fo.example", type::ds)).isAuthoritative());
}

TEST(DnsAnswer, WhatIsNotOursIsRefused) {
    for (const char* owner : {"example", ".", "other.example", "xfo.example", "fo.example.com"}) {
        const Response response = answered(query(owner, type::a));
        EXPECT_EQ(response.rcode, rcode::refused) << owner;
        EXPECT_FALSE(response.isAuthoritative());
        EXPECT_EQ(response.questionName, name(owner));
        EXPECT_TRUE(response.answers.empty() && response.authorities.empty());
    }
    for (const unsigned other : {3u, 4u, 254u, 255u})
        EXPECT_EQ(answered(query("fo.example", type::soa, {}, 0, other)).rcode, rcode::refused);
}

TEST(DnsAnswer, TransfersAreRefused) {
    for (const uint16_t asked : {type::axfr, type::ixfr})
        for (const Transport transport : {Transport::udp, Transport::tcp}) {
            const Response response = answered(query("fo.example", asked), transport);
            EXPECT_EQ(response.rcode, rcode::refused);
            EXPECT_FALSE(response.isAuthoritative());
        }
}

TEST(DnsAnswer, AnyGivesOneSet) {
    EXPECT_EQ(answered(query("fo.example", type::any)).answers.size(), 2u) << "the NS set";
    EXPECT_EQ(answered(query("blog.fo.example", type::any)).answers.size(), 1u);
    EXPECT_EQ(answered(query("www.fo.example", type::any)).answers.size(), 1u) << "the CNAME, not followed";
    EXPECT_EQ(answered(query("deep.fo.example", type::any)).authorities.size(), 1u);
    EXPECT_EQ(answered(query("nothere.fo.example", type::any)).rcode, rcode::nameError);
}

}  // namespace
}  // namespace swb::dns::test
