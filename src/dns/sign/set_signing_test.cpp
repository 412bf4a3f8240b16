#include "dns/sign/set_signing.h"

#include <algorithm>
#include <set>

#include "dns/sign/canonical.h"
#include "dns/sign/nsec.h"
#include "dns/sign/sign_test_support.h"

namespace swb::dns::sign {
namespace {

using test::name;
using test::now;
using test::valueOf;

const SigningKey& key() {
    static const SigningKey made = valueOf(SigningKey::generate(Algorithm::ed25519, KeyRole::zsk));
    return made;
}

Rdata signedBy(std::string_view owner, const RecordSet& set, UnixSeconds at = now, const SignaturePolicy& policy = {}) {
    return valueOf(signSet(key(), name(owner), name("example"), set, at, policy));
}

TEST(SetSigning, OrderAndCaseDoNotMatter) {
    const RecordSet set = test::recordSet(type::ns, {"B.Example.", "a.example."});
    const RecordSet same = test::recordSet(type::ns, {"A.EXAMPLE.", "b.example."});
    EXPECT_EQ(signedBy("Host.Example", set), signedBy("hOST.eXAMPLE", same));
    EXPECT_TRUE(verifySet(key().dnskey(), signedBy("host.example", set), name("HOST.example"), same, now));
    // The text of a TXT record is data, not a name.
    EXPECT_NE(signedBy("host.example", test::recordSet(type::txt, {"A"})),
              signedBy("host.example", test::recordSet(type::txt, {"a"})));
}

TEST(SetSigning, RecordsAreSortedAsOctetsWithoutSign) {
    const std::vector<Rdata> sorted = canonicalRecords(
        1000, {Rdata("\xff", 1), Rdata("\x7f", 1), Rdata("\x7f\x00", 2), Rdata("", 0), Rdata("\x7f", 1)});
    EXPECT_EQ(sorted, (std::vector<Rdata>{Rdata("", 0), Rdata("\x7f", 1), Rdata("\x7f\x00", 2), Rdata("\xff", 1)}));
}

TEST(SetSigning, NamesInDataAreLowerCasedWhereTheTypeHasThem) {
    const auto wire = [](std::string_view text) { return std::string(name(text).view().wire()); };
    const std::string preference("\0\x0a", 2);
    EXPECT_EQ(canonicalRdata(type::mx, preference + wire("MX.A")), preference + wire("mx.a"));
    const std::string srvHead("\0\1\0\2\0\3", 6);
    EXPECT_EQ(canonicalRdata(33, srvHead + wire("Srv.A")), srvHead + wire("srv.a"));
    const std::string numbers(20, 'A');
    EXPECT_EQ(canonicalRdata(type::soa, wire("NS.A") + wire("Box.A") + numbers),
              wire("ns.a") + wire("box.a") + numbers);
    const std::string naptrHead = std::string("\0\1\0\1\1S\3SIP\0", 11);
    EXPECT_EQ(canonicalRdata(35, naptrHead + wire("N.A")), naptrHead + wire("n.a"));
    EXPECT_EQ(canonicalRdata(64, preference + wire("Svc.A")), preference + wire("Svc.A"))
        << "SVCB is newer than the list";
    EXPECT_EQ(canonicalRdata(type::ns,
                             "\x05"
                             "AB"),
              Rdata("\x05"
                    "AB"))
        << "malformed data is left alone";
}

TEST(SetSigning, AWildcardsSignatureHoldsForTheNamesUnderIt) {
    const RecordSet set = test::recordSet(type::a, {"192.0.2.1"});
    const Rdata rrsig = signedBy("*.w.example", set);
    EXPECT_EQ(readSignature(rrsig, now)->labels, 2);
    EXPECT_TRUE(verifySet(key().dnskey(), rrsig, name("x.y.w.example"), set, now));
    EXPECT_TRUE(verifySet(key().dnskey(), rrsig, name("*.w.example"), set, now));
    EXPECT_FALSE(verifySet(key().dnskey(), rrsig, name("x.v.example"), set, now));
    EXPECT_FALSE(verifySet(key().dnskey(), rrsig, name("example"), set, now));
}

TEST(SetSigning, TimesAreBackDatedAndSpread) {
    std::set<UnixSeconds> expirations;
    for (int i = 0; i < 200; ++i) {
        const std::string owner = "h" + std::to_string(i) + ".example";
        const Rdata rrsig = signedBy(owner, test::recordSet(type::a, {"192.0.2.1"}, 60));
        const Signature signature = *readSignature(rrsig, now);
        EXPECT_LE(signature.inception, now - 3600);
        EXPECT_LE(signature.expiration, now + 14 * 86400);
        EXPECT_GT(signature.expiration, now + 11 * 86400);
        EXPECT_EQ(signature.originalTtlSeconds, 60u);
        EXPECT_TRUE(signature.isBy(key()));
        expirations.insert(signature.expiration);
    }
    EXPECT_GT(expirations.size(), 150u);
    EXPECT_GT(*expirations.rbegin() - *expirations.begin(), 2 * 86400);
}

TEST(SetSigning, TimesAreReadAcrossTheEndOf32Bits) {
    const UnixSeconds late = 0xffffff00;  // February 2106
    const Rdata rrsig = signedBy("h.example", test::recordSet(type::a, {"192.0.2.1"}), late);
    const Signature signature = *readSignature(rrsig, late);
    EXPECT_LT(signature.inception, late);
    EXPECT_GT(signature.expiration, late);
    EXPECT_TRUE(verifySet(key().dnskey(), rrsig, name("h.example"), test::recordSet(type::a, {"192.0.2.1"}), late));
    EXPECT_FALSE(readSignature("short", now));
}

TEST(Nsec, BitmapsHaveOneWindowForEach256Types) {
    const Rdata nsec = nsecData(name("host.example"), {1234, type::mx, type::a, 46, 47});
    // RFC 4034 §4.3's example.
    EXPECT_EQ(nsec.substr(name("host.example").view().size()),
              test::fromHex("0006400100000003"
                            "041b"
                            "000000000000000000000000000000000000000000000000000020"));
    EXPECT_EQ(typesInNsec(nsec), (std::vector<uint16_t>{1, 15, 46, 47, 1234}));
    EXPECT_EQ(nextInNsec(nsec), name("host.example").view());
    EXPECT_EQ(typesInNsec(nsecData(name("a"), {65535, 0, 256})), (std::vector<uint16_t>{0, 256, 65535}));
}

}  // namespace
}  // namespace swb::dns::sign
