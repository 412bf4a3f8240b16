#include "dns/rdata.h"

#include <gtest/gtest.h>

#include "dns/protocol.h"
#include "dns/type_bitmap.h"

namespace swb::dns::test {
namespace {

TEST(DnsRdata, TextForms) {
    const std::vector<std::tuple<uint16_t, std::string, std::string>> cases = {
        {type::a, "192.0.2.1", "192.0.2.1"},
        {type::aaaa, "2001:DB8:0::1", "2001:db8::1"},
        {type::mx, "10 mail.example", "10 mail.example."},
        {type::txt, "a \"b c\" \"q\\\"\\\\\\200\" \"\"", "\"a\" \"b c\" \"q\\\"\\\\\\200\" \"\""},
        {type::soa, "ns1.x. host.x. 1 2 3 4 5", "ns1.x. host.x. 1 2 3 4 5"},
        {type::srv, "0 5 5060 sip.x", "0 5 5060 sip.x."},
        {type::caa, "0 issue \"ca.example; policy=ev\"", "0 issue \"ca.example; policy=ev\""},
        {type::tlsa, "3 1 1 0123 ABCDEF", "3 1 1 0123abcdef"},
        {type::ds, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
         "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"},
        {type::dnskey,
         "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d xCjjnopKl+GqJxpVXckHAeF+KkxLbxIL fDLUT0rAK9iUzy1L53eKGQ==",
         "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="},
        {type::rrsig, "A 5 3 86400 20030322173103 20030220173103 2642 example.com. AAEC",
         "A 5 3 86400 20030322173103 20030220173103 2642 example.com. AAEC"},
        {type::nsec, "host.example.com. A MX RRSIG NSEC TYPE1234", "host.example.com. A MX RRSIG NSEC TYPE1234"},
        {type::naptr, "100 50 \"s\" \"http\" \"\" _http._tcp.x.", "100 50 \"s\" \"http\" \"\" _http._tcp.x."},
        {type::cds, "0 0 0 00", "0 0 0 00"},
        {type::cdnskey, "0 3 0 AA==", "0 3 0 AA=="},
        {type::uri, "10 1 \"https://x/\"", "10 1 \"https://x/\""},
        {type::https, "0 other.x", "0 other.x."},
        {type::https, "1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1",
         "1 . alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1"},
        {type::https, "16 foo.x. mandatory=ipv4hint,alpn alpn=h2 ipv4hint=192.0.2.1",
         "16 foo.x. mandatory=alpn,ipv4hint alpn=\"h2\" ipv4hint=192.0.2.1"},
        {type::svcb,
         "1 foo.x. key667=\"hello\\210qoo\" ech=AEX+DQ==", "1 foo.x. ech=AEX+DQ== key667=\"hello\\210qoo\""},
        {type::svcb, "1 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\"", "1 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\""},
        {type::a, "\\# 4 c0000201", "192.0.2.1"},
        {1000, "\\# 0", "\\# 0"},
        {1000, "\\# 4 dead BEEF", "\\# 4 deadbeef"},
    };
    for (const auto& [type, text, expected] : cases) {
        const auto data = rdataFromText(type, text);
        ASSERT_TRUE(data) << text << ": " << describe(data.error());
        EXPECT_EQ(rdataToText(type, *data), expected);
        EXPECT_EQ(*rdataFromText(type, expected), *data);
    }
    const std::vector<std::pair<uint16_t, std::string>> bad = {{type::a, "2001:db8::1"},
                                                               {type::aaaa, "192.0.2.1"},
                                                               {type::a, "192.0.2.256"},
                                                               {type::a, ""},
                                                               {type::txt, "\"open"},
                                                               {type::txt, "a\\"},
                                                               {type::txt, "\\25"},
                                                               {type::txt, std::string(256, 'x')},
                                                               {type::mx, "mail.example"},
                                                               {type::mx, "65536 mail.example"},
                                                               {1000, "abcd"},
                                                               {1000, "\\# 2 abc"},
                                                               {1000, "\\# 1 zz"},
                                                               {type::soa, "a b 1 2 3 4"},
                                                               {type::cname, "a..b"},
                                                               {type::a, "192.0.2.1 192.0.2.2"},
                                                               {type::a, "\\# 3 c00002"},
                                                               {type::ds, "1 13 2"},
                                                               {type::ds, "1 13 2 abc"},
                                                               {type::dnskey, "257 3 13 AA=A"},
                                                               {type::rrsig, "A 5 3 1 2003 x 1 x. AAEC"},
                                                               {type::https, "1 . alpn"},
                                                               {type::https, "1 . no-default-alpn"},
                                                               {type::https, "1 . port=99999"},
                                                               {type::https, "1 . port=1 port=2"},
                                                               {type::https, "1 . mandatory=alpn"},
                                                               {type::https, "1 . mandatory=mandatory"},
                                                               {type::https, "1 . ipv4hint=2001:db8::1"},
                                                               {type::https, "1 . key01=x"},
                                                               {type::https, "1 . nothing=x"},
                                                               {type::https, "1"}};
    for (const auto& [type, text] : bad) EXPECT_FALSE(rdataFromText(type, text)) << typeToText(type) << " " << text;
    EXPECT_EQ(*typeFromText("TYPE65280"), 65280);
    EXPECT_FALSE(typeFromText("TYPE65536"));
    EXPECT_FALSE(typeFromText("a"));
}

// RFC 9460 appendix D: the wire form, not only a round trip.
TEST(DnsRdata, ServiceParametersOnTheWire) {
    EXPECT_EQ(*rdataFromText(type::svcb, "16 foo.example.com. port=53"),
              std::string("\0\x10\3foo\7example\3com\0\0\3\0\2\0\x35", 25));
    EXPECT_EQ(*rdataFromText(type::https, "1 . alpn=h2,h3 ipv4hint=192.0.2.1"),
              std::string("\0\1\0\0\1\0\6\2h2\2h3\0\4\0\4\xc0\0\2\1", 21));
    Rdata out;
    const auto isWellFormed = [&](std::string_view data) {
        return readRdata({reinterpret_cast<const uint8_t*>(data.data()), data.size()}, 0, data.size(), type::https,
                         out);
    };
    EXPECT_TRUE(isWellFormed(std::string_view("\0\1\0\0\3\0\2\0\x35", 9)));
    EXPECT_FALSE(isWellFormed(std::string_view("\0\1\0\0\3\0\3\0\x35", 9))) << "a length beyond the end";
    EXPECT_FALSE(isWellFormed(std::string_view("\0\1\0\0\4\0\3abc\0\3\0\2\0\x35", 15))) << "keys out of order";
    EXPECT_FALSE(isWellFormed(std::string_view("\0\1\0\0\4\0\2ab", 9))) << "half an address";
}

TEST(DnsRdata, TypeBitmaps) {
    // RFC 4034 §4.3.
    const std::string wire("\0\6\x40\1\0\0\0\3\4\x1b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x20", 37);
    EXPECT_EQ(typeBitmap({1, 15, 46, 47, 1234}), wire);
    EXPECT_EQ(typesInBitmap(wire), (std::vector<uint16_t>{1, 15, 46, 47, 1234}));
    EXPECT_TRUE(isTypeBitmapWellFormed(wire));
    EXPECT_FALSE(isTypeBitmapWellFormed(std::string_view(wire).substr(0, 36)));
    EXPECT_FALSE(isTypeBitmapWellFormed(std::string_view("\0\1\0", 3))) << "a block that says nothing";
    EXPECT_FALSE(isTypeBitmapWellFormed(std::string_view("\1\1\1\0\1\1", 6))) << "blocks out of order";
}

}  // namespace
}  // namespace swb::dns::test
