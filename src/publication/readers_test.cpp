// What providers answer, and what is sent to them: pure, from bytes to values and back.
#include <gtest/gtest.h>

#include "base/assert.h"
#include "publication/providers.h"
#include "publication/sigv4.h"
#include "publication/update.h"
#include "publication/xml.h"

namespace swb::publication {
namespace {

const Publication www = [] {
    Publication publication;
    publication.name = "www.shop.example";
    publication.zone = "shop.example";
    return publication;
}();
const Wanted wanted{{60, {"198.51.100.1", "198.51.100.2"}}, {"fg-shop", 5}};

constexpr UnixMs suiteTime = 1'440'938'160'000;  // 20150830T123600Z

// The published example key of AWS's signature documentation and test suite.
AwsCredential exampleCredential() {
    return *awsCredentialFromText(Secret("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
}

std::string signatureOf(AwsRequest request) {
    request.headers.insert(request.headers.begin(), {"Host", "example.amazonaws.com"});
    request.headers.emplace_back("X-Amz-Date", amzDate(suiteTime));
    request.region = "us-east-1";
    request.service = "service";
    const std::string value = awsAuthorization(request, exampleCredential(), suiteTime);
    return value.substr(value.rfind('=') + 1);
}

TEST(SigV4, AgreesWithThePublishedTestSuite) {
    AwsRequest get;
    EXPECT_EQ(amzDate(suiteTime), "20150830T123600Z");
    EXPECT_EQ(signatureOf(get), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");  // get-vanilla
    get.query = {{"Param2", "value2"}, {"Param1", "value1"}};  // get-vanilla-query-order-key-case
    EXPECT_EQ(signatureOf(get), "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    const std::string unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    get.query = {{unreserved, unreserved}};  // get-vanilla-query-unreserved
    EXPECT_EQ(signatureOf(get), "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
    get.query.clear();
    get.path = "/\xe1\x88\xb4";  // get-utf8
    EXPECT_EQ(signatureOf(get), "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
    AwsRequest post;
    post.method = "POST";
    EXPECT_EQ(signatureOf(post), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");  // post-vanilla
    post.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    post.body = "Param1=value1";  // post-x-www-form-urlencoded
    EXPECT_EQ(signatureOf(post), "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

TEST(SigV4, TrimsAndJoinsHeaderValues) {
    AwsRequest get;
    get.headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}};  // get-header-value-trim
    EXPECT_EQ(signatureOf(get), "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
    get.headers = {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}};
    EXPECT_EQ(signatureOf(get), "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");  // …-key-duplicate
}

TEST(SigV4, ACredentialIsThreePartsAtMostAndNeverGuessed) {
    EXPECT_TRUE(awsCredentialFromText(Secret("AKIA1:a/b+c")));
    EXPECT_EQ(awsCredentialFromText(Secret("ASIA1:a/b+c:to:ken"))->sessionToken.reveal(), "to:ken");
    for (const char* text : {"", "AKIA1", "AKIA1:", ":secret", "AKIA 1:secret", "AKIA\n1:x"})
        EXPECT_FALSE(awsCredentialFromText(Secret(text))) << text;
}

TEST(Xml, ReadsElementsTextAndEntities) {
    const auto root =
        parseXml("<?xml version=\"1.0\"?>\n<!-- a --><a xmlns='x'><n:b>1 &lt; &#x32;&#51;</n:b><c/></a>\n");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->name, "a");
    EXPECT_EQ(root->textOf("b"), "1 < 23");
    EXPECT_TRUE(root->child("c"));
    EXPECT_FALSE(root->child("d"));
    EXPECT_EQ(xmlEscaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
}

TEST(Xml, RefusesWhatIsBrokenOrDangerous) {
    for (const char* text : {"", "<a>", "<a></b>", "<a><b></a></b>", "<a>&unknown;</a>", "<a>&#0;</a>", "<a b></a>",
                             "<a b=c></a>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a/><b/>", "text", "<a",
                             "<a b='", "<a>&#x110000;</a>", "<a></a"})
        EXPECT_FALSE(parseXml(text)) << text;
    std::string deep, end;
    for (int i = 0; i < 40; ++i) {
        deep += "<a>";
        end = "</a>" + end;
    }
    EXPECT_FALSE(parseXml(deep + end));
    std::string many = "<a>";
    for (int i = 0; i < 30'000; ++i) many += "<b/>";
    EXPECT_FALSE(parseXml(many + "</a>"));
}

std::string listOf(const std::string& sets, const std::string& end = "<IsTruncated>false</IsTruncated>") {
    return "<?xml version=\"1.0\"?><ListResourceRecordSetsResponse "
           "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
           "<ResourceRecordSets>" +
           sets + "</ResourceRecordSets>" + end + "</ListResourceRecordSetsResponse>";
}
std::string setOf(const std::string& name, const std::string& type, const std::string& value,
                  const std::string& more = "") {
    return "<ResourceRecordSet><Name>" + name + "</Name><Type>" + type + "</Type>" + more +
           "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>" + value +
           "</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>";
}
const std::string ourMark =
    setOf("_swingbridge-owner.www.shop.example.", "TXT", "&quot;swingbridge group=fg-shop epoch=4&quot;");

TEST(Route53, ReadsTheSetAndTheMarkOfExactlyTheName) {
    const auto reading = readRoute53Sets(
        www, listOf(setOf("www.shop.example.", "A", "192.0.2.1") + setOf("x.shop.example.", "A", "192.0.2.9")),
        listOf(ourMark));
    ASSERT_TRUE(reading) << reading.error().message;
    EXPECT_EQ(*reading->set, (RecordSet{60, {"192.0.2.1"}}));
    EXPECT_EQ(*reading->mark, (Mark{"fg-shop", 4}));
    EXPECT_TRUE(reading->strange.empty());
    const auto nothing = readRoute53Sets(www, listOf(""), listOf(""));
    ASSERT_TRUE(nothing);
    EXPECT_FALSE(nothing->set || nothing->mark);
}

TEST(Route53, AliasesPoliciesAndCnamesAreNotPlainSets) {
    const std::string alias =
        "<ResourceRecordSet><Name>www.shop.example.</Name><Type>A</Type><AliasTarget><DNSName>x."
        "</DNSName></AliasTarget></ResourceRecordSet>";
    EXPECT_FALSE(readRoute53Sets(www, listOf(alias), listOf(""))->strange.empty());
    EXPECT_FALSE(
        readRoute53Sets(www, listOf(setOf("www.shop.example.", "A", "192.0.2.1", "<SetIdentifier>eu</SetIdentifier>")),
                        listOf(""))
            ->strange.empty());
    EXPECT_FALSE(readRoute53Sets(www, listOf(setOf("www.shop.example.", "CNAME", "x.")), listOf(""))->strange.empty());
}

TEST(Route53, HostileListsAreErrors) {
    const auto bad = [](const std::string& set, const std::string& end = "") {
        return !readRoute53Sets(www, listOf(set, end), listOf(""));
    };
    EXPECT_TRUE(bad(setOf("www.shop.example.", "A", "not an address")));
    EXPECT_TRUE(
        bad("<ResourceRecordSet><Name>www.shop.example.</Name><Type>A</Type><TTL>60</TTL></ResourceRecordSet>"));
    EXPECT_TRUE(
        bad("<ResourceRecordSet><Name>www.shop.example.</Name><Type>A</Type><TTL>99999999999</TTL>"
            "</ResourceRecordSet>"));
    EXPECT_TRUE(bad(setOf("www.shop.example.", "A", "192.0.2.1"),
                    "<IsTruncated>true</IsTruncated><NextRecordName>www.shop.example.</NextRecordName>"))
        << "a cut list";
    EXPECT_FALSE(readRoute53Sets(www, "{}", listOf("")));
    EXPECT_FALSE(readRoute53Sets(www, "<ErrorResponse/>", listOf("")));
}

TEST(Route53, ABatchDeletesExactlyWhatWasReadAndCreates) {
    const auto seen = readRoute53Sets(www, listOf(setOf("www.shop.example.", "A", "192.0.2.1")), listOf(ourMark));
    const auto root = parseXml(route53Batch(www, *seen, wanted));
    ASSERT_TRUE(root);
    const XmlElement* changes = root->child("ChangeBatch")->child("Changes");
    ASSERT_EQ(changes->children.size(), 4u);
    std::string actions;
    for (const XmlElement& change : changes->children) actions += change.textOf("Action") + " ";
    EXPECT_EQ(actions, "DELETE CREATE DELETE CREATE ");
    const XmlElement* deleted = changes->children[0].child("ResourceRecordSet");
    EXPECT_EQ(deleted->child("ResourceRecords")->children[0].textOf("Value"), "192.0.2.1");
    EXPECT_EQ(deleted->textOf("TTL"), "60");
    EXPECT_EQ(changes->children[2].child("ResourceRecordSet")->child("ResourceRecords")->children[0].textOf("Value"),
              "\"swingbridge group=fg-shop epoch=4\"");
    EXPECT_EQ(changes->children[1].child("ResourceRecordSet")->child("ResourceRecords")->children.size(), 2u);
}

JsonObject cloudflareRecord(const std::string& id, const std::string& type, const std::string& content,
                            const std::string& name = "www.shop.example") {
    return {{"id", id}, {"type", type}, {"name", name}, {"content", content}, {"ttl", 60}, {"proxied", false}};
}
const std::string markName = "_swingbridge-owner.www.shop.example";

TEST(Cloudflare, TurnsAddressesInPlaceAndMakesTheMarkAnew) {
    const auto seen =
        readCloudflareRecords(www, {cloudflareRecord("a1", "A", "192.0.2.1")},
                              {cloudflareRecord("m1", "TXT", "\"swingbridge group=fg-shop epoch=4\"", markName)});
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(*seen->mark, (Mark{"fg-shop", 4}));
    const Json batch = cloudflareBatch(www, *seen, wanted);
    const Json& puts = batch.at("puts");
    ASSERT_EQ(puts.as_array().size(), 1u) << "never removed and added: propagation is not atomic";
    EXPECT_EQ(textAt(puts.at(0), "id"), "a1");
    EXPECT_EQ(textAt(puts.at(0), "content"), "198.51.100.1");
    ASSERT_EQ(batch.at("posts").as_array().size(), 3u) << "an address, the mark, the guard";
    EXPECT_EQ(textAt(batch.at("posts").at(0), "content"), "198.51.100.2");
    ASSERT_EQ(batch.at("deletes").as_array().size(), 1u);
    EXPECT_EQ(textAt(batch.at("deletes").at(0), "id"), "m1") << "the token that makes the batch work once only";
}

TEST(Cloudflare, SurplusAddressesAreDeletedAfterOthersStayed) {
    const auto seen = readCloudflareRecords(
        www, {cloudflareRecord("a1", "A", "192.0.2.1"), cloudflareRecord("a2", "A", "192.0.2.2")}, {});
    const Json batch = cloudflareBatch(www, *seen, {{60, {"198.51.100.1"}}, {"fg-shop", 5}});
    EXPECT_EQ(batch.at("puts").as_array().size(), 1u);
    EXPECT_EQ(textAt(batch.at("deletes").at(0), "id"), "a2");
}

TEST(Cloudflare, ProxiedRecordsCnamesAndBrokenAnswersAreSeen) {
    JsonObject proxied = cloudflareRecord("a1", "A", "192.0.2.1");
    proxied["proxied"] = true;
    EXPECT_FALSE(readCloudflareRecords(www, {proxied}, {})->strange.empty());
    EXPECT_FALSE(readCloudflareRecords(www, {cloudflareRecord("c1", "CNAME", "x.example")}, {})->strange.empty());
    EXPECT_FALSE(readCloudflareRecords(www, {cloudflareRecord("", "A", "192.0.2.1")}, {}));
    EXPECT_FALSE(readCloudflareRecords(www, {cloudflareRecord("a1", "A", "::1")}, {}));
    EXPECT_FALSE(readCloudflareRecords(www, {cloudflareRecord("a1", "A", "192.0.2.1", "other.shop.example")}, {}));
    EXPECT_FALSE(readCloudflareRecords(www, {Json("text"), Json(1)}, {}));
    EXPECT_FALSE(readCloudflareRecords(www, {}, {cloudflareRecord("m", "TXT", "v=spf1", markName)})->strange.empty());
    EXPECT_FALSE(readCloudflareRecords(www, {},
                                       {cloudflareRecord("m", "TXT", "swingbridge group=fg-a epoch=1", markName),
                                        cloudflareRecord("n", "TXT", "swingbridge group=fg-b epoch=2", markName)})
                     ->strange.empty())
        << "two marks are none";
}

JsonObject powerDnsSet(const std::string& name, const std::string& type, const std::string& content,
                       bool disabled = false) {
    return {{"name", name},
            {"type", type},
            {"ttl", 60},
            {"records", JsonArray{JsonObject{{"content", content}, {"disabled", disabled}}}}};
}

TEST(PowerDns, ReadsTheSetTheMarkAndTheSerial) {
    const auto reading =
        readPowerDnsZone(www, JsonObject{{"serial", 7},
                                         {"rrsets", JsonArray{powerDnsSet("www.shop.example.", "A", "192.0.2.1"),
                                                              powerDnsSet("_swingbridge-owner.www.shop.example.", "TXT",
                                                                          "\"swingbridge group=fg-shop epoch=4\"")}}});
    ASSERT_TRUE(reading) << reading.error().message;
    EXPECT_EQ(*reading->set, (RecordSet{60, {"192.0.2.1"}}));
    EXPECT_EQ(*reading->mark, (Mark{"fg-shop", 4}));
    EXPECT_EQ(integerAt(reading->token, "serial"), 7);
}

TEST(PowerDns, DisabledRecordsAreNotThereAndHostileZonesAreErrors) {
    const auto zone = [](Json set) { return JsonObject{{"serial", 7}, {"rrsets", JsonArray{std::move(set)}}}; };
    EXPECT_FALSE(readPowerDnsZone(www, zone(powerDnsSet("www.shop.example.", "A", "192.0.2.1", true)))->set);
    EXPECT_FALSE(readPowerDnsZone(www, zone(powerDnsSet("www.shop.example.", "LUA", "A x")))->strange.empty());
    EXPECT_FALSE(readPowerDnsZone(www, zone(powerDnsSet("www.shop.example.", "A", "nonsense"))));
    EXPECT_FALSE(readPowerDnsZone(www, zone(JsonObject{{"name", "www.shop.example."}, {"type", "A"}})));
    EXPECT_FALSE(readPowerDnsZone(
        www, zone(JsonObject{{"name", "www.shop.example."}, {"type", "A"}, {"records", JsonArray{1}}})));
    EXPECT_FALSE(readPowerDnsZone(www, JsonObject{{"serial", 7}}));
    EXPECT_FALSE(readPowerDnsZone(www, nullptr));
}

TEST(Update, PrerequisitesSayExactlyWhatWasReadAndChangesAreOneMessage) {
    Update update;
    update.zone = *dns::Name::fromText("shop.example");
    const dns::Name name = *dns::Name::fromText("www.shop.example");
    update.requireSet(name, dns::type::a, {dns::Rdata("\xc0\x00\x02\x01", 4)});
    update.requireSet(name, dns::type::txt, {});
    update.replaceSet(name, dns::type::a, 60, {"\xc6\x33\x64\x01"});
    const auto bytes = writeUpdate(7, update);
    dns::WireReader reader(bytes);
    EXPECT_EQ(reader.u16(), 7);
    EXPECT_EQ(reader.u16(), 5 << 11);
    EXPECT_EQ(reader.u16(), 1);
    EXPECT_EQ(reader.u16(), 2) << "prerequisites";
    EXPECT_EQ(reader.u16(), 2) << "the deletion and the addition";
    EXPECT_EQ(reader.u16(), 0);
    reader.plainName();
    EXPECT_EQ(reader.u16(), dns::type::soa);
    EXPECT_EQ(reader.u16(), 1);
    struct Row {
        uint16_t type, recordClass;
        uint32_t ttl;
        uint16_t length;
    };
    for (const Row& row : {Row{1, 1, 0, 4}, Row{16, 254, 0, 0}, Row{1, 255, 0, 0}, Row{1, 1, 60, 4}}) {
        reader.plainName();
        EXPECT_EQ(reader.u16(), row.type);
        EXPECT_EQ(reader.u16(), row.recordClass);
        EXPECT_EQ(reader.u32(), row.ttl);
        const uint16_t length = reader.u16();
        EXPECT_EQ(length, row.length);
        reader.bytes(length);
    }
    EXPECT_TRUE(reader.ok() && reader.atEnd());
}

std::vector<uint8_t> updateReply(uint16_t id, uint16_t flags) {
    return {static_cast<uint8_t>(id >> 8),
            static_cast<uint8_t>(id),
            static_cast<uint8_t>(flags >> 8),
            static_cast<uint8_t>(flags),
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0};
}

TEST(Update, EveryReplyMeansDoneNotDoneOrUnknown) {
    const auto meaning = [](uint16_t rcode) {
        const auto read = readUpdateReply(updateReply(7, 0xa800 | rcode), 7, "server");
        return read ? ErrorCode::InvalidInput : read.error().code;
    };
    EXPECT_TRUE(readUpdateReply(updateReply(7, 0xa800), 7, "server"));
    EXPECT_EQ(meaning(1), ErrorCode::NotDone);
    EXPECT_EQ(meaning(2), ErrorCode::OutcomeUnknown) << "SERVFAIL";
    EXPECT_EQ(meaning(4), ErrorCode::NotDone);
    EXPECT_EQ(meaning(5), ErrorCode::Forbidden);
    for (const uint16_t rcode : {3, 6, 7, 8}) EXPECT_EQ(meaning(rcode), ErrorCode::Conflict) << rcode;
    EXPECT_EQ(meaning(9), ErrorCode::Unauthenticated);
    EXPECT_EQ(meaning(10), ErrorCode::NotDone);
    for (uint16_t rcode = 11; rcode < 16; ++rcode) EXPECT_EQ(meaning(rcode), ErrorCode::OutcomeUnknown) << rcode;
}

TEST(Update, WhatIsNotTheReplyLeavesTheOutcomeUnknown) {
    const auto unknown = [](const std::vector<uint8_t>& bytes) {
        const auto read = readUpdateReply(bytes, 7, "server");
        return !read && read.error().code == ErrorCode::OutcomeUnknown;
    };
    EXPECT_TRUE(unknown({}));
    EXPECT_TRUE(unknown({0, 7, 0xa8}));
    EXPECT_TRUE(unknown(updateReply(8, 0xa800))) << "another id";
    EXPECT_TRUE(unknown(updateReply(7, 0x8000))) << "a reply to a query";
    EXPECT_TRUE(unknown(updateReply(7, 0x2800))) << "no reply at all";
    auto cut = updateReply(7, 0xa800);
    cut[11] = 1;
    EXPECT_TRUE(unknown(cut)) << "a record that is not there";
}

TEST(Update, AKeyIsReadAsNsupdateTakesIt) {
    const auto key = updateKeyFromText("hmac-sha512:swing.:c2VjcmV0IQ==");
    ASSERT_TRUE(key);
    EXPECT_EQ(key->algorithm, "hmac-sha512");
    EXPECT_EQ(key->name, "swing.");
    EXPECT_EQ(key->secret, "secret!");
    EXPECT_EQ(updateKeyFromText("swing:c2VjcmV0ISE=")->algorithm, "hmac-sha256");
    EXPECT_EQ(updateKeyFromText("swing:c2VjcmV0ISE=")->secret, "secret!!");
    for (const char* text : {"", "swing", "swing:", ":c2VjcmV0", "swing:c2VjcmV", "swing:****"})
        EXPECT_FALSE(updateKeyFromText(text)) << text;
}

TEST(Texts, QuotedStringsAreJoined) {
    EXPECT_EQ(unquoted("\"ab\" \"c\\\"d\""), "abc\"d");
    EXPECT_EQ(unquoted("plain"), "plain");
    EXPECT_EQ(unquoted(quoted("a\"b\\c")), "a\"b\\c");
}

}  // namespace
}  // namespace swb::publication
