// Response-rate limiting: how many UDP answers one network gets in a second.
//
// Queries with a forged source make a name server send its answers to a victim. Each /24 and /56 has an allowance for
// each kind of answer; what goes over it is dropped, except that every second one (the slip) becomes a short answer
// with TC=1, so that a real client behind the same network comes back over TCP and is served. Not asked for answers
// over TCP and for clients with a valid cookie: those have shown where they are.
//
// One table of fixed size for each worker, so there is no lock: the allowance holds for each worker. When the table is
// full the network seen longest ago makes room: under an attack from everywhere the limiter forgets, it never refuses
// somebody it has not counted.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dns/address.h"

namespace swb::dns {

struct RateLimitOptions {
    // For each /24 or /56 and kind of answer. 0 switches the limit off. The default is far above what any resolver
    // asks that keeps to the zone's TTLs, and keeps what one victim can be sent to some megabits a second.
    uint32_t answersPerSecond = 5'000;
    uint32_t slip = 2;            // every n-th answer over the limit is sent as truncated; 0: none
    uint32_t tableRows = 16'384;  // of four networks each, 64 bytes a row; rounded up to a power of two
};

class RateLimiter {
  public:
    enum class Kind : uint8_t { data, noName, problem };  // each has an allowance of its own
    enum class Verdict : uint8_t { send, truncate, drop };

    // The seed keeps strangers from choosing addresses that share a row.
    RateLimiter(const RateLimitOptions& options, uint64_t seed);

    bool isOff() const { return options_.answersPerSecond == 0; }
    // Any clock that does not step backwards.
    Verdict count(const IpAddress& client, Kind kind, int64_t nowMs);
    uint64_t overLimit() const { return overLimit_; }

  private:
    static constexpr size_t ways = 4;

    struct Entry {
        uint32_t tag = 0;  // 0: free
        uint32_t seenMs = 0;
        uint32_t allowance = 0;  // in thousandths of an answer
        uint32_t limited = 0;    // answers over the limit in a row
    };
    struct alignas(64) Row {
        std::array<Entry, ways> entries;
    };

    Entry& entryOf(uint64_t hash, uint32_t nowMs);

    const RateLimitOptions options_;
    const uint64_t seed_;
    uint64_t overLimit_ = 0;
    std::vector<Row> rows_;
};

}  // namespace swb::dns
