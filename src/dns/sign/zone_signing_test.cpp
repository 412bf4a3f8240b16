#include "dns/sign/zone_signing.h"

#include <algorithm>

#include "dns/sign/zone_test_support.h"

namespace swb::dns::sign {
namespace {

using test::bringInPlace;
using test::keySet;
using test::now;
using test::valueOf;

TEST(ZoneSigning, AWholeZoneIsSignedAndUnsigned) {
    for (const Algorithm algorithm : {Algorithm::ecdsaP256Sha256, Algorithm::ed25519})
        for (const bool isSplit : {true, false}) {
            const KeyRing ring = test::ring(Stage::steady, algorithm, isSplit);
            ZonePointer zone = test::zone();
            const ZonePointer plain = zone;
            EXPECT_EQ(bringInPlace(zone, keySet(ring)), 1);
            test::expectValid(*zone, test::dnskeysOf(ring));
            EXPECT_TRUE(zone->isSigned());
            EXPECT_NE(zone->nodeOf(test::name("fo.example")).find(type::cds), nullptr);

            EXPECT_EQ(bringInPlace(zone, KeySet()), 1);
            EXPECT_FALSE(zone->isSigned());
            size_t sets = 0;
            zone->forEachSet([&](NameView owner, const RecordSet& set) {
                ++sets;
                EXPECT_TRUE(set.signatures.empty());
                EXPECT_FALSE(isSignerType(set.type)) << owner.toText();
                if (set.type != type::soa) {
                    EXPECT_EQ(*plain->nodeOf(owner).find(set.type), set) << owner.toText();
                }
            });
            size_t before = 0;
            plain->forEachSet([&](NameView, const RecordSet&) { ++before; });
            EXPECT_EQ(sets, before);
        }
}

TEST(ZoneSigning, PartsAreBoundedAndLeadToTheSame) {
    const KeyRing ring = test::ring(Stage::steady);
    ZonePointer whole = test::zone();
    ZonePointer parts = whole;
    bringInPlace(whole, keySet(ring));
    EXPECT_GT(bringInPlace(parts, keySet(ring), now, {5, 1}), 5);
    test::expectValid(*parts, test::dnskeysOf(ring));
    const Upkeep found = valueOf(upkeep(*test::zone(), keySet(ring), now, {5, 1}));
    EXPECT_EQ(found.change.sets.size(), 5u);
    EXPECT_GT(found.setsLeft, 20u);
}

TEST(ZoneSigning, ManyThreadsSignAsOneDoes) {
    const KeyRing ring = test::ring(Stage::steady);
    ZoneDefinition definition = test::definition();
    for (int i = 0; i < 400; ++i)
        definition.records.push_back(test::records("h" + std::to_string(i) + ".fo.example", type::a, {"192.0.2.1"}));
    ZonePointer one = valueOf(ZoneSnapshot::build(definition));
    ZonePointer four = one;
    bringInPlace(one, keySet(ring), now, {20'000, 1});
    bringInPlace(four, keySet(ring), now, {20'000, 4});
    std::vector<RecordSet> sets;
    one->forEachSet([&](NameView, const RecordSet& set) { sets.push_back(set); });
    size_t at = 0;
    four->forEachSet([&](NameView, const RecordSet& set) { EXPECT_EQ(set, sets.at(at++)); });
    test::expectValid(*four, test::dnskeysOf(ring));
}

TEST(ZoneSigning, SignaturesAreMadeAnewBeforeTheyEnd) {
    const KeyRing ring = test::ring(Stage::steady);
    ZonePointer zone = test::zone();
    bringInPlace(zone, keySet(ring));
    const Upkeep quiet = valueOf(upkeep(*zone, keySet(ring), now, {}));
    EXPECT_TRUE(quiet.change.isEmpty());
    EXPECT_EQ(quiet.longestTtlSeconds, 3600u);
    const SignaturePolicy policy;
    const UnixSeconds earliest = now + policy.validitySeconds - policy.jitterSeconds - policy.refreshSeconds();
    EXPECT_GE(quiet.nextDue, earliest);
    EXPECT_LT(quiet.nextDue, now + policy.validitySeconds - policy.refreshSeconds());
    EXPECT_EQ(bringInPlace(zone, keySet(ring), quiet.nextDue - 1), 0);
    const ZonePointer before = zone;
    EXPECT_EQ(bringInPlace(zone, keySet(ring), quiet.nextDue), 1);
    size_t renewed = 0;
    size_t kept = 0;
    before->forEachSet(
        [&](NameView owner, const RecordSet& set) { ++(*zone->nodeOf(owner).find(set.type) == set ? kept : renewed); });
    EXPECT_LE(renewed, 3u) << "the due one and the SOA, perhaps one of the same second";
    EXPECT_GT(kept, 20u);
    // A server that slept for a month signs everything at once.
    bringInPlace(zone, keySet(ring), now + 30 * 86400);
    test::expectValid(*zone, test::dnskeysOf(ring), now + 30 * 86400);
}

TEST(ZoneSigning, AZskIsReplacedInPartsAndTheZoneIsValidThroughout) {
    KeyRing ring = test::ring(Stage::steady);
    ZonePointer zone = test::zone();
    bringInPlace(zone, keySet(ring));
    RollDecision begin{ring.state, true, KeyAction::nothing, Rolled::zsk};
    begin.state.stage = Stage::zskPublication;
    ring = valueOf(follow(ring, begin, Algorithm::ed25519, true, now));
    EXPECT_EQ(bringInPlace(zone, keySet(ring)), 1);
    EXPECT_EQ(zone->nodeOf(test::name("fo.example")).find(type::dnskey)->records.size(), 3u);
    test::expectValid(*zone, test::dnskeysOf(ring));
    ring.state.stage = Stage::zskReplacement;
    for (;;) {
        const Upkeep found = valueOf(upkeep(*zone, keySet(ring), now, {5, 1}));
        if (found.change.isEmpty()) break;
        zone = valueOf(zone->with(found.change));
        test::expectValid(*zone, test::dnskeysOf(ring));
    }
    zone->forEachSet([&](NameView owner, const RecordSet& set) {
        for (const Rdata& rrsig : set.signatures)
            EXPECT_NE(readSignature(rrsig, now)->keyTag, ring.keys[1].key->tag()) << owner.toText();
    });
}

TEST(ZoneSigning, TwoAlgorithmsSignEverySetDuringARollOverOfTheAlgorithm) {
    KeyRing ring = test::ring(Stage::steady, Algorithm::ecdsaP256Sha256);
    ZonePointer zone = test::zone();
    bringInPlace(zone, keySet(ring));
    RollDecision begin{ring.state, true, KeyAction::nothing, Rolled::every};
    begin.state.stage = Stage::algorithmSignatures;
    ring = valueOf(follow(ring, begin, Algorithm::ed25519, true, now));
    bringInPlace(zone, keySet(ring));
    test::expectValid(*zone, test::dnskeysOf(ring));
    EXPECT_EQ(zone->nodeOf(test::name("shop.fo.example")).find(type::a)->signatures.size(), 2u);
    EXPECT_EQ(zone->nodeOf(test::name("fo.example")).find(type::dnskey)->records.size(), 2u);
    EXPECT_EQ(zone->nodeOf(test::name("fo.example")).find(type::dnskey)->signatures.size(), 1u);
    ring.state.stage = Stage::algorithmPublication;
    bringInPlace(zone, keySet(ring));
    test::expectValid(*zone, test::dnskeysOf(ring));
    EXPECT_EQ(zone->nodeOf(test::name("fo.example")).find(type::dnskey)->records.size(), 4u);
    EXPECT_EQ(zone->nodeOf(test::name("fo.example")).find(type::dnskey)->signatures.size(), 2u);
}

}  // namespace
}  // namespace swb::dns::sign
