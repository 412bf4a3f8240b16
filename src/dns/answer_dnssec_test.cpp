// What a signed zone adds to answers, section by section. That validators believe them is shown in test/conformance.
#include <gmock/gmock.h>

#include "dns/dns_test_support.h"
#include "dns/signed_test_zone.h"

namespace swb::dns::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ZonePointer& signedZone() {
    static const ZonePointer zone = [] {
        ZoneDefinition definition = exampleDefinition();
        definition.records.push_back(recordSet("plain.fo.example", type::ns, {"ns.other.example"}));
        definition.records.push_back(recordSet("*.alias.fo.example", type::cname, {"shop.fo.example"}));
        auto made = formallySigned(*build(definition));
        EXPECT_TRUE(made) << (made ? "" : describe(made.error()));
        return made ? *made : nullptr;
    }();
    return zone;
}

Response ask(std::string_view owner, uint16_t asked, Transport transport = Transport::tcp, uint16_t udpBytes = 1232) {
    return answered(query(owner, asked, {Edns{.flags = 0x8000, .udpBytes = udpBytes}}), transport, signedZone());
}

// "owner TYPE", signatures as "owner sig TYPE".
std::vector<std::string> shape(const std::vector<ReceivedRecord>& records) {
    std::vector<std::string> result;
    for (const ReceivedRecord& record : records) {
        if (record.type == type::opt) continue;
        const std::string owner = record.name.toText().substr(0, record.name.toText().find(".fo.example."));
        const auto octet = [&](size_t at) { return static_cast<uint8_t>(record.data[at]); };
        result.push_back(owner + (record.type == type::rrsig
                                      ? " sig " + typeToText(static_cast<uint16_t>(octet(0) << 8 | octet(1)))
                                      : " " + typeToText(record.type)));
    }
    return result;
}

const std::string apex = "fo.example.", nsecType = typeToText(type::nsec), dsType = typeToText(type::ds);

std::vector<std::string> proof(const std::vector<std::string>& owners) {
    std::vector<std::string> lines = {apex + " SOA", apex + " sig SOA"};
    for (const std::string& owner : owners) {
        lines.push_back(owner + " " + nsecType);
        lines.push_back(owner + " sig " + nsecType);
    }
    return lines;
}

TEST(DnsAnswerDnssec, NothingOfItWithoutDo) {
    for (const char* owner : {"shop.fo.example", "nothere.fo.example", "any.wild.fo.example", "x.sub.fo.example"}) {
        const Response response = answered(query(owner, type::a, {Edns{}}), Transport::udp, signedZone());
        for (const auto* section : {&response.answers, &response.authorities, &response.additionals})
            for (const ReceivedRecord& record : *section)
                EXPECT_TRUE(record.type != type::rrsig && record.type != type::nsec) << owner;
    }
}

TEST(DnsAnswerDnssec, DataWithItsSignature) {
    const Response response = ask("shop.fo.example", type::a);
    EXPECT_THAT(shape(response.answers), ElementsAre("shop A", "shop sig A"));
    EXPECT_THAT(response.authorities, IsEmpty());
    EXPECT_EQ(response.answers[1].ttlSeconds, 300u);
    EXPECT_EQ(response.flags & 0x0030, 0) << "AD and CD";
    EXPECT_THAT(shape(ask("www.fo.example", type::a).answers),
                ElementsAre("www CNAME", "www sig CNAME", "shop A", "shop sig A"));
    EXPECT_THAT(shape(ask("fo.example", type::ns).additionals),
                ElementsAre("ns1 A", "ns1 sig A", "ns1 AAAA", "ns1 sig AAAA", "ns2 A", "ns2 sig A"));
}

TEST(DnsAnswerDnssec, NoDataIsProvenByTheNamesOwnNsec) {
    const Response response = ask("shop.fo.example", type::aaaa);
    EXPECT_THAT(shape(response.authorities), proof({"shop"}));
    EXPECT_EQ(response.authorities[1].ttlSeconds, 300u) << "the signature has the TTL its set is answered with";
    EXPECT_THAT(shape(ask("deep.fo.example", type::a).authorities), proof({"broken"})) << "an empty non-terminal";
}

