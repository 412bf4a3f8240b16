// One message to one server and its reply: the socket work below the stub client and the dynamic updates.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dns/address.h"
#include "dns/protocol.h"

namespace swb::dns {

struct Exchange {
    Endpoint server;
    Transport transport = Transport::udp;
    int64_t timeoutMs = 2000;
    // Over UDP: ask again while nothing comes. Not for what must happen once.
    bool repeat = true;
};

// Whether these bytes answer the message; over UDP others are passed over as late or forged, over TCP they are an
// error.
using IsReply = std::function<bool(std::span<const uint8_t>)>;

// Unreachable: nothing was sent. DeadlineExceeded and ProtocolViolation: the message went out and no reply came back.
Result<std::vector<uint8_t>> exchange(const Exchange& how, std::span<const uint8_t> message, const IsReply& isReply);

// Whether this machine has a way to the address at all; sends nothing.
bool hasRoute(const Endpoint& server);

uint16_t randomMessageId();

}  // namespace swb::dns
