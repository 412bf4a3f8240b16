// The answer to one DNS query: a pure function from bytes to bytes over an immutable zone.
//
//     query bytes ─▶ parseQuery ─▶ which rule applies ─▶ lookup in the snapshot ─▶ message within the size limit
//
// Called by the UDP and TCP loops of server.cpp, by tests and by the fuzzer. It allocates nothing, takes no lock, reads
// no clock and does no I/O, so an answer waits for nothing but the CPU (invariant I11).
//
// The rules, by RFC: authoritative data and referrals (1034, 1035, 2181), negative answers (2308, 8020), case (4343),
// wildcards (4592), CNAME chains (6604), EDNS (6891), cookies (7873), ANY (8482), every well-formed query answered
// (8906), one question (9619). Not ours, another class, zone transfers, NOTIFY: REFUSED. The rate limiter of the
// context, when there is one, is the only state that an answer changes.
#pragma once

#include <cstdint>
#include <span>

#include "dns/answer_context.h"
#include "dns/query.h"
#include "dns/zone_set.h"

namespace swb::dns {

// Returns the length of the reply written to `out`, or 0 when nothing may be sent: the bytes are shorter than a header
// or are themselves a response (answering those would let two servers talk for ever), or the rate limit says so.
// Precondition: out holds at least plainUdpBytes; for TCP, messageBytesMax lets every answer fit.
size_t answer(std::span<const uint8_t> query, const AnswerContext& context, const ZoneSet& zones,
              std::span<uint8_t> out);
// The same for a query that has been parsed; its bytes must still be there.
size_t answer(const Query& query, const AnswerContext& context, const ZoneSet& zones, std::span<uint8_t> out);

}  // namespace swb::dns
