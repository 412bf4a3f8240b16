#include "dns/message.h"

#include <array>

namespace swb::dns {
namespace {

constexpr size_t queryBytesMax = headerBytes + nameBytesMax + 4 + optRecordBytes;

tl::unexpected<Error> malformed() {
    return fail(ErrorCode::ProtocolViolation, "the DNS response is malformed");
}

bool readRecord(std::span<const uint8_t> bytes, WireReader& reader, ReceivedRecord& record) {
    NameBuffer name;
    reader.name(name);
    if (!reader.ok()) return false;
    record.name = Name(name.view());
    record.type = reader.u16();
    record.recordClass = reader.u16();
    record.ttlSeconds = reader.u32();
    const uint16_t length = reader.u16();
    const size_t start = reader.position();
    reader.bytes(length);
    return reader.ok() && readRdata(bytes, start, length, record.type, record.data);
}

}  // namespace

Result<Response> parseResponse(std::span<const uint8_t> bytes) {
    WireReader reader(bytes);
    Response response;
    response.id = reader.u16();
    response.flags = reader.u16();
    response.rcode = response.flags & flag::rcodeMask;
    const uint16_t questions = reader.u16();
    std::array<uint16_t, 3> counts{};
    for (uint16_t& count : counts) count = reader.u16();
    if (!reader.ok() || questions > 1 || (response.flags & flag::response) == 0) return malformed();
    if (questions == 1) {
        response.questionName = Name(reader.plainName());
        response.questionType = reader.u16();
        reader.u16();
    }
    const std::array sections = {&response.answers, &response.authorities, &response.additionals};
    for (size_t i = 0; i < sections.size(); ++i)
        for (uint16_t left = counts[i]; left > 0; --left) {
            ReceivedRecord record;
            if (!readRecord(bytes, reader, record)) return malformed();
            if (record.type == type::opt) response.rcode |= static_cast<uint16_t>((record.ttlSeconds >> 24) << 4);
            sections[i]->push_back(std::move(record));
        }
    if (!reader.ok() || !reader.atEnd()) return malformed();
    return response;
}

std::string rcodeToText(uint16_t rcode) {
    constexpr std::array<std::string_view, 11> names = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                        "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                        "NXRRSET", "NOTAUTH", "NOTZONE"};
    return rcode < names.size() ? std::string(names[rcode]) : "RCODE " + std::to_string(rcode);
}

std::vector<uint8_t> writeQuery(uint16_t id, const Name& name, uint16_t type) {
    std::vector<uint8_t> bytes(queryBytesMax);
    WireWriter writer(bytes);
    for (const uint16_t word : {id, uint16_t{0}, uint16_t{1}, uint16_t{0}, uint16_t{0}, uint16_t{1}}) writer.u16(word);
    writer.name(name);
    writer.u16(type);
    writer.u16(recordClass::internet);
    writer.u8(0);
    writer.u16(type::opt);
    writer.u16(ednsUdpBytes);
    writer.u32(0);
    writer.u16(0);
    bytes.resize(writer.size());
    return bytes;
}

}  // namespace swb::dns
