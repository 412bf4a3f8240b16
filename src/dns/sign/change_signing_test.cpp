#include "dns/sign/change_signing.h"

#include <algorithm>
#include <random>

#include "dns/sign/zone_test_support.h"

namespace swb::dns::sign {
namespace {

using test::bringInPlace;
using test::keySet;
using test::name;
using test::now;
using test::valueOf;

class ChangeSigning : public testing::Test {
  protected:
    void SetUp() override { bringInPlace(zone_, keys_); }

    // Signs and applies it; the zone must then be as a look at the whole of it wants it.
    ZoneChange apply(const ZoneEdits& edits) {
        const ZoneChange change = valueOf(signChange(*zone_, valueOf(zone_->draft(edits)), keys_, now));
        if (!change.isEmpty()) zone_ = valueOf(zone_->with(change));
        const Upkeep lacking = valueOf(upkeep(*zone_, keys_, now, {}));
        for (const SetChange& set : lacking.change.sets)
            ADD_FAILURE() << "lacking: " << set.name.toText() << ' ' << typeToText(set.type);
        return change;
    }
    void expectValid() const { test::expectValid(*zone_, test::dnskeysOf(ring_)); }
    static std::set<std::string> touched(const ZoneChange& change) {
        std::set<std::string> all;
        for (const SetChange& set : change.sets) all.insert(set.name.toText() + typeToText(set.type));
        return all;
    }

