#include "dns/cookie.h"

#include <gmock/gmock.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

using Verdict = CookieSecrets::Verdict;

struct Cookie {
    Bytes client, server;
};

Cookie split(std::string_view text) {
    const Bytes bytes = fromHex(text);
    return {Bytes(bytes.begin(), bytes.begin() + 8), Bytes(bytes.begin() + 8, bytes.end())};
}

ClientCookie clientOf(const Bytes& bytes) {
    return ClientCookie(bytes.data(), clientCookieBytes);
}

CookieSecret secretOf(std::string_view text) {
    CookieSecret secret;
    const Bytes bytes = fromHex(text);
    std::copy(bytes.begin(), bytes.end(), secret.begin());
    return secret;
}

// The test vectors of RFC 9018, appendix A.
struct Vector {
    const char* secret;
    const char* address;
    uint32_t time;
    const char* cookie;
};
const Vector vectors[] = {
    {"e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", 1559731985,
     "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
    {"e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", 1559734385,
     "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
    {"e5e973e5a6b2a43f48e7dc849e37bfcf", "203.0.113.203", 1559734700,
     "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
    {"445536bcd2513298075a5d379663c962", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
     "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
};

TEST(DnsCookie, IsWhatRfc9018Publishes) {
    for (const Vector& vector : vectors) {
        const Cookie cookie = split(vector.cookie);
        const ServerCookie made =
            makeServerCookie(clientOf(cookie.client), address(vector.address), vector.time, secretOf(vector.secret));
        EXPECT_EQ(Bytes(made.begin(), made.end()), cookie.server) << vector.cookie;
    }
}

TEST(DnsCookie, AcceptsWhatRfc9018Accepts) {
    const Cookie reserved = split("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
    const CookieSecret first = secretOf("e5e973e5a6b2a43f48e7dc849e37bfcf");
    EXPECT_TRUE(isMadeWith(first, clientOf(reserved.client), reserved.server, address("203.0.113.203")));
    EXPECT_FALSE(isMadeWith(first, clientOf(reserved.client), reserved.server, address("203.0.113.204")));

    const Cookie rolled = split("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
    const IpAddress client = address("2001:db8:220:1:59de:d0f4:8769:82b8");
    EXPECT_TRUE(
        isMadeWith(secretOf("dd3bdf9344b678b185a6f5cb60fca715"), clientOf(rolled.client), rolled.server, client));
    EXPECT_FALSE(
        isMadeWith(secretOf("445536bcd2513298075a5d379663c962"), clientOf(rolled.client), rolled.server, client));
}

class Secrets : public testing::Test {
  protected:
    static constexpr uint32_t noon = 86'400 * 20'000 + 43'200;

    Verdict check(const ServerCookie& cookie, uint32_t now, std::span<const CookieKey> keys) {
        return CookieSecrets::derive(keys, now).check(client_, cookie, address_, now);
    }
    ServerCookie make(uint32_t time, std::span<const CookieKey> keys) {
        return CookieSecrets::derive(keys, time).make(client_, address_, time);
    }
    Verdict check(const ServerCookie& cookie, uint32_t now) { return check(cookie, now, {&key_, 1}); }
    ServerCookie make(uint32_t time) { return make(time, {&key_, 1}); }

    const CookieKey key_ = randomCookieKey();
    const Bytes clientBytes_ = fromHex("0102030405060708");
    const ClientCookie client_ = clientOf(clientBytes_);
    const IpAddress address_ = address("192.0.2.1");
};

TEST_F(Secrets, TimeRules) {
    const ServerCookie cookie = make(noon);
    EXPECT_EQ(check(cookie, noon), Verdict::fresh);
    EXPECT_EQ(check(cookie, noon + 1800), Verdict::fresh);
    EXPECT_EQ(check(cookie, noon + 1801), Verdict::old);
    EXPECT_EQ(check(cookie, noon + 3600), Verdict::old);
    EXPECT_EQ(check(cookie, noon + 3601), Verdict::invalid);
    EXPECT_EQ(check(cookie, noon - 300), Verdict::fresh) << "another server's clock is ahead";
    EXPECT_EQ(check(cookie, noon - 301), Verdict::invalid);
}

TEST_F(Secrets, OverlapAtMidnight) {
    const uint32_t midnight = noon + 43'200;
    const ServerCookie before = make(midnight - 10);
    const ServerCookie after = make(midnight + 10);
    EXPECT_EQ(check(before, midnight + 20), Verdict::fresh);
    EXPECT_EQ(check(before, midnight + 3500), Verdict::old);
    EXPECT_EQ(check(after, midnight - 20), Verdict::fresh) << "a server whose clock is behind";
    const CookieSecrets secrets = CookieSecrets::derive({&key_, 1}, noon);
    EXPECT_TRUE(secrets.isFor(midnight - 1));
    EXPECT_FALSE(secrets.isFor(midnight));
    EXPECT_FALSE(CookieSecrets().isFor(noon));
    // The secret has changed with the day: the same input gives another hash.
    ServerCookie forged = make(midnight - 1);
    forged[7] = static_cast<uint8_t>(forged[7] + 1);
    EXPECT_EQ(check(forged, midnight), Verdict::invalid);
}

TEST_F(Secrets, SharedAndChangedKeys) {
    const CookieKey other = randomCookieKey();
    EXPECT_EQ(check(make(noon), noon, {&other, 1}), Verdict::invalid);
    const std::array<CookieKey, 2> changing = {other, key_};
    EXPECT_EQ(check(make(noon), noon, changing), Verdict::old) << "accepted, and replaced by one of the new key";
    EXPECT_EQ(check(make(noon, changing), noon, {&other, 1}), Verdict::fresh) << "the first key makes";
}

TEST_F(Secrets, EveryChangedBitIsNoticed) {
    const ServerCookie cookie = make(noon);
    for (size_t bit = 0; bit < cookie.size() * 8; ++bit) {
        ServerCookie changed = cookie;
        changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        EXPECT_EQ(check(changed, noon), Verdict::invalid) << bit;
    }
    Bytes longer(cookie.begin(), cookie.end());
    longer.push_back(0);
    EXPECT_EQ(CookieSecrets::derive({&key_, 1}, noon).check(client_, longer, address_, noon), Verdict::invalid);
}

}  // namespace
}  // namespace swb::dns::test
