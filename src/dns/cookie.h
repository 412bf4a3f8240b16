// DNS cookies (RFC 7873) in the form all servers agree on (RFC 9018, version 1).
//
// A client that shows a cookie this server made has shown that it is at the address it claims: it is never rate
// limited. A cookie is the time it was made and SipHash-2-4 over it, the client's own cookie and its address; nothing
// is stored for it.
//
// Secrets roll once a day by themselves. Every name server that has the same CookieKey derives the same secret for the
// same day, and a cookie names its day by its time, so old and new secrets overlap exactly as long as cookies live and
// servers need not talk to each other. A second key is for a change of the key: the first makes, both accept.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dns/address.h"

namespace swb::dns {

constexpr size_t clientCookieBytes = 8;
constexpr size_t serverCookieBytes = 16;
// What RFC 7873 §4 lets any server cookie be; ours is one length of these.
constexpr size_t serverCookieBytesMin = 8, serverCookieBytesMax = 32;
constexpr size_t cookieKeysMax = 2;

using ClientCookie = std::span<const uint8_t, clientCookieBytes>;
using ServerCookie = std::array<uint8_t, serverCookieBytes>;
using CookieSecret = std::array<uint8_t, 16>;  // of one day
using CookieKey = std::array<uint8_t, 32>;     // what the days' secrets are derived from

CookieKey randomCookieKey();

// Times are in seconds since 1970, modulo 2^32, as in the cookie (RFC 9018 §4.3).
ServerCookie makeServerCookie(ClientCookie client, const IpAddress& address, uint32_t time, const CookieSecret& secret);
// Whether the secret made this cookie, at whatever time; takes the same time for every cookie.
bool isMadeWith(const CookieSecret& secret, ClientCookie client, std::span<const uint8_t> server,
                const IpAddress& address);

// The secrets of yesterday, today and tomorrow.
class CookieSecrets {
  public:
    // Precondition: 1 to cookieKeysMax keys.
    static CookieSecrets derive(std::span<const CookieKey> keys, uint32_t time);

    // False when it is time to derive again.
    bool isFor(uint32_t time) const;
    ServerCookie make(ClientCookie client, const IpAddress& address, uint32_t time) const;

    enum class Verdict : uint8_t { fresh, old, invalid };  // old: still valid, to be replaced
    Verdict check(ClientCookie client, std::span<const uint8_t> server, const IpAddress& address, uint32_t time) const;

  private:
    static constexpr size_t daysKept = 3;

    const CookieSecret* secretOf(size_t key, uint32_t time) const;

    uint32_t firstDay_ = 0;
    size_t keyCount_ = 0;
    std::array<std::array<CookieSecret, daysKept>, cookieKeysMax> secrets_{};
};

}  // namespace swb::dns
