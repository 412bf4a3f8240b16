#include "dns/zone_file.h"

#include <gmock/gmock.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> linesOf(std::string_view text) {
    const auto file = readMasterFile(text, name("fo.example"));
    if (!file) return {describe(file.error())};
    std::vector<std::string> result;
    std::string line;
    for (const char character : masterFileText(file->records)) {
        if (character != '\n') {
            line += character;
            continue;
        }
        result.push_back(line);
        line.clear();
    }
    return result;
}

std::string problemOf(std::string_view text) {
    const auto file = readMasterFile(text, name("fo.example"));
    return file ? "" : file.error().message;
}

TEST(DnsZoneFile, ReadsWhatMasterFilesAreWrittenLike) {
    EXPECT_THAT(linesOf("$TTL 1h\n"
                        "@   IN SOA ns1 host (\n"
                        "        1 ; serial\n"
                        "        2 3 4 5 )\n"
                        "    NS ns1\n"
                        "www 60 IN A 192.0.2.1\n"
                        "    IN 60 A 192.0.2.2 ; the same name\n"
                        "    AAAA 2001:db8::1\r\n"
                        "\n"
                        "txt TXT ( \"a ; b\" c\\;d\n"
                        " \"e\\\"\" )\n"
                        "abs.fo.example. CNAME elsewhere.example.\n"
                        "$ORIGIN deep\n"
                        "x   mx 10 @\n"
                        "y.fo.example. 1h30m CLASS1 TYPE1000 \\# 3 abcdef\n"
                        "_443._tcp in tlsa 3 1 1 00\n"
                        " 10 https 1 . alpn=\"h2,h3\""),
                ElementsAre("abs.fo.example. 3600 IN CNAME elsewhere.example.",
                            "_443._tcp.deep.fo.example. 3600 IN TLSA 3 1 1 00",
                            "_443._tcp.deep.fo.example. 10 IN HTTPS 1 . alpn=\"h2,h3\"",
                            "x.deep.fo.example. 3600 IN MX 10 deep.fo.example.",
                            "txt.fo.example. 3600 IN TXT \"a ; b\" \"c;d\" \"e\\\"\"",
                            "www.fo.example. 60 IN A 192.0.2.1", "www.fo.example. 60 IN A 192.0.2.2",
                            "www.fo.example. 3600 IN AAAA 2001:db8::1", "y.fo.example. 5400 IN TYPE1000 \\# 3 abcdef"));
}

TEST(DnsZoneFile, ListsWhatTheZoneMakesItself) {
    const auto file = readMasterFile(
        "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\nsub NS b\n@ DNSKEY 257 3 13 AAAA\n"
        "@ RRSIG A 13 2 60 20300101000000 20200101000000 1 @ AAAA\nsub NSEC @ NS\n",
        name("fo.example"));
    ASSERT_TRUE(file) << describe(file.error());
    EXPECT_EQ(file->records.size(), 1u);
    EXPECT_EQ(file->leftOutCount, 5u);
    EXPECT_THAT(file->leftOut[0], StartsWith("line 2: the SOA record"));
}

TEST(DnsZoneFile, ErrorsSayWhere) {
    EXPECT_THAT(problemOf("$TTL 60\nwww A 192.0.2.1\nbad A 192.0.2.256\n"), StartsWith("line 3, column 7: "));
    EXPECT_THAT(problemOf("www A 192.0.2.1\n"), HasSubstr("no TTL"));
    EXPECT_THAT(problemOf("  60 A 192.0.2.1\n"), StartsWith("line 1, column 3: the first record has no name"));
    EXPECT_THAT(problemOf("$INCLUDE other\n"), StartsWith("line 1, column 1: $INCLUDE is not read"));
    EXPECT_THAT(problemOf("\n$generate 1-9 a A 192.0.2.$\n"), StartsWith("line 2, column 1: $GENERATE"));
    EXPECT_THAT(problemOf("$NEW x\n"), HasSubstr("no directive"));
    EXPECT_THAT(problemOf("$TTL\n"), HasSubstr("one value"));
    EXPECT_THAT(problemOf("$TTL x\n"), StartsWith("line 1, column 6: \"x\" is no TTL"));
    EXPECT_THAT(problemOf("$TTL 60\nx CH TXT a\n"), HasSubstr("class CH"));
    EXPECT_THAT(problemOf("$TTL 60\nx NOPE a\n"), StartsWith("line 2, column 3: \"NOPE\""));
    EXPECT_THAT(problemOf("$TTL 60\nx 60\n"), HasSubstr("no type"));
    EXPECT_THAT(problemOf("$TTL 60\nx.example. A 192.0.2.1\n"), HasSubstr("not inside the zone"));
    EXPECT_THAT(problemOf("$TTL 60\nx TXT \"a\nb\"\n"), StartsWith("line 2, column 7: a quote"));
    EXPECT_THAT(problemOf("$TTL 60\nx TXT ( a\nb\n"), StartsWith("line 2, column 7: this parenthesis"));
    EXPECT_THAT(problemOf("x TXT a )\n"), HasSubstr("not opened"));
    EXPECT_THAT(problemOf("x TXT ( ( a ) )\n"), HasSubstr("inside another"));
    EXPECT_THAT(problemOf("x 60 A 192.0.2.1\nx 61 A 192.0.2.2\n"), StartsWith("line 2, column 1: the TTL is another"));
    EXPECT_THAT(problemOf("x 60 CNAME a\nx 60 TXT b\n"), HasSubstr("CNAME and other"));
    EXPECT_THAT(problemOf("x 60 DNAME a\n"), HasSubstr("cannot be served"));
    EXPECT_THAT(problemOf("_swingbridge.x 60 TXT a\n"), HasSubstr("line 1"));
    EXPECT_THAT(problemOf("x 2147483648 A 192.0.2.1\n"), HasSubstr("is no TTL"));
    EXPECT_THAT(problemOf("x 60 A \\# 3 000000\n"), HasSubstr("line 1, column"));
}

TEST(DnsZoneFile, TheSameRecordTwiceIsOne) {
    EXPECT_THAT(linesOf("x 60 A 192.0.2.1\nX 60 A 192.0.2.1\n"), ElementsAre("x.fo.example. 60 IN A 192.0.2.1"));
}

TEST(DnsZoneFile, TextIsReadBackAsTheSame) {
    const auto& records = exampleDefinition().records;
    const auto file = readMasterFile(masterFileText(records), name("fo.example"));
    ASSERT_TRUE(file) << describe(file.error());
    EXPECT_EQ(file->records.size(), records.size());
    const auto again = readMasterFile(masterFileText(file->records), name("fo.example"));
    EXPECT_EQ(again->records, file->records);
}

}  // namespace
}  // namespace swb::dns::test
