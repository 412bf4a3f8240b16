#include "dns/answer_records.h"

#include <array>
#include <optional>

namespace swb::dns {
namespace {

constexpr size_t chainMax = 16;  // CNAMEs followed inside the zone; a longer chain is a mistake in it

using Section = Reply::Section;
using Need = Reply::Need;
using Found = ZoneSnapshot::Found;
using Lookup = ZoneSnapshot::Lookup;

void addAddressesOf(Reply& reply, Need need, const ZoneSnapshot& zone, NameView name) {
    if (!name.isAtOrBelow(zone.origin())) return;
    const ZoneNode node = zone.nodeOf(name);
    if (!node) return;
    for (const uint16_t type : {type::a, type::aaaa})
        if (const RecordSet* set = node.find(type)) reply.add(Section::additional, need, name, *set);
}

void addNameServerAddresses(Reply& reply, const ZoneSnapshot& zone, const RecordSet& servers, NameView glueBelow) {
    for (const Rdata& data : servers.records) {
        const NameView server = nameInRdata(data);
        // RFC 9471: a referral is of no use without the addresses that only we can give.
        const bool isGlue = !glueBelow.isRoot() && server.isAtOrBelow(glueBelow);
        addAddressesOf(reply, isGlue ? Need::required : Need::optional, zone, server);
    }
}

// The set that answers a question of this type at this name, the CNAME in its place, or nothing.
const RecordSet* chooseSet(const ZoneNode& node, uint16_t type) {
    // RFC 8482: one set stands for all of them, and the signatures over one set for all signatures.
    if (type == type::any) return node.sets().empty() ? nullptr : &node.sets().front();
    if (type == type::rrsig) {
        for (const RecordSet& set : node.sets())
            if (!set.signatures.empty()) return &set;
        return nullptr;
    }
    if (const RecordSet* set = node.find(type)) return set;
    return node.find(type::cname);
}

// The names a chain of CNAMEs has led through, so that a circle ends.
class Chain {
  public:
    explicit Chain(NameView first) { extend(first); }
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

// The names whose NSEC records prove the answer, each once.
class Proofs {
  public:
    void add(const ZoneNode& node) {
        for (const ZoneNode& known : nodes())
            if (known.position() == node.position()) return;
        if (count_ < nodes_.size()) nodes_[count_++] = node;
    }
    std::span<const ZoneNode> nodes() const { return {nodes_.data(), count_}; }

  private:
    // One for each wildcard in a chain, and what ends it.
    std::array<ZoneNode, chainMax + 2> nodes_;
    size_t count_ = 0;
};

// One question on its way along a chain of CNAMEs. The answer section comes first in a message, so what proves that a
// wildcard was rightly used waits until the chain has ended.
class Resolution {
  public:
    Resolution(Reply& reply, const ZoneSnapshot& zone, uint16_t type) : reply_(reply), zone_(zone), type_(type) {
        if (reply.wantsDnssec() && zone.isSigned()) proofs_.emplace();
    }

    void run(const HashedName& asked) {
        NameView name = asked.name();
        Lookup found = zone_.lookup(asked, type_);
        // The chain's first name decides AA (a referral for it leaves without), its last one the RCODE (RFC 6604).
        for (Chain* chain = nullptr; takeStep(name, found);) {
            if (!chain) chain = &chain_.emplace(asked.name());
            if (!name.isAtOrBelow(zone_.origin()) || !chain->extend(name)) break;
            found = zone_.lookup(HashedName(name), type_);
        }
        addProofs();
    }

  private:
    // True when there is a CNAME to follow: name is then its target.
    bool takeStep(NameView& name, const Lookup& found) {
        if (found.found == Found::delegation) {
            addReferral(name, found);
            return false;
        }
        reply_.setAuthoritative();
        const RecordSet* set = found.found == Found::nothing ? nullptr : chooseSet(found.node, type_);
        if (found.found == Found::nothing) reply_.setRcode(rcode::nameError);
        keepProof(found, name, set != nullptr);
        if (!set) {
            isNegative_ = true;
            return false;
        }
        if (type_ == type::rrsig) {
            reply_.addSignatures(Section::answer, name, *set);
            return false;
        }
        reply_.add(Section::answer, Need::required, name, *set);
        if (set->type == type::cname && type_ != type::cname && type_ != type::any) {
            name = nameInRdata(set->records.front());
            return true;
        }
        if (set->type == type::ns) nameServers_ = set;
        return false;
    }

    void keepProof(const Lookup& found, NameView name, bool hasData) {
        if (!proofs_) return;
        const ZoneSnapshot::Proof proof = zone_.proofOf(found, name, hasData);
        for (const ZoneNode& node : proof.span()) proofs_->add(node);
    }

    // What comes after the answer section.
    void addProofs() {
        if (isNegative_)
            reply_.add(Section::authority, Need::required, zone_.origin(), zone_.soa(), zone_.negativeTtlSeconds());
        if (proofs_)
            for (const ZoneNode& node : proofs_->nodes())
                if (const RecordSet* set = node.find(type::nsec))
                    reply_.add(Section::authority, Need::required, node.name(), *set);
        if (nameServers_) addNameServerAddresses(reply_, zone_, *nameServers_, glueBelow_);
    }

    void addReferral(NameView name, const Lookup& found) {
        const RecordSet& servers = *found.node.find(type::ns);
        reply_.add(Section::authority, Need::required, found.node.name(), servers);
        const RecordSet* keys = proofs_ ? found.node.find(type::ds) : nullptr;
        if (keys) reply_.add(Section::authority, Need::required, found.node.name(), *keys);
        keepProof(found, name, keys != nullptr);
        nameServers_ = &servers;
        glueBelow_ = found.node.name();
    }

    Reply& reply_;
    const ZoneSnapshot& zone_;
    const uint16_t type_;
    bool isNegative_ = false;
    const RecordSet* nameServers_ = nullptr;  // whose addresses go into the additional section
    NameView glueBelow_;
    std::optional<Chain> chain_;  // most answers have none
    std::optional<Proofs> proofs_;
};

}  // namespace

void addRecords(Reply& reply, const ZoneSnapshot& zone, const HashedName& asked, uint16_t askedType) {
    Resolution(reply, zone, askedType).run(asked);
}

}  // namespace swb::dns
