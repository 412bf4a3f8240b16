// Changes: what with() makes of them, what draft() makes of edits, and that both agree with building from nothing.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "dns/dns_test_support.h"
#include "dns/epoch_mark.h"
#include "dns/soa.h"

namespace swb::dns::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

FailoverAddress shop(int64_t epoch, std::vector<std::string> addresses, uint32_t ttlSeconds = 300) {
    FailoverAddress entry{"shop", epoch, name("shop.fo.example"), ttlSeconds, {}};
    for (const std::string& text : addresses) entry.addresses.push_back(address(text));
    return entry;
}

ZoneEdits editsOf(FailoverAddress entry) {
    ZoneEdits edits;
    edits.addresses.push_back(std::move(entry));
    return edits;
}

ZonePointer after(const ZonePointer& zone, const ZoneEdits& edits) {
    const auto change = zone->draft(edits);
    EXPECT_TRUE(change) << (change ? "" : describe(change.error()));
    if (!change || change->isEmpty()) return zone;
    const auto next = zone->with(*change);
    EXPECT_TRUE(next) << (next ? "" : describe(next.error()));
    return next ? *next : zone;
}

std::vector<std::string> namesOf(const ZonePointer& zone) {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < zone->nodeCount(); ++i) names.push_back(zone->nodeAt(i).name().toText());
    return names;
}

TEST(DnsZoneChange, ASwitchChangesAddressMarkAndSerial) {
    const auto change = exampleZone()->draft(editsOf(shop(4, {"203.0.113.11"})));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->fromSerial, 7u);
    EXPECT_EQ(change->toSerial, 8u);
    ASSERT_EQ(change->sets.size(), 3u);
    EXPECT_EQ(change->sets[0].type, type::soa);
    EXPECT_EQ(change->sets[1].name, name("shop.fo.example"));
    EXPECT_EQ(change->sets[2].name, name("_swingbridge.shop.fo.example"));
    const auto next = *exampleZone()->with(*change);
    EXPECT_EQ(next->serial(), 8u);
    EXPECT_TRUE(next->isMadeFrom(*exampleZone()));
    EXPECT_EQ(next->failoverAddressAt(name("shop.fo.example")), shop(4, {"203.0.113.11"}));
    EXPECT_EQ(exampleZone()->failoverAddressAt(name("shop.fo.example"))->epoch, 3) << "the old snapshot stays";
    EXPECT_THAT(lines(answered(query("_swingbridge.shop.fo.example", type::txt), Transport::udp, next).answers),
                testing::ElementsAre("_swingbridge.shop.fo.example. 300 TXT \"group=shop epoch=4\""));
}

TEST(DnsZoneChange, NothingToDoIsAnEmptyChange) {
    const auto change = exampleZone()->draft(editsOf(shop(3, {"203.0.113.10"})));
    ASSERT_TRUE(change);
    EXPECT_TRUE(change->isEmpty());
    EXPECT_EQ(change->toSerial, 7u);
}

