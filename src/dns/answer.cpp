#include "dns/answer.h"

#include <array>

#include "dns/query.h"
#include "dns/reply.h"

namespace swb::dns {
namespace {

constexpr size_t chainMax = 16;  // CNAMEs followed inside the zone; a longer chain is a mistake in it

using Section = Reply::Section;
using Need = Reply::Need;

// What is to be said before any data is looked at; noError means: look.
uint16_t verdict(const Query& query, const ZoneSnapshot& zone) {
    if (query.edns.present && query.edns.version != 0) return rcode::badVersion;
    // Another opcode may lay out its message in another way, so being unable to read it comes second.
    if (query.opcode() == opcode::notify) return rcode::refused;  // this server is nobody's secondary
    if (query.opcode() != opcode::query) return rcode::notImplemented;
    if (query.malformed || !query.hasQuestion) return rcode::formatError;
    const Question& question = query.question;
    if (question.recordClass != recordClass::internet) return rcode::refused;
    if (!question.name.isAtOrBelow(zone.origin())) return rcode::refused;
    if (question.type == type::axfr || question.type == type::ixfr) return rcode::refused;
    return rcode::noError;
}

void addAddressesOf(Reply& reply, Need need, const ZoneSnapshot& zone, NameView name) {
    if (!name.isAtOrBelow(zone.origin())) return;
    const ZoneSnapshot::Node* node = zone.exactNode(name);
    if (!node) return;
    for (const uint16_t type : {type::a, type::aaaa})
        if (const ZoneRecordSet* set = zone.findSet(*node, type)) reply.add(Section::additional, need, name, *set);
}

void addNameServerAddresses(Reply& reply, const ZoneSnapshot& zone, const ZoneRecordSet& servers, NameView glueBelow) {
    for (const Rdata& data : servers.records) {
        const NameView server = nameInRdata(data);
        // RFC 9471: a referral is of no use without the addresses that only we can give.
        const bool isGlue = !glueBelow.isRoot() && server.isAtOrBelow(glueBelow);
        addAddressesOf(reply, isGlue ? Need::required : Need::optional, zone, server);
    }
}

void addNegative(Reply& reply, const ZoneSnapshot& zone) {
    reply.add(Section::authority, Need::required, zone.origin(), zone.soa(), zone.negativeTtlSeconds());
}

void addReferral(Reply& reply, const ZoneSnapshot& zone, const ZoneSnapshot::Node& delegation) {
    const ZoneRecordSet& servers = *zone.findSet(delegation, type::ns);
    reply.add(Section::authority, Need::required, servers.name, servers);
    addNameServerAddresses(reply, zone, servers, servers.name);
}

// The set that answers a question of this type at this name, the CNAME in its place, or nothing.
const ZoneRecordSet* chooseSet(const ZoneSnapshot& zone, const ZoneSnapshot::Node& node, uint16_t type) {
    const auto sets = zone.setsOf(node);
    // RFC 8482: one set stands for all of them.
    if (type == type::any) return sets.empty() ? nullptr : &sets.front();
    if (const ZoneRecordSet* set = zone.findSet(node, type)) return set;
    return zone.findSet(node, type::cname);
}

// The names a chain of CNAMEs has led through, so that a circle ends.
class Chain {
  public:
    bool extend(NameView name) {
        for (size_t i = 0; i < count_; ++i)
            if (names_[i] == name) return false;
        if (count_ == chainMax) return false;
        names_[count_++] = name;
        return true;
    }

  private:
    std::array<NameView, chainMax> names_;
    size_t count_ = 0;
};

void resolve(Reply& reply, const ZoneSnapshot& zone, const Question& question) {
    NameView name = question.name;
    Chain chain;
    // The chain's first name decides AA (a referral for it leaves without), its last one the RCODE (RFC 6604).
    while (chain.extend(name) && name.isAtOrBelow(zone.origin())) {
        const ZoneSnapshot::Lookup found = zone.lookup(name, question.type);
        if (found.found == ZoneSnapshot::Found::delegation) return addReferral(reply, zone, *found.node);
        reply.setAuthoritative();
        if (found.found == ZoneSnapshot::Found::nothing) {
            reply.setRcode(rcode::nameError);
            return addNegative(reply, zone);
        }
        const ZoneRecordSet* set = chooseSet(zone, *found.node, question.type);
        if (!set) return addNegative(reply, zone);
        reply.add(Section::answer, Need::required, name, *set);
        const bool isAlias = set->type == type::cname && question.type != type::cname && question.type != type::any;
        if (!isAlias) {
            if (set->type == type::ns) addNameServerAddresses(reply, zone, *set, NameView());
            return;
        }
        name = nameInRdata(set->records.front());
    }
}

}  // namespace

size_t answer(std::span<const uint8_t> bytes, Transport transport, const ZoneSnapshot& zone, std::span<uint8_t> out) {
    if (bytes.size() < headerBytes) return 0;
    const Query query = parseQuery(bytes);
    if (query.isResponse()) return 0;
    Reply reply(query, transport, out);
    const uint16_t decided = verdict(query, zone);
    reply.setRcode(decided);
    if (decided == rcode::noError) resolve(reply, zone, query.question);
    return reply.finish();
}

}  // namespace swb::dns
