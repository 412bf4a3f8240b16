#include "dns/transfer/reader.h"

#include "dns/soa.h"
#include "dns/transfer/fetch.h"
#include "dns/transfer/transfer_test_support.h"

namespace swb::dns::transfer::test {
namespace {

struct Record {
    std::string owner;
    uint16_t type;
    std::string text;
    uint32_t ttlSeconds = 300;
};

Record soaRecord(uint32_t serial) {
    return {"fo.example", type::soa, std::to_string(serial), 3600};
}

Rdata dataOf(const Record& record) {
    if (record.type != type::soa) return *rdataFromText(record.type, record.text);
    const Name primary = name("ns1.fo.example");
    const Name mailbox = name("hostmaster.fo.example");
    return soaData(primary, mailbox, {static_cast<uint32_t>(std::stoul(record.text)), 14400, 3600, 1209600, 300});
}

Bytes message(const std::vector<Record>& records, uint16_t flags = 0x8400, uint16_t id = 0x1234) {
    Bytes bytes;
    for (const size_t word : {size_t{id}, size_t{flags}, size_t{0}, records.size(), size_t{0}, size_t{0}})
        append16(bytes, static_cast<unsigned>(word));
    for (const Record& record : records) {
        const Rdata data = dataOf(record);
        appendName(bytes, name(record.owner));
        for (const uint32_t word : {uint32_t{record.type}, uint32_t{1}, record.ttlSeconds >> 16,
                                    record.ttlSeconds & 0xffff, static_cast<uint32_t>(data.size())})
            append16(bytes, word);
        bytes.insert(bytes.end(), data.begin(), data.end());
    }
    return bytes;
}

// The zone as the tests' definition makes it, with this group, address and epoch.
ZonePointer zoneAt(uint32_t serial, const std::string& address, int64_t epoch) {
    ZoneDefinition definition;
    definition.origin = name("fo.example");
    definition.serial = serial;
    definition.nameServers.push_back({name("ns1.fo.example"), {test::address("192.0.2.1")}});
    FailoverAddress shop;
    shop.group = "shop";
    shop.epoch = epoch;
    shop.name = name("shop.fo.example");
    shop.addresses = {test::address(address)};
    definition.addresses.push_back(shop);
    return build(definition);
}

Record mark(int epoch) {
    return {"_swingbridge.shop.fo.example", type::txt, "\"group=shop epoch=" + std::to_string(epoch) + "\""};
}

Record shopAddress(const std::string& text) {
    return {"shop.fo.example", type::a, text};
}

std::vector<Record> wholeZone(uint32_t serial, const std::string& address, int epoch) {
    return {soaRecord(serial),
            {"fo.example", type::ns, "ns1.fo.example"},
            {"ns1.fo.example", type::a, "192.0.2.1"},
            shopAddress(address),
            mark(epoch),
            soaRecord(serial)};
}

std::vector<Record> oneStep(const Record& oldMark, const Record& newMark) {
    return {soaRecord(8), soaRecord(7), shopAddress("203.0.113.10"), oldMark, soaRecord(8), shopAddress("203.0.113.11"),
            newMark,      soaRecord(8)};
}

Result<ReceivedTransfer> readAll(const std::vector<Bytes>& messages, std::optional<uint32_t> serial = {}) {
    TransferReader reader(name("fo.example"), 0x1234, serial);
    for (size_t i = 0; i < messages.size(); ++i) {
        const bool complete = TRY(reader.take(messages[i]));
        if (complete != (i + 1 == messages.size()))
            return fail(ErrorCode::VerificationFailed, complete ? "complete too soon" : "not complete");
    }
    return reader.result();
}

TEST(TransferReader, WholeZoneInAnyNumberOfMessages) {
    const auto records = wholeZone(9, "203.0.113.11", 4);
    for (size_t cut = 1; cut < records.size(); ++cut) {
        const auto middle = records.begin() + static_cast<ptrdiff_t>(cut);
        auto received = readAll({message({records.begin(), middle}), message({middle, records.end()})});
        ASSERT_TRUE(received) << describe(received.error());
        auto sets = setsOf(std::get<ReceivedZone>(*std::move(received)).records);
        ASSERT_TRUE(sets) << describe(sets.error());
        const auto zone = ZoneSnapshot::fromSets(name("fo.example"), *std::move(sets));
        ASSERT_TRUE(zone) << describe(zone.error());
        EXPECT_EQ((*zone)->serial(), 9u);
        EXPECT_TRUE(checkSuccessor(*zoneAt(7, "203.0.113.10", 3), **zone));
        EXPECT_FALSE(checkSuccessor(*zoneAt(7, "203.0.113.10", 5), **zone)) << "an older epoch";
    }
}

TEST(TransferReader, DifferencesBecomeTheZonesOwnChange) {
    auto received = readAll({message(oneStep(mark(3), mark(4)))}, 7);
    ASSERT_TRUE(received) << describe(received.error());
    const auto& steps = std::get<ReceivedSteps>(*received);
    ASSERT_EQ(steps.steps.size(), 1u);
    const ZonePointer zone = zoneAt(7, "203.0.113.10", 3);
    const auto change = changeOf(*zone, steps.steps[0]);
    ASSERT_TRUE(change) << describe(change.error());
    const auto next = zone->with(*change);
    ASSERT_TRUE(next) << describe(next.error());
    EXPECT_EQ((*next)->serial(), 8u);
    EXPECT_EQ((*next)->failoverAddressAt(name("shop.fo.example").view())->epoch, 4);
}

TEST(TransferReader, AnOlderEpochIsRefusedWhateverTheSerial) {
    const ZonePointer zone = zoneAt(7, "203.0.113.10", 3);
    auto received = readAll({message(oneStep(mark(3), mark(2)))}, 7);
    ASSERT_TRUE(received);
    const auto change = changeOf(*zone, std::get<ReceivedSteps>(*received).steps[0]);
    ASSERT_TRUE(change);
    EXPECT_EQ(zone->with(*change).error().code, ErrorCode::EpochOld);
}

TEST(TransferReader, ANameWithoutAnAddressIsRefused) {
    const ZonePointer zone = zoneAt(7, "203.0.113.10", 3);
    auto received =
        readAll({message({soaRecord(8), soaRecord(7), shopAddress("203.0.113.10"), soaRecord(8), soaRecord(8)})}, 7);
    ASSERT_TRUE(received);
    const auto change = changeOf(*zone, std::get<ReceivedSteps>(*received).steps[0]);
    ASSERT_TRUE(change);
    EXPECT_FALSE(zone->with(*change));
}

TEST(TransferReader, DifferencesOfAnotherZoneAskForAllOfIt) {
    const auto received = readAll({message(oneStep(mark(3), mark(4)))}, 7);
    ASSERT_TRUE(received);
    const auto& step = std::get<ReceivedSteps>(*received).steps[0];
    EXPECT_EQ(changeOf(*zoneAt(7, "203.0.113.99", 3), step).error().code, ErrorCode::Conflict);
    EXPECT_EQ(changeOf(*zoneAt(6, "203.0.113.10", 3), step).error().code, ErrorCode::Conflict);
}

TEST(TransferReader, UpToDateAndNewer) {
    const auto same = readAll({message({soaRecord(7)})}, 7);
    ASSERT_TRUE(same) << describe(same.error());
    EXPECT_EQ(std::get<UpToDate>(*same).serial, 7u);
    // A newer SOA alone may be followed by the rest.
    EXPECT_EQ(readAll({message({soaRecord(8)})}, 7).error().code, ErrorCode::VerificationFailed);
    const auto records = oneStep(mark(3), mark(4));
    EXPECT_TRUE(readAll({message({records[0]}), message({records.begin() + 1, records.end()})}, 7));
}

TEST(TransferReader, WhatDoesNotFitIsAnError) {
    const auto whole = wholeZone(9, "203.0.113.11", 4);
    const auto with = [&](size_t at, const Record& record) {
        auto changed = whole;
        changed[at] = record;
        return readAll({message(changed)});
    };
    EXPECT_FALSE(with(0, shopAddress("203.0.113.1"))) << "no SOA first";
    EXPECT_FALSE(with(5, soaRecord(10))) << "another SOA last";
    EXPECT_FALSE(with(3, {"shop.other.example", type::a, "203.0.113.1"})) << "outside the zone";
    EXPECT_FALSE(with(3, {"sub.fo.example", type::soa, "1"})) << "an SOA below";
    EXPECT_FALSE(readAll({message(whole, 0x8405)})) << "refused";
    EXPECT_FALSE(readAll({message(whole, 0x8600)})) << "truncated";
    EXPECT_FALSE(readAll({message(whole, 0x8400, 0x4321)})) << "another id";
    EXPECT_FALSE(readAll({message({})})) << "nothing";
    auto longer = whole;
    longer.push_back(shopAddress("203.0.113.12"));
    EXPECT_FALSE(readAll({message(longer)})) << "records behind the end";
    EXPECT_FALSE(readAll({message(oneStep(mark(3), mark(4)))}, 6)) << "another serial than asked";
    EXPECT_FALSE(readAll({message(oneStep(mark(3), mark(4)))})) << "differences that nobody asked for";
}

TEST(TransferReader, QueriesSayWhatIsHere) {
    const Bytes whole = transferQuery(0x1234, name("fo.example"), std::nullopt);
    EXPECT_EQ(whole, query("fo.example", type::axfr));
    const Bytes differences = transferQuery(0x1234, name("fo.example"), 77);
    const Query parsed = parseQuery(differences);
    EXPECT_FALSE(parsed.malformed);
    EXPECT_EQ(parsed.question.type, type::ixfr);
    EXPECT_EQ(differences[9], 1);
}

}  // namespace
}  // namespace swb::dns::transfer::test
