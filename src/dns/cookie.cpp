#include "dns/cookie.h"

#include <sodium.h>

#include <cstring>

#include "base/assert.h"

namespace swb::dns {
namespace {

constexpr uint8_t cookieVersion = 1;
constexpr size_t signedBytes = 8;  // of the server cookie: version, reserved octets, time; the hash follows
constexpr size_t timeOffset = 4;
constexpr uint32_t daySeconds = 86'400;
constexpr int32_t lifeSeconds = 3'600;   // RFC 9018 §4.3: older ones are invalid,
constexpr int32_t renewSeconds = 1'800;  // and these are to be replaced
constexpr int32_t aheadSeconds = 300;    // clocks of name servers differ by less

static_assert(sizeof(CookieSecret) == crypto_shorthash_siphash24_KEYBYTES);

uint32_t timeIn(std::span<const uint8_t> cookie) {
    return static_cast<uint32_t>(cookie[timeOffset]) << 24 | static_cast<uint32_t>(cookie[timeOffset + 1]) << 16 |
           static_cast<uint32_t>(cookie[timeOffset + 2]) << 8 | cookie[timeOffset + 3];
}

// Over what stands before the hash, reserved octets as they are (RFC 9018 §4.4).
void hashInto(uint8_t* hash, ClientCookie client, std::span<const uint8_t> cookie, const IpAddress& address,
              const CookieSecret& secret) {
    std::array<uint8_t, clientCookieBytes + signedBytes + 16> input;
    const std::string_view octets = address.wire();
    std::memcpy(input.data(), client.data(), clientCookieBytes);
    std::memcpy(input.data() + clientCookieBytes, cookie.data(), signedBytes);
    std::memcpy(input.data() + clientCookieBytes + signedBytes, octets.data(), octets.size());
    crypto_shorthash_siphash24(hash, input.data(), clientCookieBytes + signedBytes + octets.size(), secret.data());
}

}  // namespace

CookieKey randomCookieKey() {
    CookieKey key;
    randombytes_buf(key.data(), key.size());
    return key;
}

ServerCookie makeServerCookie(ClientCookie client, const IpAddress& address, uint32_t time,
                              const CookieSecret& secret) {
    ServerCookie cookie{};
    cookie[0] = cookieVersion;
    for (size_t i = 0; i < 4; ++i) cookie[timeOffset + i] = static_cast<uint8_t>(time >> (24 - 8 * i));
    hashInto(cookie.data() + signedBytes, client, cookie, address, secret);
    return cookie;
}

bool isMadeWith(const CookieSecret& secret, ClientCookie client, std::span<const uint8_t> server,
                const IpAddress& address) {
    if (server.size() != serverCookieBytes || server[0] != cookieVersion) return false;
    std::array<uint8_t, crypto_shorthash_siphash24_BYTES> hash;
    hashInto(hash.data(), client, server, address, secret);
    return sodium_memcmp(hash.data(), server.data() + signedBytes, hash.size()) == 0;
}

CookieSecrets CookieSecrets::derive(std::span<const CookieKey> keys, uint32_t time) {
    SWB_ASSERT(!keys.empty() && keys.size() <= cookieKeysMax, "cookies are made with one key or two");
    CookieSecrets secrets;
    secrets.keyCount_ = keys.size();
    const uint32_t today = time / daySeconds;
    secrets.firstDay_ = today == 0 ? 0 : today - 1;
    for (size_t key = 0; key < keys.size(); ++key)
        for (size_t i = 0; i < daysKept; ++i) {
            const uint32_t day = secrets.firstDay_ + static_cast<uint32_t>(i);
            const std::array<uint8_t, 4> input = {static_cast<uint8_t>(day >> 24), static_cast<uint8_t>(day >> 16),
                                                  static_cast<uint8_t>(day >> 8), static_cast<uint8_t>(day)};
            CookieSecret& secret = secrets.secrets_[key][i];
            crypto_generichash(secret.data(), secret.size(), input.data(), input.size(), keys[key].data(),
                               keys[key].size());
        }
    return secrets;
}

bool CookieSecrets::isFor(uint32_t time) const {
    const uint32_t today = time / daySeconds;
    return keyCount_ > 0 && (today == 0 ? 0 : today - 1) == firstDay_;
}

ServerCookie CookieSecrets::make(ClientCookie client, const IpAddress& address, uint32_t time) const {
    const CookieSecret* secret = secretOf(0, time);
    SWB_ASSERT(secret, "the secrets are those of the day");
    return makeServerCookie(client, address, time, *secret);
}

CookieSecrets::Verdict CookieSecrets::check(ClientCookie client, std::span<const uint8_t> server,
                                            const IpAddress& address, uint32_t time) const {
    if (server.size() != serverCookieBytes) return Verdict::invalid;
    const uint32_t made = timeIn(server);
    const auto age = static_cast<int32_t>(time - made);  // serial number arithmetic
    if (age > lifeSeconds || age < -aheadSeconds) return Verdict::invalid;
    for (size_t key = 0; key < keyCount_; ++key) {
        const CookieSecret* secret = secretOf(key, made);
        if (!secret || !isMadeWith(*secret, client, server, address)) continue;
        // A cookie of a key on its way out is replaced as well.
        return age > renewSeconds || key > 0 ? Verdict::old : Verdict::fresh;
    }
    return Verdict::invalid;
}

const CookieSecret* CookieSecrets::secretOf(size_t key, uint32_t time) const {
    const uint32_t index = time / daySeconds - firstDay_;
    return index < daysKept ? &secrets_[key][index] : nullptr;
}

}  // namespace swb::dns
