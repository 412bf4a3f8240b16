// Zones for the tests of signing: one with every kind of name, and looking whether a zone is validly signed.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "dns/sign/canonical.h"
#include "dns/sign/key_ring.h"
#include "dns/sign/nsec.h"
#include "dns/sign/sign_test_support.h"
#include "dns/sign/zone_signing.h"

namespace swb::dns::sign::test {

inline IpAddress address(std::string_view text) {
    return valueOf(IpAddress::fromText(text));
}

inline ZoneRecordSet records(std::string_view owner, uint16_t type, std::vector<std::string> texts,
                             uint32_t ttlSeconds = 600) {
    return {name(owner), recordSet(type, std::move(texts), ttlSeconds)};
}

// Groups, a name between names, a wildcard, a delegation with glue, an alias, an unknown type, capital letters.
inline ZoneDefinition definition() {
    ZoneDefinition zone;
    zone.origin = name("fo.example");
    zone.serial = 7;
    zone.nameServers = {{name("ns1.fo.example"), {address("192.0.2.1"), address("2001:db8::1")}},
                        {name("NS2.fo.example"), {address("192.0.2.2")}}};
    zone.addresses = {{"shop", 3, name("shop.fo.example"), 300, {address("203.0.113.10")}},
                      {"blog", 1, name("Blog.fo.example"), 60, {address("203.0.113.20"), address("2001:db8::20")}}};
    zone.records = {records("www.fo.example", type::cname, {"Shop.fo.example."}),
                    records("note.fo.example", type::txt, {"\"hello world\"", "second"}),
                    records("a.deep.fo.example", type::a, {"192.0.2.77"}),
                    records("*.wild.fo.example", type::a, {"192.0.2.88"}),
                    records("x.y.wild.fo.example", type::a, {"192.0.2.89"}),
                    records("mail.fo.example", type::mx, {"10 Mx.Elsewhere.example."}),
                    records("sub.fo.example", type::ns, {"ns.sub.fo.example.", "ns.other.example."}),
                    records("safe.fo.example", type::ns, {"ns.other.example."}),
                    records("safe.fo.example", type::ds, {"\\# 36 00010d02" + std::string(64, 'a')}),
                    records("ns.sub.fo.example", type::a, {"192.0.2.99"}),
                    records("odd.fo.example", 1000, {"\\# 3 abcdef"})};
    return zone;
}

inline ZonePointer zone() {
    return valueOf(ZoneSnapshot::build(definition()));
}

inline KeyRing ring(Stage stage, Algorithm algorithm = Algorithm::ed25519, bool isSplit = true) {
    RollDecision begin;
    begin.generate = Rolled::every;
    begin.state.stage = stage;
    begin.state.inPlaceAt = stage == Stage::firstSignatures ? 0 : now;
    return valueOf(follow({}, begin, algorithm, isSplit, now));
}

inline KeySet keySet(const KeyRing& ring) {
    return keySetOf(ring, name("fo.example"), 3600, {});
}

// Brings the zone where the keys want it; answers how many changes that took.
inline int bringInPlace(ZonePointer& zone, const KeySet& keys, UnixSeconds at = now, UpkeepLimits limits = {}) {
    for (int changes = 0; changes < 1000; ++changes) {
        const Upkeep found = valueOf(upkeep(*zone, keys, at, limits));
        if (found.change.isEmpty()) return changes;
        EXPECT_EQ(found.change.toSerial, nextSerial(zone->serial()));
        EXPECT_LE(found.change.sets.size(), limits.setsMax);
        zone = valueOf(zone->with(found.change));
    }
    ADD_FAILURE() << "it never ends";
    return -1;
}

inline std::string textOf(const ZoneRecordSet& item) {
    return item.name.toText() + " " + typeToText(item.set.type);
}

// By means of its own, not those of signing: every set that must be has good signatures, the chain of NSEC is one ring
// through all names that must be in it, with the right types, and nothing else is signed.
inline void expectValid(const ZoneSnapshot& zone, const std::vector<Rdata>& dnskeys, UnixSeconds at = now) {
    std::map<std::string, std::vector<ZoneRecordSet>> byName;
    std::vector<std::string> order;
    std::set<std::string> cuts;
    zone.forEachSet([&](NameView owner, const RecordSet& set) {
        const std::string key = NameView(std::string_view(lowerCaseName(owner))).toText();
        if (byName.try_emplace(key).second) order.push_back(key);
        byName[key].push_back({Name(owner), set});
        if (set.type == type::ns && owner != zone.origin().view()) cuts.insert(key);
    });
    const auto isHidden = [&](const std::string& key) {
        return std::any_of(cuts.begin(), cuts.end(),
                           [&](const std::string& cut) { return key.size() > cut.size() && key.ends_with("." + cut); });
    };
    std::vector<std::string> chain;
    for (const std::string& key : order)
        if (!isHidden(key)) chain.push_back(key);
    std::map<std::string, std::string> next;
    for (const auto& [key, sets] : byName) {
        std::set<uint16_t> types{type::rrsig};
        std::optional<RecordSet> nsec;
        for (const ZoneRecordSet& item : sets) {
            const bool isAtCut = cuts.contains(key) && item.set.type != type::ds && item.set.type != type::nsec;
            if (!isAtCut || item.set.type == type::ns) types.insert(item.set.type);
            if (item.set.type == type::nsec) nsec = item.set;
            if (isHidden(key) || isAtCut) {
                EXPECT_TRUE(item.set.signatures.empty()) << textOf(item);
                continue;
            }
            EXPECT_FALSE(item.set.signatures.empty()) << textOf(item);
            for (const Rdata& rrsig : item.set.signatures)
                EXPECT_TRUE(std::any_of(dnskeys.begin(), dnskeys.end(), [&](const Rdata& dnskey) {
                    return verifySet(dnskey, rrsig, item.name, item.set, at);
                })) << textOf(item);
        }
        EXPECT_EQ(nsec.has_value(), !isHidden(key)) << key;
        if (!nsec) continue;
        EXPECT_EQ(nsec->ttlSeconds, zone.negativeTtlSeconds());
        const std::vector<uint16_t> listed = typesInNsec(nsec->records.at(0));
        EXPECT_EQ(std::set(listed.begin(), listed.end()), types) << key;
        next[key] = NameView(std::string_view(lowerCaseName(nextInNsec(nsec->records.at(0))))).toText();
    }
    for (size_t i = 0; i < chain.size(); ++i) EXPECT_EQ(next[chain[i]], chain[(i + 1) % chain.size()]);
}

inline std::vector<Rdata> dnskeysOf(const KeyRing& ring) {
    std::vector<Rdata> all;
    for (const RingKey& entry : ring.keys) all.push_back(entry.key->dnskey());
    return all;
}

}  // namespace swb::dns::sign::test
