#include "dns/rate_limit.h"

#include <algorithm>
#include <bit>

namespace swb::dns {
namespace {

constexpr uint32_t unitsPerAnswer = 1'000;
constexpr uint32_t answersPerSecondMax = 4'000'000;  // in thousandths it still fits 32 bits
constexpr uint32_t tableRowsMax = 1 << 20;
constexpr size_t ipv4NetworkBytes = 3, ipv6NetworkBytes = 7;

uint64_t mixed(uint64_t value) {
    // A multiplication spreads the low bits upwards, the shift brings them back.
    value = (value ^ (value >> 32)) * 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 29)) * 0xbf58476d1ce4e5b9;
    return value ^ (value >> 32);
}

RateLimitOptions checked(RateLimitOptions options) {
    options.answersPerSecond = std::min(options.answersPerSecond, answersPerSecondMax);
    options.tableRows = std::bit_ceil(std::clamp<uint32_t>(options.tableRows, 1, tableRowsMax));
    return options;
}

}  // namespace

RateLimiter::RateLimiter(const RateLimitOptions& options, uint64_t seed)
    : options_(checked(options)), seed_(seed), rows_(isOff() ? 0 : options_.tableRows) {}

RateLimiter::Verdict RateLimiter::count(const IpAddress& client, Kind kind, int64_t now) {
    if (isOff()) return Verdict::send;
    const bool isIpv4 = client.family == AddressFamily::ipv4;
    uint64_t network = isIpv4 ? 1 : 2;
    for (size_t i = 0; i < (isIpv4 ? ipv4NetworkBytes : ipv6NetworkBytes); ++i)
        network = network << 8 | client.octets[i];
    const auto nowMs = static_cast<uint32_t>(now);
    Entry& entry = entryOf(mixed((network * 4 + static_cast<uint64_t>(kind)) ^ seed_), nowMs);

    const uint32_t full = options_.answersPerSecond * unitsPerAnswer;
    const uint64_t elapsedMs = std::min<uint32_t>(nowMs - entry.seenMs, 1'000);
    entry.seenMs = nowMs;
    entry.allowance =
        static_cast<uint32_t>(std::min<uint64_t>(full, entry.allowance + elapsedMs * options_.answersPerSecond));
    if (entry.allowance >= unitsPerAnswer) {
        entry.allowance -= unitsPerAnswer;
        entry.limited = 0;
        return Verdict::send;
    }
    ++entry.limited;
    ++overLimit_;
    return options_.slip > 0 && entry.limited % options_.slip == 0 ? Verdict::truncate : Verdict::drop;
}

RateLimiter::Entry& RateLimiter::entryOf(uint64_t hash, uint32_t nowMs) {
    Row& row = rows_[hash & (rows_.size() - 1)];
    const auto tag = static_cast<uint32_t>(hash >> 32) | 1;
    Entry* oldest = &row.entries[0];
    for (Entry& entry : row.entries) {
        if (entry.tag == tag) return entry;
        const bool better = entry.tag == 0 || nowMs - entry.seenMs > nowMs - oldest->seenMs;
        if (oldest->tag != 0 && better) oldest = &entry;
    }
    *oldest = {tag, nowMs, options_.answersPerSecond * unitsPerAnswer, 0};
    return *oldest;
}

}  // namespace swb::dns