    const KeyRing ring_ = test::ring(Stage::steady);
    const KeySet keys_ = keySet(ring_);
    ZonePointer zone_ = test::zone();
};

TEST_F(ChangeSigning, ASwitchTouchesNothingButItself) {
    ZoneEdits edits;
    edits.addresses = {{"shop", 4, name("shop.fo.example"), 30, {test::address("203.0.113.77")}}};
    const ZoneChange change = apply(edits);
    EXPECT_EQ(touched(change),
              (std::set<std::string>{"fo.example.SOA", "shop.fo.example.A", "_swingbridge.shop.fo.example.TXT"}));
    for (const SetChange& set : change.sets) {
        ASSERT_EQ(set.after->signatures.size(), 1u);
        EXPECT_EQ(set.before->signatures.size(), 1u);
    }
    expectValid();
}

TEST_F(ChangeSigning, AnEmptyChangeStaysEmpty) {
    EXPECT_TRUE(apply({}).isEmpty());
}

TEST_F(ChangeSigning, ANewNameIsLinkedBetweenItsNeighbours) {
    ZoneEdits edits;
    edits.records = {test::records("nova.fo.example", type::a, {"192.0.2.5"})};
    const ZoneChange change = apply(edits);
    EXPECT_EQ(touched(change).size(), 4u) << "SOA, A, its NSEC, the NSEC before";
    expectValid();
    // The last name of the zone: its next is the apex.
    edits.records = {test::records("zz.fo.example", type::a, {"192.0.2.5"})};
    apply(edits);
    expectValid();
    ZoneEdits removal;
    removal.removedRecords = {{name("zz.fo.example"), type::a}, {name("nova.fo.example"), type::a}};
    apply(removal);
    EXPECT_FALSE(zone_->nodeOf(name("zz.fo.example")));
    expectValid();
}

TEST_F(ChangeSigning, ANameBetweenNamesHasNoNsec) {
    ZoneEdits edits;
    edits.records = {test::records("deep.fo.example", type::txt, {"here"})};
    apply(edits);
    expectValid();
    ZoneEdits removal;
    removal.removedRecords = {{name("deep.fo.example"), type::txt}};
    apply(removal);
    EXPECT_TRUE(zone_->nodeOf(name("deep.fo.example")));
    EXPECT_TRUE(zone_->nodeOf(name("deep.fo.example")).sets().empty());
    expectValid();
}

TEST_F(ChangeSigning, NeighboursComeAndGoInOneChange) {
    ZoneEdits edits;
    edits.removedRecords = {{name("note.fo.example"), type::txt}, {name("odd.fo.example"), 1000}};
    edits.records = {test::records("nov.fo.example", type::a, {"192.0.2.5"}),
                     test::records("novb.fo.example", type::a, {"192.0.2.5"}),
                     test::records("novc.fo.example", type::a, {"192.0.2.5"})};
    apply(edits);
    expectValid();
}

TEST_F(ChangeSigning, ATypeMoreChangesTheBitmapOnly) {
    ZoneEdits edits;
    edits.records = {test::records("note.fo.example", type::mx, {"1 a.example."})};
    EXPECT_EQ(touched(apply(edits)), (std::set<std::string>{"fo.example.SOA", "note.fo.example.MX",
                                                            "note.fo.example." + typeToText(type::nsec)}));
    expectValid();
}

TEST_F(ChangeSigning, ADelegationHidesWhatIsBelow) {
    ZoneEdits edits;
    edits.records = {test::records("deep.fo.example", type::ns, {"ns.other.example."})};
    apply(edits);
    EXPECT_TRUE(zone_->nodeOf(name("a.deep.fo.example")).find(type::a)->signatures.empty());
    expectValid();
    ZoneEdits removal;
    removal.removedRecords = {{name("deep.fo.example"), type::ns}, {name("sub.fo.example"), type::ns}};
    apply(removal);
    EXPECT_FALSE(zone_->nodeOf(name("ns.sub.fo.example")).find(type::a)->signatures.empty()) << "no glue any more";
    expectValid();
}

TEST_F(ChangeSigning, GlueAndDsOfADelegationChange) {
    ZoneEdits edits;
    edits.records = {test::records("ns.sub.fo.example", type::a, {"192.0.2.100"}),
                     test::records("ns2.sub.fo.example", type::a, {"192.0.2.101"}),
                     test::records("sub.fo.example", type::ds, {"\\# 36 00020d02" + std::string(64, 'b')}),
                     test::records("sub.fo.example", type::ns, {"ns2.sub.fo.example."})};
    apply(edits);
    EXPECT_TRUE(zone_->nodeOf(name("sub.fo.example")).find(type::ns)->signatures.empty());
    EXPECT_FALSE(zone_->nodeOf(name("sub.fo.example")).find(type::ds)->signatures.empty());
    expectValid();
}

TEST_F(ChangeSigning, ALargeChangeIsSignedToo) {
    ZoneEdits edits;
    for (int i = 0; i < 5000; ++i)
        edits.records.push_back(test::records("n" + std::to_string(i) + ".fo.example", type::a, {"192.0.2.5"}));
    apply(edits);
    expectValid();
    ZoneEdits removal;
    for (int i = 0; i < 5000; ++i)
        removal.removedRecords.push_back({name("n" + std::to_string(i) + ".fo.example"), type::a});
    apply(removal);
    expectValid();
}

TEST_F(ChangeSigning, RandomChangesGiveWhatSigningTheWholeZoneGives) {
    const std::vector<std::string> owners = {"a",      "b",     "c.b",      "d.c.b", "*.b",     "note",   "deep",
                                             "b.deep", "x.sub", "sub",      "wild",  "y.wild",  "*.wild", "zz",
                                             "0",      "mail",  "new.safe", "safe",  "x.*.wild"};
    const std::vector<std::pair<uint16_t, std::string>> types = {
        {type::a, "192.0.2.9"}, {type::txt, "text"}, {type::mx, "5 m.example."}, {1000, "\\# 1 aa"}};
    int applied = 0;
    for (unsigned seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        ZoneEdits edits;
        for (unsigned i = 0; i < 1 + seed % 6; ++i) {
            const Name owner = name(owners[random() % owners.size()] + ".fo.example");
            const auto& [number, text] = types[random() % types.size()];
            const bool isTaken = std::any_of(edits.records.begin(), edits.records.end(),
                                             [&, wanted = number](const ZoneRecordSet& other) {
                                                 return other.name == owner && other.set.type == wanted;
                                             });
            if (isTaken) continue;
            if (random() % 2 == 0) {
                edits.removedRecords.push_back({owner, number});
            } else {
                edits.records.push_back({owner, test::recordSet(number, {text}, 60 + random() % 3)});
            }
        }
        if (!zone_->draft(edits)) continue;  // against a rule of zones
        apply(edits);
        if (HasFailure()) return;
        ++applied;
    }
    EXPECT_GT(applied, 75);
    expectValid();
}

TEST_F(ChangeSigning, WhileTheChainIsBeingMadeAChangeSignsItsSetsOnly) {
    const KeyRing ring = test::ring(Stage::firstSignatures);
    const KeySet keys = keySet(ring);
    ZonePointer zone = test::zone();
    zone = valueOf(zone->with(valueOf(upkeep(*zone, keys, now, {12, 1})).change));
    ZoneEdits edits;
    edits.records = {test::records("nova.fo.example", type::a, {"192.0.2.5"})};
    edits.removedRecords = {
        {name("odd.fo.example"), 1000}, {name("mail.fo.example"), type::mx}, {name("note.fo.example"), type::txt}};
    zone = valueOf(zone->with(valueOf(signChange(*zone, valueOf(zone->draft(edits)), keys, now))));
    for (const char* gone : {"odd.fo.example", "mail.fo.example", "note.fo.example"})
        EXPECT_FALSE(zone->nodeOf(name(gone))) << gone;
    bringInPlace(zone, keys);
    test::expectValid(*zone, test::dnskeysOf(ring));
}

TEST_F(ChangeSigning, WhileTheZoneIsBeingUnsignedAChangeIsNotSigned) {
    ZonePointer zone = valueOf(zone_->with(valueOf(upkeep(*zone_, {}, now, {5, 1})).change));
    ZoneEdits edits;
    edits.removedRecords = {{name("odd.fo.example"), 1000}};
    edits.records = {test::records("nova.fo.example", type::a, {"192.0.2.5"})};
    zone = valueOf(zone->with(valueOf(signChange(*zone, valueOf(zone->draft(edits)), {}, now))));
    EXPECT_FALSE(zone->nodeOf(name("odd.fo.example")));
    bringInPlace(zone, {});
    zone->forEachSet([](NameView owner, const RecordSet& set) {
        EXPECT_TRUE(set.signatures.empty() && !isSignerType(set.type)) << owner.toText();
    });
}

}  // namespace
}  // namespace swb::dns::sign
