// What the options of a query do to the answer.
#include "dns/edns.h"

#include <gmock/gmock.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

constexpr uint32_t now = 1'700'000'000;

class DnsEdns : public testing::Test {
  protected:
    DnsEdns() {
        context_.client = address("192.0.2.1");
        context_.unixSeconds = now;
        context_.cookies = &secrets_;
        context_.nsid = "node-7";
    }
    Response ask(const Bytes& options, std::string_view owner = "fo.example", uint16_t asked = type::soa) {
        return answered(query(owner, asked, {Edns{.options = options}}), context_);
    }
    // A query without a question.
    Response askNothing(const Bytes& options, uint8_t version = 0) {
        Bytes bytes = {0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        appendOpt(bytes, Edns{.version = version, .options = options});
        return answered(bytes, context_);
    }

    const CookieKey key_ = randomCookieKey();
    const CookieSecrets secrets_ = CookieSecrets::derive({&key_, 1}, now);
    const Bytes client_ = fromHex("2464c4abcf10c957");
    AnswerContext context_;
};

Bytes joined(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

TEST_F(DnsEdns, ACookieIsGivenKeptAndRenewed) {
    const Bytes first = *optionOf(ask(ednsOption(option::cookie, client_)), option::cookie);
    ASSERT_EQ(first.size(), 24u);
    EXPECT_TRUE(std::equal(client_.begin(), client_.end(), first.begin()));
    context_.unixSeconds = now + 100;
    EXPECT_EQ(optionOf(ask(ednsOption(option::cookie, first)), option::cookie), first);
    context_.unixSeconds = now + 2000;
    const Bytes renewed = *optionOf(ask(ednsOption(option::cookie, first)), option::cookie);
    EXPECT_NE(renewed, first);
    context_.unixSeconds = now + 4000;
    const Response late = ask(ednsOption(option::cookie, first));
    EXPECT_EQ(late.rcode, rcode::noError) << "an old cookie costs only the privileges";
    EXPECT_NE(optionOf(late, option::cookie), first);
    EXPECT_EQ(optionOf(ask(ednsOption(option::cookie, renewed)), option::cookie)->size(), 24u);
}

TEST_F(DnsEdns, CookieLengths) {
    for (size_t length = 0; length <= 48; ++length) {
        const bool valid = length == 8 || (length >= 16 && length <= 40);
        const Response response = ask(ednsOption(option::cookie, Bytes(length, 7)));
        EXPECT_EQ(response.rcode, valid ? rcode::noError : rcode::formatError) << length;
        EXPECT_EQ(optionOf(response, option::cookie).has_value(), valid) << length;
    }
    EXPECT_EQ(ask(joined(ednsOption(option::cookie, client_), ednsOption(option::cookie, Bytes(8, 1)))).rcode,
              rcode::noError);
}

TEST_F(DnsEdns, ACookieWithoutAQuestion) {
    const Response first = askNothing(ednsOption(option::cookie, client_));
    EXPECT_EQ(first.rcode, rcode::noError);
    EXPECT_FALSE(first.isAuthoritative());
    const Bytes cookie = *optionOf(first, option::cookie);
    EXPECT_EQ(askNothing(ednsOption(option::cookie, cookie)).rcode, rcode::noError);
    const Response wrong = askNothing(ednsOption(option::cookie, Bytes(24, 9)));
    EXPECT_EQ(wrong.rcode, rcode::badCookie);
    EXPECT_EQ(optionOf(wrong, option::cookie)->size(), 24u);
    EXPECT_EQ(askNothing({}).rcode, rcode::formatError);
    EXPECT_EQ(askNothing(ednsOption(option::cookie, client_), 1).rcode, rcode::badVersion);
    context_.cookies = nullptr;
    EXPECT_EQ(askNothing(ednsOption(option::cookie, client_)).rcode, rcode::formatError);
    EXPECT_FALSE(optionOf(ask(ednsOption(option::cookie, client_)), option::cookie));
}

TEST_F(DnsEdns, TheServersIdentifierOnlyWhenAsked) {
    EXPECT_EQ(optionOf(ask(ednsOption(option::nsid)), option::nsid), (Bytes{'n', 'o', 'd', 'e', '-', '7'}));
    EXPECT_FALSE(optionOf(ask({}), option::nsid));
    EXPECT_TRUE(optionOf(ask(ednsOption(option::nsid), "other.example"), option::nsid)) << "in a refusal as well";
    context_.nsid = {};
    EXPECT_FALSE(optionOf(ask(ednsOption(option::nsid)), option::nsid));
}

TEST_F(DnsEdns, TheZonesVersion) {
    const Bytes wanted = {2, 0, 0, 0, 0, 7};  // two labels, SOA serial, 7
    EXPECT_EQ(optionOf(ask(ednsOption(option::zoneVersion), "shop.fo.example", type::a), option::zoneVersion), wanted);
    EXPECT_EQ(optionOf(ask(ednsOption(option::zoneVersion), "nothere.fo.example"), option::zoneVersion), wanted);
    EXPECT_FALSE(optionOf(ask(ednsOption(option::zoneVersion), "other.example"), option::zoneVersion));
    EXPECT_FALSE(optionOf(ask({}), option::zoneVersion));
    EXPECT_EQ(ask(ednsOption(option::zoneVersion, {0})).rcode, rcode::formatError);
}

TEST_F(DnsEdns, TheZonesExpiryInAnswersAboutTheSoa) {
    EXPECT_EQ(optionOf(ask(ednsOption(option::expire)), option::expire), fromHex("00127500"));
    EXPECT_FALSE(optionOf(ask(ednsOption(option::expire), "shop.fo.example", type::a), option::expire));
    EXPECT_FALSE(optionOf(ask(ednsOption(option::expire), "other.example"), option::expire));
}

TEST_F(DnsEdns, TheExpiryOfAZoneFromAPrimaryRunsDown) {
    ZoneFreshness freshness({name("other.example"), name("fo.example"), name("z.fo.example")});
    context_.freshness = &freshness;
    context_.monotonicMs = 100'000'000;
    const auto left = [&] { return optionOf(ask(ednsOption(option::expire)), option::expire); };
    freshness.confirmed(name("FO.example"), context_.monotonicMs);
    EXPECT_EQ(left(), fromHex("00127500"));
    freshness.confirmed(name("fo.example"), context_.monotonicMs - 10'000'999);
    EXPECT_EQ(left(), fromHex("00124df0")) << "10,000 s less";
    freshness.confirmed(name("fo.example"), context_.monotonicMs - 2'000'000'000);
    EXPECT_EQ(left(), fromHex("00000000"));
}

TEST_F(DnsEdns, OnlyAStaleZoneIsCalledStale) {
    ZoneFreshness freshness({name("fo.example"), name("other.example")});
    context_.freshness = &freshness;
    const auto said = [&] { return optionOf(ask({}, "shop.fo.example", type::a), option::extendedError); };
    freshness.setStale(name("other.example"), true);
    EXPECT_FALSE(said());
    freshness.setStale(name("fo.example"), true);
    EXPECT_EQ(said(), fromHex("0003"));
    freshness.setStale(name("fo.example"), false);
    EXPECT_FALSE(said());
}

TEST_F(DnsEdns, ExtendedErrors) {
    EXPECT_EQ(optionOf(ask({}, "other.example"), option::extendedError), fromHex("0014"));
    EXPECT_EQ(optionOf(ask({}, "fo.example", type::axfr), option::extendedError), fromHex("0012"));
    EXPECT_FALSE(optionOf(ask({}), option::extendedError));
    context_.zoneIsStale = true;
    const Response stale = ask({}, "shop.fo.example", type::a);
    EXPECT_EQ(optionOf(stale, option::extendedError), fromHex("0003"));
    EXPECT_EQ(stale.answers.size(), 1u) << "and answered all the same";
    EXPECT_EQ(optOf(answered(query("other.example", type::a), context_)), nullptr) << "only to clients with EDNS";
}

TEST_F(DnsEdns, AllOptionsAtOnceLeaveTheRecordsTheirRoom) {
    Bytes options;
    for (const uint16_t code : {option::nsid, option::expire, option::zoneVersion, uint16_t{100}})
        options = joined(options, ednsOption(code));
    options = joined(options, ednsOption(option::cookie, client_));
    const Response response = ask(options);
    EXPECT_EQ(response.answers.size(), 1u);
    EXPECT_FALSE(response.isTruncated());
    for (const uint16_t code : {option::nsid, option::expire, option::zoneVersion, option::cookie})
        EXPECT_TRUE(optionOf(response, code)) << code;
    EXPECT_FALSE(optionOf(response, 100));
    const Bytes cut = reply(query("big.fo.example", type::txt, {Edns{.udpBytes = 512, .options = options}}), context_);
    EXPECT_LE(cut.size(), 512u);
    EXPECT_TRUE(optionOf(*parseResponse(cut), option::cookie)) << "a truncated reply keeps its OPT record";
}

}  // namespace
}  // namespace swb::dns::test
