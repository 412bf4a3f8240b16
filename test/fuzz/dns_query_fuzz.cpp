// answer() takes any bytes from strangers. Whatever they are: nothing is written outside the buffer, the reply keeps
// the size limit, and it is a well-formed response to this query; from an unsigned zone and a signed one, with and
// without cookies, identifier, and rate limit.
#include <array>
#include <cstdint>

#include "base/assert.h"
#include "dns/answer.h"
#include "dns/message.h"
#include "dns/signed_test_zone.h"

namespace {

using namespace swb::dns;

constexpr uint8_t guardOctet = 0xa5;
constexpr size_t guardBytes = 64;

ZonePointer unsignedZone() {
    static const ZonePointer built = [] {
        ZoneDefinition definition;
        definition.origin = *Name::fromText("fo.example");
        definition.nameServers = {{*Name::fromText("ns1.fo.example"), {*IpAddress::fromText("192.0.2.1")}}};
        definition.addresses = {
            {"shop", 3, *Name::fromText("shop.fo.example"), 300, {*IpAddress::fromText("203.0.113.10")}}};
        const auto set = [&](const char* owner, uint16_t type, const std::string& text) {
            definition.records.push_back({*Name::fromText(owner), {type, 60, {*rdataFromText(type, text)}}});
        };
        set("www.fo.example", type::cname, "shop.fo.example");
        set("loop.fo.example", type::cname, "loop.fo.example");
        set("*.wild.fo.example", type::cname, "x.wild.fo.example");
        set("sub.fo.example", type::ns, "ns.sub.fo.example");
        set("ns.sub.fo.example", type::a, "192.0.2.99");
        set("mail.fo.example", type::mx, "10 shop.fo.example");
        std::string big;
        for (int i = 0; i < 8; ++i) big += '"' + std::string(200, 'x') + "\" ";
        set("big.fo.example", type::txt, big);
        return *ZoneSnapshot::build(std::move(definition));
    }();
    return built;
}

// The time of the cookie in the corpus.
constexpr uint32_t now = 1559731985;

struct World {
    const ZoneSet* zones;
    AnswerContext context;
};

// Of a fixed key, so that an input always does the same.
const CookieSecrets& secrets() {
    static const CookieSecrets derived = [] {
        CookieKey key{};
        key[0] = 1;
        return CookieSecrets::derive({&key, 1}, now);
    }();
    return derived;
}

World plainWorld(Transport transport) {
    static const ZoneSet zones({unsignedZone()});
    World world{&zones, {}};
    world.context.transport = transport;
    return world;
}

World fullWorld(Transport transport) {
    static const ZoneSet zones({*test::formallySigned(*unsignedZone())});
    World world{&zones, {}};
    world.context.transport = transport;
    world.context.client = *IpAddress::fromText("192.0.2.1");
    world.context.unixSeconds = now;
    world.context.cookies = &secrets();
    world.context.nsid = "fuzz";
    world.context.zoneIsStale = true;
    return world;
}

void check(std::span<const uint8_t> query, const World& world, size_t limit) {
    static std::array<uint8_t, messageBytesMax + guardBytes> out;
    const std::span<uint8_t> guard = std::span(out).subspan(limit, guardBytes);
    for (uint8_t& octet : guard) octet = guardOctet;
    const size_t length = answer(query, world.context, *world.zones, std::span(out).first(limit));
    for (const uint8_t octet : guard) SWB_ASSERT(octet == guardOctet, "nothing is written behind the buffer");
    const bool deservesReply = query.size() >= headerBytes && (query[2] & 0x80) == 0;
    SWB_ASSERT((length > 0) == deservesReply, "every query gets a reply, and nothing else does");
    if (length == 0) return;
    SWB_ASSERT(length <= limit, "the reply keeps its limit");
    const auto response = parseResponse({out.data(), length});
    SWB_ASSERT(response.has_value(), "the reply is well formed");
    SWB_ASSERT(response->id == (query[0] << 8 | query[1]), "the reply belongs to the query");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    for (const auto& world : {plainWorld, fullWorld}) {
        check({data, size}, world(Transport::udp), plainUdpBytes);
        check({data, size}, world(Transport::udp), ednsUdpBytes);
        check({data, size}, world(Transport::tcp), messageBytesMax);
    }
    return 0;
}