TEST(DnsAnswerDnssec, NoNameIsProvenWithTheWildcardThatIsNot) {
    EXPECT_THAT(shape(ask("nothere.fo.example", type::a).authorities), proof({"note", apex}));
    EXPECT_THAT(shape(ask("z.y.wild.fo.example", type::a).authorities), proof({"x.y.wild", "*.wild"}));
    // One record covers both.
    EXPECT_THAT(shape(ask("0.fo.example", type::a).authorities), proof({apex}));
    const Response broken = ask("broken.fo.example", type::a);
    EXPECT_EQ(broken.rcode, rcode::nameError);
    EXPECT_THAT(shape(broken.authorities), proof({"a.deep", apex}));
}

TEST(DnsAnswerDnssec, WildcardsProveThatNothingIsCloser) {
    const Response data = ask("any.wild.fo.example", type::a);
    EXPECT_THAT(shape(data.answers), ElementsAre("any.wild A", "any.wild sig A"));
    EXPECT_THAT(shape(data.authorities), ElementsAre("*.wild " + nsecType, "*.wild sig " + nsecType));
    EXPECT_THAT(shape(ask("any.wild.fo.example", type::txt).authorities), proof({"*.wild"}));
    const Response alias = ask("some.alias.fo.example", type::a);
    EXPECT_THAT(shape(alias.answers), ElementsAre("some.alias CNAME", "some.alias sig CNAME", "shop A", "shop sig A"));
    EXPECT_THAT(shape(alias.authorities), ElementsAre("*.alias " + nsecType, "*.alias sig " + nsecType));
}

TEST(DnsAnswerDnssec, ReferralsSayWhetherTheChildIsSigned) {
    const Response secure = ask("x.sub.fo.example", type::a);
    EXPECT_FALSE(secure.isAuthoritative());
    EXPECT_THAT(shape(secure.authorities), ElementsAre("sub NS", "sub NS", "sub " + dsType, "sub sig " + dsType));
    EXPECT_THAT(shape(secure.additionals), ElementsAre("ns.sub A")) << "glue has no signature";
    const Response insecure = ask("x.plain.fo.example", type::a);
    EXPECT_THAT(shape(insecure.authorities), ElementsAre("plain NS", "plain " + nsecType, "plain sig " + nsecType));
    EXPECT_THAT(shape(ask("sub.fo.example", type::ds).answers), ElementsAre("sub " + dsType, "sub sig " + dsType));
    const Response none = ask("plain.fo.example", type::ds);
    EXPECT_TRUE(none.isAuthoritative());
    EXPECT_THAT(shape(none.authorities), proof({"plain"}));
}

TEST(DnsAnswerDnssec, TheSignersTypesCanBeAskedFor) {
    EXPECT_THAT(shape(ask("shop.fo.example", type::nsec).answers),
                ElementsAre("shop " + nsecType, "shop sig " + nsecType));
    EXPECT_THAT(shape(ask("shop.fo.example", type::rrsig).answers), ElementsAre("shop sig A"));
    EXPECT_EQ(answered(query("shop.fo.example", type::rrsig), Transport::udp, signedZone()).answers.size(), 1u);
    EXPECT_EQ(answered(query("shop.fo.example", type::rrsig)).answers.size(), 0u) << "of an unsigned zone";
}

TEST(DnsAnswerDnssec, TruncatedWhenTheProofDoesNotFit) {
    EXPECT_FALSE(ask("nothere.fo.example", type::a, Transport::udp, 1232).isTruncated());
    // The identifier takes the room.
    const std::string nsid(120, 'n');
    AnswerContext context;
    context.nsid = nsid;
    const Edns small{.flags = 0x8000, .udpBytes = 512, .options = ednsOption(option::nsid)};
    const Response cut = answered(query("nothere.fo.example", type::a, {small}), context, signedZone());
    EXPECT_EQ(cut.rcode, rcode::nameError);
    EXPECT_TRUE(cut.isTruncated());
    EXPECT_TRUE(cut.authorities.empty());
    // Addresses of name servers are not required, signed or not.
    const Response servers = ask("fo.example", type::ns, Transport::udp, 512);
    EXPECT_FALSE(servers.isTruncated());
    EXPECT_EQ(servers.answers.size(), 3u);
    EXPECT_LT(shape(servers.additionals).size(), 6u);
}

}  // namespace
}  // namespace swb::dns::test
