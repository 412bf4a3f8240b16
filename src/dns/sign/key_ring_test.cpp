#include "dns/sign/key_ring.h"

#include "dns/sign/sign_test_support.h"

namespace swb::dns::sign {
namespace {

using test::name;
using test::now;
using test::valueOf;

constexpr RollTiming timing;

class KeyRingTest : public testing::Test {
  protected:
    KeyRingTest() : sealer_(valueOf(crypto::Sealer::load(directory_.path + "/seal.key"))) {}

    static KeyRing after(KeyRing ring, Command command, Algorithm algorithm = Algorithm::ecdsaP256Sha256,
                         bool isSplit = true) {
        const RollDecision decision = valueOf(advance(ring.state, {RollEvent::Kind::command, command, 0}, now, timing));
        return valueOf(follow(std::move(ring), decision, algorithm, isSplit, now));
    }
    static KeyRing inStage(KeyRing ring, Stage stage) {
        ring.state.stage = stage;
        ring.state.inPlaceAt = now;
        return ring;
    }
    static std::vector<Rdata> dsOfAll(const std::vector<SharedKey>& keys) {
        std::vector<Rdata> all;
        for (const SharedKey& key : keys) all.push_back(dsOf(zone_, key->dnskey(), DigestType::sha256));
        return all;
    }

