// A transfer's reply comes from another server: any bytes, in any number of messages. What is taken from it can be put
// to the zone that is here, and the result is a zone, or an error; never a crash, and never an older serial.
//
// The input: pairs of a length (two octets) and a message, the first octet saying what was asked for.
#include <cstdint>

#include "base/assert.h"
#include "dns/transfer/content.h"
#include "dns/transfer/reader.h"
#include "dns/transfer/stream.h"

namespace {

using namespace swb;
using namespace swb::dns;
using namespace swb::dns::transfer;

const ZonePointer& zoneHere() {
    static const ZonePointer zone = [] {
        ZoneDefinition definition;
        definition.origin = *Name::fromText("fo.example");
        definition.serial = 7;
        NameServer server;
        server.name = *Name::fromText("ns1.fo.example");
        server.addresses.push_back(*IpAddress::fromText("192.0.2.1"));
        definition.nameServers.push_back(server);
        FailoverAddress shop;
        shop.group = "shop";
        shop.epoch = 3;
        shop.name = *Name::fromText("shop.fo.example");
        shop.addresses.push_back(*IpAddress::fromText("203.0.113.10"));
        definition.addresses.push_back(shop);
        return *ZoneSnapshot::build(std::move(definition));
    }();
    return zone;
}

void applySteps(const ReceivedSteps& received) {
    ZonePointer zone = zoneHere();
    for (const ReceivedStep& step : received.steps) {
        const auto change = changeOf(*zone, step);
        if (!change) return;
        const auto next = zone->with(*change);
        if (!next) return;
        SWB_ASSERT(isNewerSerial((*next)->serial(), zone->serial()), "a step goes forward");
        SWB_ASSERT(checkSuccessor(*zone, **next).has_value(), "what was taken may follow what was here");
        zone = *next;
    }
}

// What was taken whole is sent on, and read again it is the same.
void sendOn(const ZonePointer& zone) {
    Query query;
    query.question.name = zone->origin().view();
    query.question.type = type::axfr;
    query.hasQuestion = true;
    TransferStream stream(query, Content::wholeZone(zone), std::nullopt);
    TransferReader reader(zone->origin(), 0, std::nullopt);
    static std::vector<uint8_t> buffer(messageBytesMax);
    bool complete = false;
    while (const size_t length = stream.next(buffer, 0)) {
        const auto taken = reader.take(std::span<const uint8_t>(buffer).first(length));
        SWB_ASSERT(taken.has_value(), "what is sent can be read");
        complete = *taken;
    }
    SWB_ASSERT(stream.failed() || complete, "a transfer that was sent whole is complete");
}

void apply(ReceivedTransfer received) {
    if (std::holds_alternative<ReceivedSteps>(received)) return applySteps(std::get<ReceivedSteps>(received));
    if (!std::holds_alternative<ReceivedZone>(received)) return;
    auto sets = setsOf(std::get<ReceivedZone>(std::move(received)).records);
    if (!sets) return;
    const auto zone = ZoneSnapshot::fromSets(zoneHere()->origin(), *std::move(sets));
    if (!zone) return;
    (void)checkSuccessor(*zoneHere(), **zone);
    sendOn(*zone);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1) return 0;
    const bool asksDifferences = (data[0] & 1) != 0;
    TransferReader reader(zoneHere()->origin(), 0x1234, asksDifferences ? std::optional<uint32_t>(7) : std::nullopt);
    for (size_t at = 1; at + 2 <= size;) {
        const size_t length = std::min<size_t>(static_cast<size_t>(data[at] << 8 | data[at + 1]), size - at - 2);
        const auto taken = reader.take({data + at + 2, length});
        at += 2 + length;
        if (!taken) return 0;
        if (!*taken) continue;
        apply(reader.result());
        return 0;
    }
    return 0;
}
