// A zone and hand-made messages for this module's tests.
#pragma once

#include <gtest/gtest.h>

#include "dns/answer.h"
#include "dns/message.h"

namespace swb::dns::test {

inline Name name(std::string_view text) {
    auto result = Name::fromText(text);
    EXPECT_TRUE(result) << text;
    return result ? *result : Name();
}

inline IpAddress address(std::string_view text) {
    auto result = IpAddress::fromText(text);
    EXPECT_TRUE(result) << text;
    return result ? *result : IpAddress();
}

inline ZoneRecordSet recordSet(std::string_view owner, uint16_t type, std::vector<std::string> data,
                               uint32_t ttlSeconds = 600) {
    ZoneRecordSet owned{name(owner), {type, ttlSeconds, {}}};
    for (const std::string& text : data) {
        auto record = rdataFromText(type, text);
        EXPECT_TRUE(record) << text;
        if (record) owned.set.records.push_back(*record);
    }
    return owned;
}

// fo.example. with two groups, a delegation, CNAMEs, a wildcard and names between names.
inline ZoneDefinition exampleDefinition() {
    ZoneDefinition zone;
    zone.origin = name("fo.example");
    zone.serial = 7;
    zone.nameServers = {{name("ns1.fo.example"), {address("192.0.2.1"), address("2001:db8::1")}},
                        {name("ns2.fo.example"), {address("192.0.2.2")}}};
    zone.addresses = {{"shop", 3, name("shop.fo.example"), 300, {address("203.0.113.10")}},
                      {"blog", 1, name("blog.fo.example"), 60, {address("203.0.113.20"), address("2001:db8::20")}}};
    std::vector<std::string> big;
    for (char letter = 'a'; letter < 'k'; ++letter) big.push_back('"' + std::string(200, letter) + '"');
    zone.records = {recordSet("www.fo.example", type::cname, {"shop.fo.example"}),
                    recordSet("away.fo.example", type::cname, {"elsewhere.example"}),
                    recordSet("broken.fo.example", type::cname, {"missing.fo.example"}),
                    recordSet("one.fo.example", type::cname, {"two.fo.example"}),
                    recordSet("two.fo.example", type::cname, {"one.fo.example"}),
                    recordSet("note.fo.example", type::txt, {"\"hello world\"", "second"}),
                    recordSet("big.fo.example", type::txt, big),
                    recordSet("a.deep.fo.example", type::a, {"192.0.2.77"}),
                    recordSet("*.wild.fo.example", type::a, {"192.0.2.88"}),
                    recordSet("x.y.wild.fo.example", type::a, {"192.0.2.89"}),
                    recordSet("sub.fo.example", type::ns, {"ns.sub.fo.example", "ns.other.example"}),
                    recordSet("sub.fo.example", type::ds, {"\\# 36 00010d02" + std::string(64, 'a')}),
                    recordSet("ns.sub.fo.example", type::a, {"192.0.2.99"}),
                    recordSet("odd.fo.example", 1000, {"\\# 3 abcdef"})};
    return zone;
}

inline ZonePointer build(ZoneDefinition definition) {
    auto zone = ZoneSnapshot::build(std::move(definition));
    EXPECT_TRUE(zone) << (zone ? "" : describe(zone.error()));
    return zone ? *zone : nullptr;
}

inline const ZonePointer& exampleZone() {
    static const ZonePointer zone = build(exampleDefinition());
    return zone;
}

using Bytes = std::vector<uint8_t>;

struct Edns {
    uint8_t version = 0;
    uint16_t flags = 0;
    uint16_t udpBytes = 1232;
    Bytes options = {};
};

inline void append16(Bytes& bytes, unsigned value) {
    bytes.push_back(static_cast<uint8_t>(value >> 8));
    bytes.push_back(static_cast<uint8_t>(value));
}

inline void appendName(Bytes& bytes, const Name& owner) {
    const std::string_view wire = owner.view().wire();
    bytes.insert(bytes.end(), wire.begin(), wire.end());
}

inline void appendOpt(Bytes& bytes, const Edns& edns) {
    bytes.push_back(0);
    append16(bytes, type::opt);
    append16(bytes, edns.udpBytes);
    bytes.push_back(0);
    bytes.push_back(edns.version);
    append16(bytes, edns.flags);
    append16(bytes, static_cast<unsigned>(edns.options.size()));
    bytes.insert(bytes.end(), edns.options.begin(), edns.options.end());
}

// A query as a client sends it; flags are the header's second word.
inline Bytes query(std::string_view owner, uint16_t type, const std::vector<Edns>& edns = {}, unsigned flags = 0,
                   unsigned recordClass = 1) {
    Bytes bytes;
    append16(bytes, 0x1234);
    append16(bytes, flags);
    for (const size_t count : {size_t{1}, size_t{0}, size_t{0}, edns.size()})
        append16(bytes, static_cast<unsigned>(count));
    appendName(bytes, name(owner));
    append16(bytes, type);
    append16(bytes, recordClass);
    for (const Edns& opt : edns) appendOpt(bytes, opt);
    return bytes;
}

// The raw reply; behind the room lies a guard that must not change.
inline Bytes reply(const Bytes& bytes, const AnswerContext& context, const ZonePointer& zone = exampleZone(),
                   size_t room = messageBytesMax) {
    Bytes out(room + 64, 0xa5);
    const size_t length = answer(bytes, context, ZoneSet({zone}), std::span(out).first(room));
    EXPECT_LE(length, room);
    for (size_t i = room; i < out.size(); ++i) EXPECT_EQ(out[i], 0xa5) << "written behind the end";
    out.resize(length);
    return out;
}

inline Bytes reply(const Bytes& bytes, Transport transport = Transport::udp, const ZonePointer& zone = exampleZone(),
                   size_t room = messageBytesMax) {
    AnswerContext context;
    context.transport = transport;
    return reply(bytes, context, zone, room);
}

inline Response answered(const Bytes& bytes, Transport transport = Transport::udp,
                         const ZonePointer& zone = exampleZone()) {
    auto response = parseResponse(reply(bytes, transport, zone));
    EXPECT_TRUE(response) << (response ? "" : describe(response.error()));
    return response ? *response : Response();
}

inline Response answered(const Bytes& bytes, const AnswerContext& context, const ZonePointer& zone = exampleZone()) {
    auto response = parseResponse(reply(bytes, context, zone));
    EXPECT_TRUE(response) << (response ? "" : describe(response.error()));
    return response ? *response : Response();
}

inline std::vector<std::string> lines(const std::vector<ReceivedRecord>& records) {
    std::vector<std::string> result;
    for (const ReceivedRecord& record : records)
        if (record.type != type::opt)
            result.push_back(record.name.toText() + " " + std::to_string(record.ttlSeconds) + " " +
                             typeToText(record.type) + " " + rdataToText(record.type, record.data));
    return result;
}

inline const ReceivedRecord* optOf(const Response& response) {
    for (const ReceivedRecord& record : response.additionals)
        if (record.type == type::opt) return &record;
    return nullptr;
}

inline Bytes fromHex(std::string_view text) {
    Bytes bytes;
    for (size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    return bytes;
}

// One EDNS option as it stands in an OPT record.
inline Bytes ednsOption(uint16_t code, const Bytes& data = {}) {
    Bytes bytes;
    append16(bytes, code);
    append16(bytes, static_cast<unsigned>(data.size()));
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
}

// The option's data in a response; nothing when it is not there.
inline std::optional<Bytes> optionOf(const Response& response, uint16_t code) {
    const ReceivedRecord* opt = optOf(response);
    if (!opt) return std::nullopt;
    const auto octet = [&](size_t at) { return static_cast<uint8_t>(opt->data[at]); };
    for (size_t at = 0; at + 4 <= opt->data.size();) {
        const size_t length = static_cast<size_t>(octet(at + 2) << 8 | octet(at + 3));
        if ((octet(at) << 8 | octet(at + 1)) == code)
            return Bytes(opt->data.begin() + static_cast<ptrdiff_t>(at + 4),
                         opt->data.begin() + static_cast<ptrdiff_t>(at + 4 + length));
        at += 4 + length;
    }
    return std::nullopt;
}

}  // namespace swb::dns::test