    test::Directory directory_;
    crypto::Sealer sealer_;
    static inline const Name zone_ = name("fo.example");
};

TEST_F(KeyRingTest, EnablingMakesAKskAndAZskOrOneCsk) {
    const KeyRing split = after({}, Command::enable);
    ASSERT_EQ(split.keys.size(), 2u);
    EXPECT_EQ(split.keys[0].key->role(), KeyRole::ksk);
    EXPECT_EQ(split.keys[1].key->role(), KeyRole::zsk);
    EXPECT_FALSE(split.keys[0].isSuccessor);
    const KeyRing combined = after({}, Command::enable, Algorithm::ed25519, false);
    ASSERT_EQ(combined.keys.size(), 1u);
    EXPECT_EQ(combined.keys[0].key->role(), KeyRole::csk);
    EXPECT_EQ(combined.keys[0].key->algorithm(), Algorithm::ed25519);
}

TEST_F(KeyRingTest, IsReadBackWithItsKeys) {
    const KeyRing ring = after(inStage(after({}, Command::enable), Stage::steady), Command::rollKsk);
    const Json json = keyRingToJson(ring, zone_, sealer_);
    const KeyRing read = valueOf(keyRingFromJson(json, name("FO.example"), sealer_));
    EXPECT_EQ(read.state, ring.state);
    ASSERT_EQ(read.keys.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(read.keys[i].key->dnskey(), ring.keys[i].key->dnskey());
        EXPECT_EQ(read.keys[i].isSuccessor, ring.keys[i].isSuccessor);
        EXPECT_EQ(read.keys[i].madeAt, now);
        const std::string signature = valueOf(read.keys[i].key->sign("x"));
        EXPECT_TRUE(verify(ring.keys[i].key->dnskey(), "x", signature));
    }
}

TEST_F(KeyRingTest, ThePrivateHalvesAreNotInTheDocument) {
    const KeyRing ring = after({}, Command::enable, Algorithm::ed25519);
    const std::string text = toText(keyRingToJson(ring, zone_, sealer_));
    for (const RingKey& entry : ring.keys) {
        const std::string half = valueOf(entry.key->privateHalf()).reveal();
        EXPECT_EQ(text.find(half), std::string::npos);
        EXPECT_EQ(text.find(test::toBase64(half).substr(0, 40)), std::string::npos);
    }
}

TEST_F(KeyRingTest, ADocumentThatWasTamperedWithIsRefused) {
    const KeyRing ring = after({}, Command::enable);
    const Json good = keyRingToJson(ring, zone_, sealer_);
    const auto spoiled = [&](auto spoil) {
        Json json = good;
        spoil(json.as_object());
        return keyRingFromJson(json, zone_, sealer_).has_value();
    };
    EXPECT_TRUE(spoiled([](JsonObject&) {}));
    EXPECT_FALSE(spoiled([](JsonObject& json) { json["version"] = 2; }));
    EXPECT_FALSE(spoiled([](JsonObject& json) { json["zone"] = "other.example."; }));
    EXPECT_FALSE(spoiled([](JsonObject& json) { json["stage"] = "nowhere"; }));
    EXPECT_FALSE(spoiled([](JsonObject& json) { json["stage"] = "unsigned"; })) << "keys without a signed zone";
    EXPECT_FALSE(spoiled([](JsonObject& json) { json["keys"] = JsonArray{}; })) << "a signed zone without keys";
    EXPECT_FALSE(spoiled([](JsonObject& json) { json["keys"].as_array()[0].as_object()["tag"] = 1; }));
    EXPECT_FALSE(spoiled([](JsonObject& json) { json["keys"].as_array()[0].as_object()["algorithm"] = 8; }));
    EXPECT_FALSE(spoiled([](JsonObject& json) {
        JsonArray& keys = json["keys"].as_array();
        keys[0].as_object()["sealed"] = keys[1].as_object()["sealed"];
    })) << "a key in another key's place";
    EXPECT_FALSE(keyRingFromJson(good, name("other.example"), sealer_));
    const test::Directory elsewhere;
    EXPECT_FALSE(keyRingFromJson(good, zone_, valueOf(crypto::Sealer::load(elsewhere.path + "/seal.key"))));
}

TEST_F(KeyRingTest, TheSetsAtTheTopFollowTheStage) {
    const KeyRing first = after({}, Command::enable);
    KeySet set = keySetOf(first, zone_, 600, {});
    ASSERT_EQ(set.apexSets.size(), 1u) << "no CDS before the signatures have spread";
    EXPECT_EQ(set.apexSets[0].type, type::dnskey);
    EXPECT_EQ(set.apexSets[0].records.size(), 2u);
    EXPECT_EQ(set.apexSets[0].ttlSeconds, 600u);
    EXPECT_FALSE(set.isChainComplete);
    EXPECT_EQ(set.signersOf(type::dnskey), set.keySigners);
    EXPECT_EQ(set.signersOf(type::soa), set.zoneSigners);
    EXPECT_NE(set.keySigners.at(0), set.zoneSigners.at(0));

    set = keySetOf(inStage(first, Stage::steady), zone_, 600, {});
    ASSERT_EQ(set.apexSets.size(), 3u);
    EXPECT_TRUE(set.isChainComplete);
    EXPECT_EQ(set.apexSets[1].type, type::cds);
    EXPECT_EQ(set.apexSets[1].records, (std::vector{dsOf(zone_, first.keys[0].key->dnskey(), DigestType::sha256)}));
    EXPECT_EQ(set.apexSets[2].records, (std::vector{first.keys[0].key->dnskey()}));

    set = keySetOf(inStage(first, Stage::delegationRemoval), zone_, 600, {});
    ASSERT_EQ(set.apexSets.size(), 3u);
    EXPECT_EQ(set.apexSets[1].records, (std::vector{Rdata("\0\0\0\0\0", 5)})) << "RFC 8078 §4";
    EXPECT_EQ(set.apexSets[2].records, (std::vector{Rdata("\0\0\3\0\0", 5)}));
    EXPECT_TRUE(keySetOf({}, zone_, 600, {}).apexSets.empty());
}

TEST_F(KeyRingTest, ARollOverOfTheKskAsksForTheNewOneAndThenDropsTheOld) {
    KeyRing ring = after(inStage(after({}, Command::enable), Stage::steady), Command::rollKsk);
    const SharedKey old = ring.keys[0].key;
    const SharedKey fresh = ring.keys[2].key;
    EXPECT_EQ(keySetOf(ring, zone_, 600, {}).keySigners, (std::vector{old, fresh}));
    EXPECT_EQ(delegatedKeys(ring), (std::vector{old}));
    ring = inStage(ring, Stage::kskDelegation);
    EXPECT_EQ(delegatedKeys(ring), (std::vector{fresh}));
    EXPECT_FALSE(parentAgrees(ring, zone_, {}));
    EXPECT_FALSE(parentAgrees(ring, zone_, dsOfAll({old})));
    EXPECT_FALSE(parentAgrees(ring, zone_, dsOfAll({old, fresh}))) << "the old one is still there";
    EXPECT_TRUE(parentAgrees(ring, zone_, dsOfAll({fresh})));
    EXPECT_TRUE(parentAgrees(ring, zone_, {dsOf(zone_, fresh->dnskey(), DigestType::sha384)}));
    RollDecision end{ring.state, true, KeyAction::promoteSuccessors, Rolled::nothing};
    end.state.stage = Stage::steady;
    ring = valueOf(follow(ring, end, Algorithm::ed25519, true, now));
    ASSERT_EQ(ring.keys.size(), 2u);
    EXPECT_EQ(ring.keys[0].key->role(), KeyRole::zsk);
    EXPECT_EQ(ring.keys[1].key, fresh);
    EXPECT_FALSE(ring.keys[1].isSuccessor);
}

TEST_F(KeyRingTest, OnlyRolesThatAreThereAreRolled) {
    const KeyRing split = inStage(after({}, Command::enable), Stage::steady);
    const KeyRing combined = inStage(after({}, Command::enable, Algorithm::ed25519, false), Stage::steady);
    const auto roll = [&](const KeyRing& ring, Command command) {
        const auto decision = valueOf(advance(ring.state, {RollEvent::Kind::command, command, 0}, now, timing));
        return follow(ring, decision, Algorithm::ed25519, true, now);
    };
    EXPECT_FALSE(roll(split, Command::rollCsk));
    EXPECT_FALSE(roll(combined, Command::rollZsk));
    EXPECT_FALSE(roll(combined, Command::rollKsk));
    EXPECT_EQ(valueOf(roll(combined, Command::rollCsk)).keys.size(), 2u);
    const KeyRing both = valueOf(roll(split, Command::rollAlgorithm));
    ASSERT_EQ(both.keys.size(), 4u);
    EXPECT_EQ(keySetOf(both, zone_, 600, {}).apexSets[0].records.size(), 2u) << "signatures first, keys later";
    EXPECT_EQ(keySetOf(both, zone_, 600, {}).zoneSigners.size(), 2u);
    EXPECT_EQ(keySetOf(inStage(both, Stage::algorithmPublication), zone_, 600, {}).apexSets[0].records.size(), 4u);
}

}  // namespace
}  // namespace swb::dns::sign
