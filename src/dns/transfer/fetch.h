// Asks a primary for a zone over TCP and returns what it gives, checked (reader.h, tsig.h).
#pragma once

#include "base/clock.h"
#include "dns/address.h"
#include "dns/transfer/reader.h"
#include "dns/tsig.h"

namespace swb::dns::transfer {

struct FetchRequest {
    Endpoint primary;
    std::optional<IpAddress> from;  // the address to ask from, as the primary's access list may have it
    Name origin;
    std::optional<uint32_t> serial;  // what is here; nothing: the whole zone
    TsigKeyPointer key;              // null: unsigned
    int64_t idleTimeoutMs = 10'000;  // without a byte
    int64_t timeoutMs = 15 * 60'000;
};

// Blocks. Ends early, with DeadlineExceeded, when stopSignal (if any) becomes readable.
Result<ReceivedTransfer> fetchZone(const FetchRequest& request, const Clock& clock, int stopSignal = -1);

// An AXFR or IXFR query as bytes, without a signature.
std::vector<uint8_t> transferQuery(uint16_t id, const Name& origin, std::optional<uint32_t> serial);

}  // namespace swb::dns::transfer