TEST(DnsZoneChange, AnOlderEpochOrNoAddressIsRefused) {
    EXPECT_EQ(exampleZone()->draft(editsOf(shop(2, {"203.0.113.11"}))).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(exampleZone()->draft(editsOf(shop(4, {}))).error().code, ErrorCode::InvalidInput);
    FailoverAddress other = shop(9, {"203.0.113.11"});
    other.group = "other";
    EXPECT_EQ(exampleZone()->draft(editsOf(other)).error().code, ErrorCode::Conflict);
    FailoverAddress onStatic = shop(9, {"203.0.113.11"});
    onStatic.name = name("a.deep.fo.example");
    EXPECT_EQ(exampleZone()->draft(editsOf(onStatic)).error().code, ErrorCode::Conflict);
    // A change that did not come from draft() is held to the same.
    auto change = *exampleZone()->draft(editsOf(shop(4, {"203.0.113.11"})));
    change.sets[2].after = epochMarkSet("shop", 2, 300);
    EXPECT_EQ(exampleZone()->with(change).error().code, ErrorCode::EpochOld);
    change = *exampleZone()->draft(editsOf(shop(4, {"203.0.113.11"})));
    change.sets[1].after.reset();
    EXPECT_THAT(exampleZone()->with(change).error().message, HasSubstr("no address at all"));
    change = *exampleZone()->draft(editsOf(shop(4, {"203.0.113.11"})));
    change.sets[1].after->records.clear();
    EXPECT_THAT(exampleZone()->with(change).error().message, HasSubstr("no data"));
}

TEST(DnsZoneChange, WhatIsNotHereAnyMoreIsAConflict) {
    const auto change = *exampleZone()->draft(editsOf(shop(4, {"203.0.113.11"})));
    const auto next = *exampleZone()->with(change);
    EXPECT_EQ(next->with(change).error().code, ErrorCode::Conflict) << "the serial";
    ZoneChange late = change;
    late.fromSerial = 8;
    late.toSerial = 9;
    EXPECT_EQ(next->with(late).error().code, ErrorCode::Conflict) << "the sets";
    ZoneChange backwards = change;
    backwards.toSerial = 6;
    EXPECT_EQ(exampleZone()->with(backwards).error().code, ErrorCode::Conflict);
    ZoneChange wrongSerial = change;
    wrongSerial.toSerial = 9;
    EXPECT_FALSE(exampleZone()->with(wrongSerial)) << "the SOA says 8";
    ZoneChange twice = change;
    twice.sets.push_back(twice.sets.back());
    EXPECT_FALSE(exampleZone()->with(twice));
    ZoneChange withoutSoa = change;
    withoutSoa.sets.erase(withoutSoa.sets.begin());
    EXPECT_FALSE(exampleZone()->with(withoutSoa));
}

TEST(DnsZoneChange, NamesComeAndGoWithTheNamesBetween) {
    ZoneEdits edits;
    edits.records = {recordSet("x.y.new.fo.example", type::a, {"192.0.2.1"})};
    const auto more = after(exampleZone(), edits);
    EXPECT_EQ(more->nodeCount(), exampleZone()->nodeCount() + 3);
    EXPECT_TRUE(more->nodeOf(name("new.fo.example")));
    EXPECT_TRUE(more->nodeOf(name("y.new.fo.example")).sets().empty());
    edits = {};
    edits.removedRecords = {{name("X.Y.NEW.fo.example"), type::a}};
    const auto again = after(more, edits);
    EXPECT_EQ(namesOf(again), namesOf(exampleZone()));
    EXPECT_EQ(again->serial(), 9u);
}

TEST(DnsZoneChange, AGroupGoesWithItsMark) {
    ZoneEdits edits;
    edits.removedAddresses = {name("shop.fo.example"), name("a.deep.fo.example"), name("nothing.fo.example")};
    const auto next = after(exampleZone(), edits);
    EXPECT_FALSE(next->nodeOf(name("shop.fo.example")));
    EXPECT_FALSE(next->nodeOf(name("_swingbridge.shop.fo.example")));
    EXPECT_TRUE(next->nodeOf(name("a.deep.fo.example"))) << "no failover address";
}

TEST(DnsZoneChange, TheSerialCanBeMadeToMoveWithNothingElse) {
    EXPECT_TRUE(exampleZone()->draft({}, 7)->isEmpty());
    const auto change = exampleZone()->draft({}, 1000);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->toSerial, 1000u);
    ASSERT_EQ(change->sets.size(), 1u);
    EXPECT_EQ((*exampleZone()->with(*change))->serial(), 1000u);
}

TEST(DnsZoneChange, TheZonesOwnRecordsAreNotForEdits) {
    const auto refusesRemoval = [](std::string_view owner, uint16_t type) {
        ZoneEdits edits;
        edits.removedRecords = {{name(owner), type}};
        return !exampleZone()->draft(edits);
    };
    EXPECT_TRUE(refusesRemoval("fo.example", type::soa));
    EXPECT_TRUE(refusesRemoval("fo.example", type::ns));
    EXPECT_TRUE(refusesRemoval("shop.fo.example", type::a));
    EXPECT_TRUE(refusesRemoval("_swingbridge.shop.fo.example", type::txt));
    const auto refusesRecord = [](std::string_view owner, uint16_t type, std::string data) {
        ZoneEdits edits;
        edits.records = {recordSet(owner, type, {std::move(data)})};
        return !exampleZone()->draft(edits);
    };
    EXPECT_TRUE(refusesRecord("_swingbridge.x.fo.example", type::txt, "x"));
    EXPECT_TRUE(refusesRecord("shop.fo.example", type::a, "192.0.2.1"));
    EXPECT_TRUE(refusesRecord("x.fo.example", type::dname, "y.example."));
    EXPECT_TRUE(refusesRecord("fo.example", type::dnskey, "257 3 13 AAAA"));
    EXPECT_FALSE(refusesRecord("x.fo.example", type::a, "192.0.2.1"));
}

