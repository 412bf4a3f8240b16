#include "dns/transfer/peer_desk.h"

#include <algorithm>

#include "base/log.h"
#include "dns/answer.h"
#include "dns/reply.h"
#include "dns/soa.h"

namespace swb::dns::transfer {
namespace {

constexpr int64_t refusalLogMs = 1000;   // strangers must not fill the log
constexpr size_t smallDifference = 100;  // records; always worth sending

bool isTransfer(const Query& query) {
    return query.opcode() == opcode::query && query.hasQuestion &&
           (query.question.type == type::axfr || query.question.type == type::ixfr);
}

size_t plainReply(const Query& query, Transport transport, uint16_t rcode, std::span<uint8_t> out) {
    Reply reply(query, transport, out);
    reply.setRcode(rcode);
    return reply.finish();
}

// The room for everything but the signature.
std::span<uint8_t> roomFor(const Query& query, Transport transport, size_t signature, std::span<uint8_t> out) {
    size_t limit = out.size();
    if (transport == Transport::udp)
        limit = std::min<size_t>(limit, query.edns.present
                                            ? std::clamp<size_t>(query.edns.udpBytes, plainUdpBytes, ednsUdpBytes)
                                            : plainUdpBytes);
    return out.first(limit > signature ? limit - signature : 0);
}

// The serial of the SOA in the section behind the question: what an IXFR client has (RFC 1995 §3).
std::optional<uint32_t> clientSerial(std::span<const uint8_t> message, const Question& question) {
    WireReader reader(message);
    reader.bytes(6);
    const uint16_t answers = reader.u16();
    const uint16_t authorities = reader.u16();
    reader.u16();
    reader.skipName();
    reader.u32();
    if (answers != 0 || authorities != 1) return {};
    NameBuffer name;
    reader.name(name);
    const uint16_t type = reader.u16();
    reader.bytes(6);
    const uint16_t length = reader.u16();
    const size_t start = reader.position();
    Rdata data;
    if (!reader.ok() || type != type::soa || name.view() != question.name) return {};
    reader.bytes(length);
    if (!reader.ok() || !readRdata(message, start, length, type::soa, data)) return {};
    return soaNumbersOf(data).serial;
}

std::string keyText(const std::optional<TsigSigner>& signer) {
    return signer ? " with the key " + signer->key()->name.toText() : "";
}

}  // namespace

struct PeerDesk::Request {
    std::span<const uint8_t> message;  // without its signature
    const Query& query;
    const Endpoint& client;
    Transport transport;
    const ZoneSet& zones;
};

class PeerDesk::Transfer final : public ReplyStream {
  public:
    Transfer(PeerDesk& desk, TransferStream stream, std::string to)
        : desk_(desk), stream_(std::move(stream)), to_(std::move(to)), started_(desk.clock_.monotonic()) {}
    ~Transfer() override { desk_.running_.fetch_sub(1, std::memory_order_relaxed); }

    size_t next(std::span<uint8_t> buffer) override {
        const size_t length = stream_.next(buffer, desk_.now());
        if (length == 0) report();
        return length;
    }

  private:
    void report() const {
        const Content& content = stream_.content();
        if (stream_.failed())
            return logError("dns", "transfer of {} to {} broken off: a record fits no message",
                            content.origin().toText(), to_);
        if (content.kind() == Content::Kind::soaOnly) return;  // somebody looked; that happens all the time
        logInfo("dns", "transfer of {} serial {} to {}: {}, {} records in {} ms", content.origin().toText(),
                content.serial(), to_, content.kind() == Content::Kind::wholeZone ? "whole zone" : "differences",
                content.recordsGiven(), desk_.clock_.monotonic() - started_);
    }

