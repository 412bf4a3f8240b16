// The answer path takes no memory: measured, not believed.
#include "dns/answer.h"
#include "dns/dns_test_support.h"
#include "dns/signed_test_zone.h"

// Of this thread, counted in allocation_counter_test.cpp.
size_t allocationCount();

namespace swb::dns::test {
namespace {

TEST(DnsAnswer, TakesNoMemory) {
    const auto signedZone = formallySigned(*exampleZone());
    ASSERT_TRUE(signedZone) << describe(signedZone.error());
    const std::array<ZoneSet, 2> both = {ZoneSet({exampleZone()}), ZoneSet({*signedZone})};
    std::vector<Bytes> queries;
    // Every option this server knows, and one that it does not.
    Bytes all;
    for (const Bytes& one : {ednsOption(option::cookie, fromHex("2464c4abcf10c957010000005cf79f111f8130c3eee29480")),
                             ednsOption(option::nsid), ednsOption(option::expire), ednsOption(option::zoneVersion),
                             ednsOption(100, {1, 2, 3})})
        all.insert(all.end(), one.begin(), one.end());
    const CookieKey key = randomCookieKey();
    const CookieSecrets secrets = CookieSecrets::derive({&key, 1}, 1559731985);
    RateLimiter limiter({.answersPerSecond = 1'000'000}, 1);
    AnswerContext context;
    context.unixSeconds = 1559731985;
    context.cookies = &secrets;
    context.limiter = &limiter;
    context.nsid = "ns1";
    ZoneFreshness freshness({name("fo.example")});
    freshness.setStale(name("fo.example"), true);
    context.freshness = &freshness;
    for (const char* owner : {"fo.example", "shop.fo.example", "www.fo.example", "nothere.fo.example",
                              "x.sub.fo.example", "any.wild.fo.example", "big.fo.example", "other.example"})
        for (const uint16_t asked : {type::a, type::ns, type::soa, type::txt, type::any})
            for (const Bytes& options : {Bytes(), all})
                for (const uint16_t flags : {uint16_t{0}, ednsDnssecOk})
                    queries.push_back(query(owner, asked, {Edns{.flags = flags, .options = options}}));
    Bytes out(messageBytesMax);
    const size_t before = allocationCount();
    size_t total = 0;
    for (const Transport transport : {Transport::udp, Transport::tcp})
        for (const ZoneSet& zones : both) {
            context.transport = transport;
            for (const Bytes& bytes : queries) total += answer(bytes, context, zones, out);
        }
    EXPECT_EQ(allocationCount(), before);
    EXPECT_GT(total, 0u);
    const auto counted = std::make_unique<int>(1);
    EXPECT_EQ(allocationCount(), before + 1) << "the counter counts";
}

}  // namespace
}  // namespace swb::dns::test
