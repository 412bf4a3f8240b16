#include "dns/rate_limit.h"

#include <gtest/gtest.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

using Kind = RateLimiter::Kind;
using Verdict = RateLimiter::Verdict;

struct Counts {
    int sent = 0, truncated = 0, dropped = 0;
    bool operator==(const Counts&) const = default;
};

Counts ask(RateLimiter& limiter, std::string_view client, int times, int64_t nowMs, Kind kind = Kind::data) {
    Counts counts;
    for (int i = 0; i < times; ++i) {
        const Verdict verdict = limiter.count(address(client), kind, nowMs);
        ++(verdict == Verdict::send ? counts.sent : verdict == Verdict::truncate ? counts.truncated : counts.dropped);
    }
    return counts;
}

TEST(DnsRateLimit, OneSecondsAllowanceThenEverySecondOneSlips) {
    RateLimiter limiter({.answersPerSecond = 100}, 7);
    EXPECT_EQ(ask(limiter, "192.0.2.1", 150, 1000), (Counts{100, 25, 25}));
    EXPECT_EQ(ask(limiter, "192.0.2.1", 15, 1100), (Counts{10, 2, 3})) << "a tenth of a second gives ten more";
    EXPECT_EQ(ask(limiter, "192.0.2.1", 200, 60'000).sent, 100) << "what is saved is never more than a second's";
    EXPECT_EQ(limiter.overLimit(), 50u + 5u + 100u);
}

TEST(DnsRateLimit, NetworksAndKindsHaveTheirOwn) {
    RateLimiter limiter({.answersPerSecond = 10}, 7);
    EXPECT_EQ(ask(limiter, "192.0.2.1", 10, 1000).sent, 10);
    EXPECT_EQ(ask(limiter, "192.0.2.254", 10, 1000).sent, 0) << "the same /24";
    EXPECT_EQ(ask(limiter, "192.0.3.1", 10, 1000).sent, 10) << "the next /24";
    EXPECT_EQ(ask(limiter, "192.0.2.1", 10, 1000, Kind::noName).sent, 10) << "another kind of answer";
    EXPECT_EQ(ask(limiter, "2001:db8:0:ab00::1", 10, 1000).sent, 10);
    EXPECT_EQ(ask(limiter, "2001:db8:0:abff:1::9", 10, 1000).sent, 0) << "the same /56";
    EXPECT_EQ(ask(limiter, "2001:db8:0:ac00::1", 10, 1000).sent, 10) << "the next /56";
}

TEST(DnsRateLimit, SlipSettings) {
    RateLimiter none({.answersPerSecond = 1, .slip = 0}, 7);
    EXPECT_EQ(ask(none, "192.0.2.1", 101, 1000), (Counts{1, 0, 100}));
    RateLimiter all({.answersPerSecond = 1, .slip = 1}, 7);
    EXPECT_EQ(ask(all, "192.0.2.1", 101, 1000), (Counts{1, 100, 0}));
    RateLimiter off({.answersPerSecond = 0}, 7);
    EXPECT_EQ(ask(off, "192.0.2.1", 1000, 1000).sent, 1000);
}

TEST(DnsRateLimit, AFullTableForgetsTheOldest) {
    RateLimiter limiter({.answersPerSecond = 1, .tableRows = 1}, 7);
    EXPECT_EQ(ask(limiter, "192.0.2.1", 2, 1000).sent, 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(limiter, "198.51." + std::to_string(i) + ".1", 1, 1001 + i).sent, 1);
    EXPECT_EQ(ask(limiter, "192.0.2.1", 1, 1005).sent, 0) << "four networks fit";
    EXPECT_EQ(ask(limiter, "198.51.77.1", 1, 1006).sent, 1) << "a fifth takes the place of the longest unseen";
    EXPECT_EQ(ask(limiter, "192.0.2.1", 1, 1007).sent, 0) << "which was not this one";
    EXPECT_EQ(ask(limiter, "198.51.0.1", 1, 1008).sent, 1) << "but this one";
}

TEST(DnsRateLimit, AnswersOverUdpWithoutAValidCookie) {
    const CookieKey key = randomCookieKey();
    const CookieSecrets secrets = CookieSecrets::derive({&key, 1}, 1'000'000);
    RateLimiter limiter({.answersPerSecond = 1}, 7);
    AnswerContext context;
    context.client = address("192.0.2.1");
    context.limiter = &limiter;
    context.cookies = &secrets;
    context.unixSeconds = 1'000'000;
    context.monotonicMs = 5000;
    const Bytes asked = query("shop.fo.example", type::a);
    EXPECT_EQ(answered(asked, context).answers.size(), 1u);
    EXPECT_TRUE(reply(asked, context).empty()) << "dropped";
    const Response slipped = answered(asked, context);
    EXPECT_TRUE(slipped.isTruncated());
    EXPECT_TRUE(slipped.answers.empty());

    const Bytes client = fromHex("0102030405060708");
    const Response hello = answered(query("fo.example", 1, {Edns{.options = ednsOption(option::cookie, client)}}), [&] {
        AnswerContext first = context;
        first.limiter = nullptr;
        return first;
    }());
    const Edns known{.options = ednsOption(option::cookie, *optionOf(hello, option::cookie))};
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(answered(query("shop.fo.example", type::a, {known}), context).answers.size(), 1u);
    context.client = address("192.0.2.2");
    EXPECT_TRUE(reply(query("shop.fo.example", type::a, {known}), context).empty()) << "somebody else's cookie";
    context.transport = Transport::tcp;
    for (int i = 0; i < 20; ++i) EXPECT_EQ(answered(asked, context).answers.size(), 1u);
}

}  // namespace
}  // namespace swb::dns::test