    PeerDesk& desk_;
    TransferStream stream_;
    const std::string to_;
    const MonotonicMs started_;
};

size_t PeerDesk::handle(std::span<const uint8_t> message, const Query& query, const Endpoint& client,
                        const ZoneSet& zones, std::span<uint8_t> out) {
    return handleRequest({message, query, client, Transport::udp, zones}, out).bytes;
}

PeerHandler::TcpReply PeerDesk::handleTcp(std::span<const uint8_t> message, const Query& query, const Endpoint& client,
                                          const ZoneSet& zones, std::span<uint8_t> out) {
    return handleRequest({message, query, client, Transport::tcp, zones}, out);
}

PeerHandler::TcpReply PeerDesk::handleRequest(const Request& request, std::span<uint8_t> out) {
    TsigRecord record;
    switch (findTsig(request.message, record)) {
        case TsigFound::malformed:
            return {plainReply(request.query, request.transport, rcode::formatError, out), nullptr};
        case TsigFound::yes:
            return handleSigned(request, record, out);
        case TsigFound::no:
            break;
    }
    return handleVerified(request, std::nullopt, out);
}

PeerHandler::TcpReply PeerDesk::handleSigned(const Request& request, const TsigRecord& record, std::span<uint8_t> out) {
    const TsigKeyringPointer known = keys();
    const TsigVerdict verdict = verifyRequest(request.message, record, *known, now());
    const auto refuse = [&](uint16_t rcode) { return plainReply(request.query, request.transport, rcode, out); };
    if (verdict.malformed) return {refuse(rcode::formatError), nullptr};
    if (verdict.error == tsigError::badKey || verdict.error == tsigError::badSignature) {
        const size_t length = refuse(rcode::notAuthoritative);
        const size_t with = appendUnsignedTsig(out, length, record, verdict.error);
        return {with ? with : length, nullptr};
    }
    TsigSigner signer(verdict.key, record.mac);
    if (verdict.error != tsigError::none) {
        const size_t length = refuse(rcode::notAuthoritative);
        return {verdict.error == tsigError::badTime ? signer.signBadTime(out, length, record.timeSigned, now())
                                                    : signer.signError(out, length, verdict.error, now()),
                nullptr};
    }
    const std::vector<uint8_t> stripped = withoutTsig(request.message, record);
    const Query query = parseQuery(stripped);
    return handleVerified({stripped, query, request.client, request.transport, request.zones}, std::move(signer), out);
}

PeerHandler::TcpReply PeerDesk::handleVerified(const Request& request, std::optional<TsigSigner> signer,
                                               std::span<uint8_t> out) {
    const Query& query = request.query;
    const std::span<uint8_t> room = roomFor(query, request.transport, signer ? signer->recordBytes() : 0, out);
    size_t length = 0;
    if (query.opcode() == opcode::notify) {
        length = answerNotify(request, signer ? &signer->key()->name : nullptr, room);
    } else if (isTransfer(query)) {
        TcpReply reply = startTransfer(request, signer, room);
        if (reply.stream) return reply;
        length = reply.bytes;
    } else {
        AnswerContext context;
        context.transport = request.transport;
        context.client = request.client.address;
        context.monotonicMs = clock_.monotonic();
        context.freshness = settings_.freshness;
        length = answer(query, context, request.zones, room);
    }
    if (length == 0 || !signer) return {length, nullptr};
    return {signer->sign(out, length, now()), nullptr};
}

size_t PeerDesk::answerNotify(const Request& request, const Name* key, std::span<uint8_t> out) const {
    const Query& query = request.query;
    uint16_t code = rcode::noError;
    if (!query.hasQuestion || query.question.type != type::soa || query.question.recordClass != recordClass::internet)
        code = rcode::formatError;
    else if (!isAllowed(settings_.allowNotify, request.client.address, key))
        code = rcode::refused;
    else if (std::none_of(settings_.followed.begin(), settings_.followed.end(),
                          [&](const Name& zone) { return zone.view() == query.question.name; }))
        code = rcode::notAuthoritative;
    Reply reply(query, request.transport, out);
    reply.setRcode(code);
    if (code == rcode::noError) {
        reply.setAuthoritative();
        if (settings_.notified) settings_.notified(Name(query.question.name), request.client);
    }
    return reply.finish();
}

void PeerDesk::setKeys(TsigKeyringPointer keys) {
    const std::lock_guard lock(keysMutex_);
    keys_ = std::move(keys);
}

TsigKeyringPointer PeerDesk::keys() const {
    const std::lock_guard lock(keysMutex_);
    return keys_;
}

void PeerDesk::logRefusal(const std::string& text) {
    const MonotonicMs at = clock_.monotonic();
    MonotonicMs due = nextRefusalLogAt_.load(std::memory_order_relaxed);
    if (at < due || !nextRefusalLogAt_.compare_exchange_strong(due, at + refusalLogMs)) return;
    logWarning("dns", "{}", text);
}

// Whether it is one of ours first, so that a secondary with a misspelt zone learns that.
PeerHandler::TcpReply PeerDesk::startTransfer(const Request& request, std::optional<TsigSigner>& signer,
                                              std::span<uint8_t> out) {
    const Query& query = request.query;
    const auto refuse = [&](uint16_t code, const char* why) {
        logRefusal("transfer of " + query.question.name.toText() + " to " + request.client.address.toText() +
                   keyText(signer) + " refused: " + why);
        return TcpReply{plainReply(query, request.transport, code, out), nullptr};
    };
    const ZonePointer zone = request.zones.zone(query.question.name);
    if (query.question.recordClass != recordClass::internet || !zone)
        return refuse(rcode::notAuthoritative, "it is not a zone of this server");
    if (!isAllowed(settings_.allowTransfer, request.client.address, signer ? &signer->key()->name : nullptr))
        return refuse(rcode::refused, "no rule allows it");
    if (request.transport == Transport::udp) {
        if (query.question.type == type::axfr) return refuse(rcode::refused, "a whole zone needs TCP");
        // RFC 1995 §2: the client sees whether there is something new, and comes by TCP for it.
        Reply reply(query, request.transport, out);
        reply.setAuthoritative();
        reply.add(Reply::Section::answer, Reply::Need::required, zone->origin(), zone->soa());
        return {reply.finish(), nullptr};
    }
    auto content = chooseContent(request, zone);
    if (!content) return refuse(rcode::formatError, "an IXFR query holds the SOA that the client has");
    if (running_.fetch_add(1, std::memory_order_relaxed) >= settings_.transfersMax) {
        running_.fetch_sub(1, std::memory_order_relaxed);
        return refuse(rcode::serverFailure, "as many as are allowed at once are running");
    }
    const std::string to = request.client.address.toText() + keyText(signer);
    return {0, std::make_unique<Transfer>(*this, TransferStream(query, *std::move(content), std::move(signer)), to)};
}

std::optional<Content> PeerDesk::chooseContent(const Request& request, const ZonePointer& zone) const {
    if (request.query.question.type == type::axfr) return Content::wholeZone(zone);
    const auto serial = clientSerial(request.message, request.query.question);
    if (!serial) return {};
    if (!isNewerSerial(zone->serial(), *serial)) return Content::soaOnly(zone);
    if (!settings_.history) return Content::wholeZone(zone);
    ChangePointers steps = stepsTo(*zone, *serial, settings_.history(Name(zone->origin()), *serial));
    if (steps.empty()) return Content::wholeZone(zone);
    Content differences = Content::differences(zone, std::move(steps));
    // RFC 1995 §4 leaves the choice; differences larger than the zone are no gain. Every name has a record or more.
    if (differences.stepRecords() > zone->nodeCount() + smallDifference) return Content::wholeZone(zone);
    return differences;
}

}  // namespace swb::dns::transfer