TEST(DnsZoneChange, AWholeDefinitionIsReachedInOneStep) {
    ZoneDefinition definition = exampleDefinition();
    definition.addresses[0].epoch = 9;
    definition.addresses[0].addresses = {address("203.0.113.77")};
    definition.addresses.erase(definition.addresses.begin() + 1);
    definition.records.push_back(recordSet("added.fo.example", type::txt, {"x"}));
    definition.nameServers.pop_back();
    const auto change = exampleZone()->draftTo(definition);
    ASSERT_TRUE(change) << describe(change.error());
    const auto next = exampleZone()->with(*change);
    ASSERT_TRUE(next) << describe(next.error());
    definition.serial = 8;
    EXPECT_TRUE(sameContents(**next, *build(definition)));
    EXPECT_TRUE((*next)->draftTo(definition)->isEmpty());
    definition.addresses[0].epoch = 8;
    EXPECT_EQ((*next)->draftTo(definition).error().code, ErrorCode::EpochOld);
}

TEST(DnsZoneChange, ASerialFloorIsKept) {
    EXPECT_EQ(exampleZone()->draft(editsOf(shop(4, {"203.0.113.11"})), 1000)->toSerial, 1000u);
    EXPECT_EQ(exampleZone()->draft(editsOf(shop(4, {"203.0.113.11"})), 3)->toSerial, 8u);
}

TEST(DnsZoneChange, SignedSetsPassThrough) {
    const auto set = [](std::string_view owner, uint16_t type, std::string data, bool isSigned = true) {
        ZoneRecordSet record = recordSet(owner, type, {std::move(data)});
        if (isSigned)
            record.set.signatures = {
                *rdataFromText(type::rrsig, "A 13 2 300 20300101000000 20200101000000 1 fo.example. AAEC")};
        return record;
    };
    const auto zone = ZoneSnapshot::fromSets(
        name("fo.example"),
        {set("fo.example", type::soa, "ns.x. host.x. 1 2 3 4 5"), set("fo.example", type::ns, "ns.x."),
         set("fo.example", type::nsec, "a.fo.example. NS SOA RRSIG NSEC"),
         set("a.fo.example", type::cname, "b.example."),
         set("a.fo.example", type::nsec, "z.fo.example. CNAME RRSIG NSEC"), set("b.c.fo.example", type::a, "192.0.2.1"),
         set("b.c.fo.example", type::nsec, "d.fo.example. A RRSIG NSEC"),
         set("d.fo.example", type::ns, "ns.d.fo.example.", false), set("ns.d.fo.example", type::a, "192.0.2.1", false),
         set("d.fo.example", type::nsec, "*.w.fo.example. NS RRSIG NSEC"), set("*.w.fo.example", type::a, "192.0.2.3"),
         set("*.w.fo.example", type::nsec, "fo.example. A RRSIG NSEC")});
    ASSERT_TRUE(zone) << describe(zone.error());
    EXPECT_TRUE((*zone)->isSigned());
    const auto proof = [&](std::string_view owner, uint16_t type, bool hasData) {
        const Name asked = name(owner);
        const auto found = (*zone)->lookup(HashedName(asked), type);
        std::vector<std::string> names;
        const ZoneSnapshot::Proof proved = (*zone)->proofOf(found, asked, hasData);
        for (const ZoneNode& node : proved.span()) {
            EXPECT_TRUE(node.find(type::nsec)) << node.name().toText();
            names.push_back(node.name().toText());
        }
        return names;
    };
    using testing::ElementsAre;
    EXPECT_THAT(proof("b.c.fo.example", type::a, true), IsEmpty());
    EXPECT_THAT(proof("b.c.fo.example", type::mx, false), ElementsAre("b.c.fo.example."));
    EXPECT_THAT(proof("c.fo.example", type::mx, false), ElementsAre("a.fo.example.")) << "a name between names";
    EXPECT_THAT(proof("cc.fo.example", type::a, false), ElementsAre("b.c.fo.example.", "fo.example."));
    EXPECT_THAT(proof("e.fo.example", type::a, false), ElementsAre("d.fo.example.", "fo.example.")) << "glue has none";
    EXPECT_THAT(proof("zz.fo.example", type::a, false), ElementsAre("*.w.fo.example.", "fo.example."));
    EXPECT_THAT(proof("x.w.fo.example", type::a, true), ElementsAre("*.w.fo.example."));
    EXPECT_THAT(proof("x.w.fo.example", type::mx, false), ElementsAre("*.w.fo.example."));
    EXPECT_THAT(proof("x.d.fo.example", type::a, false), ElementsAre("d.fo.example."));
    EXPECT_EQ((*zone)->predecessor(name("fo.example")).name().toText(), "*.w.fo.example.");
    EXPECT_EQ((*zone)->successor(name("d.fo.example")).name().toText(), "*.w.fo.example.");
    EXPECT_EQ((*zone)->successor(name("*.w.fo.example")).name().toText(), "fo.example.");
}

