#include "dns/answer.h"

#include <algorithm>

#include "dns/answer_records.h"
#include "dns/soa.h"

namespace swb::dns {
namespace {

// What is to be said before any data is looked at; noError means: look.
struct Decision {
    uint16_t rcode = rcode::noError;
    std::optional<uint16_t> extendedError = {};
};

Decision decideNotify(const Query& query, const ZoneSnapshot* zone) {
    const bool isOurs = !query.hasQuestion || (zone && query.question.name == zone->origin());
    if (isOurs) return {rcode::refused, extendedError::prohibited};
    return {rcode::notAuthoritative, extendedError::notAuthoritative};
}

// zone: the one the question is for; null when there is none.
Decision decide(const Query& query, const ZoneSnapshot* zone) {
    if (query.edns.present && query.edns.version != 0) return {rcode::badVersion};
    // Another opcode may lay out its message in another way, so being unable to read it comes second.
    if (query.opcode() == opcode::notify) return decideNotify(query, zone);
    if (query.opcode() != opcode::query) return {rcode::notImplemented, extendedError::notSupported};
    if (query.malformed || !query.hasQuestion) return {rcode::formatError};
    const Question& question = query.question;
    if (question.recordClass != recordClass::internet) return {rcode::refused, extendedError::notAuthoritative};
    if (!zone) return {rcode::refused, extendedError::notAuthoritative};
    if (question.type == type::axfr || question.type == type::ixfr) return {rcode::refused, extendedError::prohibited};
    return {};
}

using CookieVerdict = CookieSecrets::Verdict;

// The verdict on the server's cookie in the query; invalid also when there is none.
CookieVerdict cookieVerdict(const Query& query, const AnswerContext& context) {
    const EdnsRequest& edns = query.edns;
    if (!context.cookies || !edns.hasCookie() || edns.serverCookie().empty()) return CookieVerdict::invalid;
    return context.cookies->check(edns.clientCookie(), edns.serverCookie(), context.client, context.unixSeconds);
}

void fillCookie(EdnsReply& reply, const Query& query, const AnswerContext& context, CookieVerdict verdict) {
    const ClientCookie client = query.edns.clientCookie();
    EdnsReply::Cookie& cookie = reply.cookie.emplace();
    std::copy(client.begin(), client.end(), cookie.client.begin());
    const auto server = query.edns.serverCookie();
    if (verdict == CookieVerdict::fresh)
        std::copy(server.begin(), server.end(), cookie.server.begin());
    else
        cookie.server = context.cookies->make(client, context.client, context.unixSeconds);
}

bool isStale(const ZoneSnapshot& zone, const AnswerContext& context) {
    return context.zoneIsStale || (context.freshness && context.freshness->isStale(zone.origin()));
}

// RFC 7314 §3: a primary says what the SOA says, a secondary how much of it is left.
uint32_t expireSeconds(const ZoneSnapshot& zone, const AnswerContext& context) {
    const uint32_t all = soaNumbersOf(zone.soa().records.front()).expireSeconds;
    const auto left =
        context.freshness ? context.freshness->secondsLeft(zone.origin(), all, context.monotonicMs) : std::nullopt;
    return left.value_or(all);
}

// Options are understood only in a version and a message that are.
EdnsReply ednsReply(const Query& query, const AnswerContext& context, const ZoneSnapshot* zone,
                    const Decision& decision, CookieVerdict verdict) {
    EdnsReply reply;
    reply.dnssecOk = query.edns.dnssecOk;
    if (!query.edns.present || query.edns.version != 0 || query.malformed) return reply;
    reply.extendedError = decision.extendedError;
    if (context.cookies && query.edns.hasCookie()) fillCookie(reply, query, context, verdict);
    if (query.edns.wantsNsid) reply.nsid = context.nsid;
    // Over UDP the option means nothing.
    if (query.edns.wantsKeepalive && context.transport == Transport::tcp && context.keepaliveTenths != 0)
        reply.keepaliveTenths = context.keepaliveTenths;
    if (decision.rcode != rcode::noError || !query.hasQuestion || !zone) return reply;
    if (isStale(*zone, context)) reply.extendedError = extendedError::staleAnswer;
    if (query.edns.wantsZoneVersion)
        reply.zoneVersion = {static_cast<uint8_t>(zone->origin().view().labelCount()), zone->serial()};
    if (query.edns.wantsExpire && query.question.type == type::soa && query.question.name == zone->origin())
        reply.expireSeconds = expireSeconds(*zone, context);
    return reply;
}

// RFC 7873 §5.4: a query without a question asks for a cookie.
bool asksForCookie(const Query& query, const AnswerContext& context) {
    return context.cookies && query.edns.hasCookie() && query.edns.version == 0 && !query.malformed &&
           query.opcode() == opcode::query && query.questionCount == 0;
}

RateLimiter::Kind kindOf(const Reply& reply) {
    if (reply.rcode() == rcode::noError) return RateLimiter::Kind::data;
    return reply.rcode() == rcode::nameError ? RateLimiter::Kind::noName : RateLimiter::Kind::problem;
}

}  // namespace

size_t answer(const Query& query, const AnswerContext& context, const ZoneSet& zones, std::span<uint8_t> out) {
    if (query.isResponse()) return 0;
    const HashedName asked(query.question.name);
    const ZoneSnapshot* zone = query.hasQuestion ? zones.find(asked, query.question.type) : nullptr;
    Reply reply(query, context.transport, out);
    Decision decision = decide(query, zone);
    const CookieVerdict cookie = cookieVerdict(query, context);
    if (asksForCookie(query, context)) {
        const bool isWrong = cookie == CookieVerdict::invalid && !query.edns.serverCookie().empty();
        decision = {isWrong ? rcode::badCookie : rcode::noError};
    }
    reply.setRcode(decision.rcode);
    if (query.edns.present) reply.setEdns(ednsReply(query, context, zone, decision, cookie));
    if (decision.rcode == rcode::noError && query.hasQuestion) addRecords(reply, *zone, asked, query.question.type);
    if (context.limiter && context.transport == Transport::udp && cookie == CookieVerdict::invalid) {
        const auto limit = context.limiter->count(context.client, kindOf(reply), context.monotonicMs);
        if (limit == RateLimiter::Verdict::drop) return 0;
        if (limit == RateLimiter::Verdict::truncate) reply.truncate();
    }
    return reply.finish();
}

size_t answer(std::span<const uint8_t> bytes, const AnswerContext& context, const ZoneSet& zones,
              std::span<uint8_t> out) {
    return bytes.size() < headerBytes ? 0 : answer(parseQuery(bytes), context, zones, out);
}

}  // namespace swb::dns
