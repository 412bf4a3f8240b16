// Zones with a history, and requests as secondaries send them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "dns/dns_test_support.h"
#include "dns/server.h"
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

// A zone with one group, "shop", at this serial and epoch.
inline ZonePointer smallZone(std::string_view origin, uint32_t serial, int64_t epoch = 1,
                             std::string_view shop = "203.0.113.10", uint32_t expireSeconds = 1'209'600) {
    ZoneDefinition zone;
    zone.origin = name(origin);
    zone.serial = serial;
    zone.expireSeconds = expireSeconds;
    zone.nameServers = {{name("ns1." + std::string(origin)), {address("192.0.2.1")}}};
    zone.addresses = {{"shop", epoch, name("shop." + std::string(origin)), 300, {address(shop)}}};
    return build(std::move(zone));
}

template <typename Condition>
bool eventually(Condition condition, int64_t ms = 10'000) {
    const SystemClock clock;
    for (const MonotonicMs deadline = clock.monotonic() + ms; clock.monotonic() < deadline;) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return condition();
}

// A name server on 127.0.0.0/8 that hands out its zones and takes NOTIFYs: the other end.
class TestPeer {
  public:
    explicit TestPeer(std::vector<ZonePointer> zones, const std::string& listen = "127.0.0.1:0",
                      std::function<void(PeerSettings&)> adjust = {}) {
        PeerSettings settings;
        EXPECT_TRUE(settings.keys.add(transferKey()));
        settings.allowTransfer = settings.allowNotify = {{{*AddressPrefix::fromText("127.0.0.0/8")}, {}}};
        for (const ZonePointer& zone : zones) settings.followed.push_back(zone->origin());
        settings.notified = [this](const Name&, const Endpoint&) { ++notified; };
        if (adjust) adjust(settings);
        desk_ = std::make_unique<PeerDesk>(std::move(settings), clock_);
        ServerOptions options;
        options.endpoints = {*Endpoint::fromText(listen)};
        options.peers = desk_.get();
        auto started = Server::start(options, ZoneSet::of(std::move(zones)));
        EXPECT_TRUE(started) << (started ? "" : describe(started.error()));
        server_ = *std::move(started);
    }

    const Endpoint& endpoint() const { return server_->endpoints().front(); }
    Server& server() { return *server_; }

    std::atomic<int> notified{0};

  private:
    const SystemClock clock_;
    std::unique_ptr<PeerDesk> desk_;
    std::unique_ptr<Server> server_;
};

}  // namespace swb::dns::transfer::test