TEST(DnsZoneSet, TheLongestOriginWins) {
    ZoneDefinition inner = exampleDefinition();
    inner.origin = name("in.fo.example");
    inner.addresses.clear();
    inner.records.clear();
    inner.nameServers = {{name("ns.far.example"), {}}};
    const ZonePointer child = build(inner);
    const ZoneSet zones({child, exampleZone()});
    const auto find = [&](std::string_view owner, uint16_t type = type::a) {
        const Name asked = name(owner);
        return zones.find(HashedName(asked), type);
    };
    EXPECT_EQ(find("x.in.fo.example"), child.get());
    EXPECT_EQ(find("IN.fo.EXAMPLE"), child.get());
    EXPECT_EQ(find("in.fo.example", type::ds), exampleZone().get()) << "asked of the parent";
    EXPECT_EQ(find("xin.fo.example"), exampleZone().get());
    EXPECT_EQ(find("fo.example", type::ds), exampleZone().get());
    EXPECT_EQ(find("example"), nullptr);
    EXPECT_EQ(zones.without(name("fo.example"))->zones().size(), 1u);
    EXPECT_EQ(ZoneSet({}).find(HashedName(name("x").view()), 1), nullptr);
}

// Few labels, so that names meet: parents, wildcards, different cases.
rc::Gen<std::string> genName() {
    return rc::gen::map(rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(
                            rc::gen::element<std::string>("a", "b", "B", "*", "c"))),
                        [](std::vector<std::string> labels) {
                            std::string text;
                            for (size_t i = 0; i < std::min<size_t>(labels.size(), 4); ++i) text += labels[i] + ".";
                            return text + "fo.example.";
                        });
}

std::string lowerCaseText(const Name& owner) {
    std::string text = owner.toText();
    for (char& character : text) character = static_cast<char>(lowerCase(static_cast<uint8_t>(character)));
    return text;
}

ZoneDefinition plainDefinition() {
    ZoneDefinition definition;
    definition.origin = name("fo.example");
    definition.serial = 1;
    definition.nameServers = {{name("ns.far.example"), {}}};
    return definition;
}

