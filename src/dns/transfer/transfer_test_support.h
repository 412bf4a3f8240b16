// Zones with a history, and requests as secondaries send them.
#pragma once

#include <gtest/gtest.h>

#include "dns/dns_test_support.h"
#include "dns/transfer/peer_desk.h"

namespace swb::dns::transfer::test {

using namespace swb::dns::test;

inline Name keyName() {
    return name("xfer-key.example");
}

inline TsigKey transferKey(std::string_view secret = "a secret of thirty-two octets!!!") {
    return {keyName(), TsigAlgorithm::hmacSha256, Secret(std::string(secret))};
}

// An IXFR query: the SOA that the client has stands in the authority section.
inline Bytes ixfrQuery(std::string_view origin, uint32_t serial) {
    Bytes bytes = query(origin, type::ixfr);
    bytes[9] = 1;
    appendName(bytes, name(origin));
    append16(bytes, type::soa);
    append16(bytes, recordClass::internet);
    append16(bytes, 0);
    append16(bytes, 0);
    append16(bytes, 22);
    append16(bytes, 0);  // two root names
    append16(bytes, serial >> 16);
    append16(bytes, serial & 0xffff);
    for (int i = 0; i < 8; ++i) append16(bytes, 0);
    return bytes;
}

inline Bytes signedQuery(TsigSigner& signer, Bytes message, UnixSeconds now) {
    const size_t length = message.size();
    message.resize(length + signer.recordBytes());
    message.resize(signer.sign(message, length, now));
    return message;
}

// Every message of a stream or the one reply, as parsed.
struct Received {
    std::vector<Bytes> messages;
    std::vector<Response> responses;
    std::vector<std::string> lines;  // of all answer sections
    uint16_t rcode = 0;
};

}  // namespace swb::dns::transfer::test
