// The one thing a look-ahead relies on: the hash leads to the name that a search will find. And it breaks nothing.
#include "dns/look_ahead.h"

#include <gtest/gtest.h>

#include "dns/dns_test_support.h"

namespace swb::dns {
namespace {

ZonePointer zoneOf(int names) {
    ZoneDefinition definition;
    definition.origin = *Name::fromText("ahead.example");
    definition.nameServers = {{*Name::fromText("ns1.ahead.example"), {*IpAddress::fromText("192.0.2.1")}}};
    for (int i = 0; i < names; ++i) {
        ZoneRecordSet set;
        set.name = *Name::fromText("h" + std::to_string(i) + ".ahead.example");
        set.set.type = type::a;
        set.set.ttlSeconds = 300;
        set.set.records.emplace_back(std::string("\x0a\0\0\x01", 4));
        definition.records.push_back(std::move(set));
    }
    return ZoneSnapshot::build(std::move(definition)).value();
}

TEST(LookAhead, TheHashLeadsToTheNameThatWillBeFound) {
    const ZonePointer zone = zoneOf(500);
    size_t agreed = 0;
    for (uint32_t position = 0; position < zone->nodeCount(); ++position) {
        const HashedName name(zone->index().nameAt(position));
        ASSERT_EQ(zone->index().find(name.name(), name.hash()), position);
        agreed += zone->index().likely(name.hash()) == position;
    }
    EXPECT_EQ(agreed, zone->nodeCount());
    const Name absent = *Name::fromText("absent.ahead.example");
    EXPECT_EQ(zone->index().likely(HashedName(absent).hash()), ZoneIndex::none);
}

TEST(LookAhead, TakesWhateverCanBeAsked) {
    const ZoneSetPointer zones = ZoneSet::of({zoneOf(3)});
    const Name names[] = {*Name::fromText("h1.ahead.example"), *Name::fromText("ahead.example"),
                          *Name::fromText("nowhere.ahead.example"), *Name::fromText("foreign.example"),
                          *Name::fromText(".")};
    LookAhead ahead(*zones);
    for (size_t i = 0; i < 2 * LookAhead::queriesMax; ++i) {
        Query query;
        query.hasQuestion = i % 7 != 0;
        query.question = {names[i % std::size(names)], type::a, recordClass::internet};
        ahead.add(query);
    }
    ahead.run();
    LookAhead(*ZoneSet::of({})).run();
    EXPECT_TRUE(zones->find(HashedName(names[0]), type::a)) << "and nothing has changed";
}

}  // namespace
}  // namespace swb::dns