// Static records and groups in any order: the zone reached by changes is the zone built at once.
RC_GTEST_PROP(DnsZoneProperty, ChangesLeadWhereBuildingLeads, ()) {
    ZoneDefinition definition = plainDefinition();
    ZonePointer zone = build(definition);
    for (int step = 0; step < 25; ++step) {
        const auto owner = name(*genName());
        const auto kind = *rc::gen::inRange(0, 4);
        ZoneEdits edits;
        ZoneDefinition wanted = definition;
        const auto sameName = [&](const auto& entry) { return entry.name == owner; };
        if (kind == 0) {
            const ZoneRecordSet record{owner, {type::txt, 60, {Rdata("\1") + *rc::gen::inRange('a', 'z')}}};
            edits.records = {record};
            std::erase_if(wanted.records,
                          [&](const auto& entry) { return entry.name == owner && entry.set.type == type::txt; });
            wanted.records.push_back(record);
        } else if (kind == 1) {
            edits.removedRecords = {{owner, type::txt}};
            std::erase_if(wanted.records, sameName);
        } else if (kind == 2) {
            const FailoverAddress entry{"g" + lowerCaseText(owner),
                                        step,
                                        owner,
                                        60,
                                        {address("192.0.2." + std::to_string(*rc::gen::inRange(1, 4)))}};
            edits.addresses = {entry};
            std::erase_if(wanted.addresses, sameName);
            wanted.addresses.push_back(entry);
        } else {
            edits.removedAddresses = {owner};
            std::erase_if(wanted.addresses, sameName);
        }
        const auto change = zone->draft(edits);
        wanted.serial = nextSerial(zone->serial());
        const auto built = ZoneSnapshot::build(wanted);
        if (!change) {
            RC_ASSERT(!built);
            continue;
        }
        if (change->isEmpty()) continue;
        const auto next = zone->with(*change);
        RC_ASSERT(next.has_value());
        RC_ASSERT(built.has_value());
        RC_ASSERT(sameContents(**next, **built));
        RC_ASSERT(inverseOf(inverseOf(*change)) == *change);
        // Undone and done again with serials that go on: the same zone but for its SOA.
        ZoneChange undo = inverseOf(*change);
        undo.toSerial = nextSerial(undo.fromSerial);
        for (SetChange& set : undo.sets) {
            if (set.type == type::soa)
                set.after->records.front() = soaWithSerial(set.after->records.front(), undo.toSerial);
        }
        const auto undone = (*next)->with(undo);
        if (undone) {
            RC_ASSERT((*undone)->nodeCount() == zone->nodeCount());
        } else {
            RC_ASSERT(undone.error().code == ErrorCode::EpochOld);
        }
        zone = *next;
        definition = wanted;
    }
}

// Look-ups against the plain reading of RFC 1034 and 4592 over a list of names.
RC_GTEST_PROP(DnsZoneProperty, LookUpsAgreeWithTheList, ()) {
    ZoneDefinition definition = plainDefinition();
    std::vector<Name> owners;
    for (const std::string& text : *rc::gen::container<std::vector<std::string>>(genName())) {
        const Name owner = name(text);
        if (std::find(owners.begin(), owners.end(), owner) != owners.end()) continue;
        owners.push_back(owner);
        definition.records.push_back({owner, {type::txt, 60, {Rdata("\1x")}}});
    }
    const ZonePointer zone = build(definition);
    const auto exists = [&](NameView asked) {
        if (asked == definition.origin.view()) return true;
        for (const Name& owner : owners)
            if (owner.view().isAtOrBelow(asked)) return true;
        return false;
    };
    const Name asked = name(*genName());
    const auto found = zone->lookup(HashedName(asked), type::txt);
    NameView closest = asked;
    while (!exists(closest)) closest = closest.parent();
    if (closest == asked.view()) {
        RC_ASSERT(found.found == ZoneSnapshot::Found::node);
        RC_ASSERT(found.node.name() == asked.view());
        return;
    }
    RC_ASSERT(found.closestEncloser == closest);
    NameBuffer wildcard;
    wildcardBelow(closest, wildcard);
    RC_ASSERT((found.found == ZoneSnapshot::Found::wildcard) == exists(wildcard.view()));
    // The name before it, by the list: none of the owners lies between.
    const ZoneNode before = zone->predecessor(asked);
    RC_ASSERT(compareCanonically(before.name(), asked) < 0);
    for (const Name& owner : owners)
        RC_ASSERT(!(compareCanonically(before.name(), owner) < 0 && compareCanonically(owner, asked) < 0));
}

}  // namespace
}  // namespace swb::dns::test
