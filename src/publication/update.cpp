#include "publication/update.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "dns/protocol.h"

namespace swb::publication {
namespace {

constexpr uint16_t opcodeUpdate = 5;
constexpr uint16_t classNone = 254, classAny = 255;
constexpr size_t messageBytesMax = 16 << 10;  // two sets of addresses and a text, with room to spare

// RFC 2136 §2.2, in the words of an operator.
Result<void> meaningOf(uint16_t rcode, const std::string& server) {
    switch (rcode) {
        case 0:
            return {};
        case 1:
            return fail(ErrorCode::NotDone, server + " says that the update is malformed (FORMERR)");
        case 4:
            return fail(ErrorCode::NotDone, server + " does not take updates (NOTIMP)",
                        "the endpoint must be the zone's primary server, with updates allowed");
        case 5:
            return fail(ErrorCode::Forbidden, server + " refuses the update (REFUSED)",
                        "its update policy must allow the key to change this name and its ownership mark");
        case 3:
        case 6:
        case 7:
        case 8:
            return fail(ErrorCode::Conflict,
                        server + " says that the set is not what it was (RCODE " + std::to_string(rcode) + ")");
        case 9:
            return fail(ErrorCode::Unauthenticated,
                        server + " does not take the key, or is not the zone's primary (NOTAUTH)",
                        "check the key's name, algorithm and secret, the zone, and both clocks");
        case 10:
            return fail(ErrorCode::NotDone, server + " says that the name is not in the zone (NOTZONE)");
        default:
            // SERVFAIL and what is not known: a server in trouble is not believed when it says that nothing happened.
            return fail(ErrorCode::OutcomeUnknown, server + " answered RCODE " + std::to_string(rcode));
    }
}

void writeRecord(dns::WireWriter& writer, const UpdateRecord& record) {
    writer.name(record.name);
    writer.u16(record.type);
    writer.u16(record.recordClass);
    writer.u32(record.ttlSeconds);
    writer.u16(static_cast<uint16_t>(record.data.size()));
    writer.bytes(record.data);
}

}  // namespace

void Update::requireSet(const dns::Name& name, uint16_t type, const std::vector<dns::Rdata>& records) {
    if (records.empty()) prerequisites.push_back({name, type, classNone, 0, {}});
    for (const dns::Rdata& data : records) prerequisites.push_back({name, type, dns::recordClass::internet, 0, data});
}

void Update::replaceSet(const dns::Name& name, uint16_t type, uint32_t ttlSeconds,
                        const std::vector<dns::Rdata>& records) {
    SWB_ASSERT(!records.empty(), "a record set is never replaced by an empty one");
    changes.push_back({name, type, classAny, 0, {}});
    for (const dns::Rdata& data : records)
        changes.push_back({name, type, dns::recordClass::internet, ttlSeconds, data});
}

void Update::removeTexts(const dns::Name& name) {
    changes.push_back({name, dns::type::txt, classAny, 0, {}});
}

std::vector<uint8_t> writeUpdate(uint16_t id, const Update& update) {
    std::vector<uint8_t> bytes(messageBytesMax);
    dns::WireWriter writer(bytes);
    writer.u16(id);
    writer.u16(opcodeUpdate << 11);
    writer.u16(1);
    writer.u16(static_cast<uint16_t>(update.prerequisites.size()));
    writer.u16(static_cast<uint16_t>(update.changes.size()));
    writer.u16(0);
    writer.name(update.zone);
    writer.u16(dns::type::soa);
    writer.u16(dns::recordClass::internet);
    for (const UpdateRecord& record : update.prerequisites) writeRecord(writer, record);
    for (const UpdateRecord& record : update.changes) writeRecord(writer, record);
    SWB_ASSERT(!writer.full(), "an update of one name fits in its message");
    bytes.resize(writer.size());
    return bytes;
}

Result<void> readUpdateReply(std::span<const uint8_t> bytes, uint16_t id, const std::string& server) {
    const auto reply = dns::parseResponse(bytes);
    if (!reply || reply->id != id || (reply->flags & dns::flag::opcodeMask) >> 11 != opcodeUpdate)
        return fail(ErrorCode::OutcomeUnknown, server + "'s reply to the update cannot be read");
    return meaningOf(reply->rcode, server);
}

Result<UpdateKey> updateKeyFromText(const std::string& text) {
    const auto invalid = [] {
        return fail(ErrorCode::InvalidInput, "the credential is no TSIG key",
                    "it is one line: [hmac-sha256:]NAME:BASE64SECRET");
    };
    const size_t last = text.rfind(':');
    if (last == std::string::npos) return invalid();
    UpdateKey key;
    const size_t first = text.find(':');
    key.algorithm = first == last ? "hmac-sha256" : text.substr(0, first);
    key.name = first == last ? text.substr(0, last) : text.substr(first + 1, last - first - 1);
    const std::string base64 = text.substr(last + 1);
    if (key.name.empty() || base64.empty() || base64.size() % 4 != 0 || base64.size() > 1024) return invalid();
    std::vector<unsigned char> octets(base64.size() / 4 * 3);
    const int length = ::EVP_DecodeBlock(octets.data(), reinterpret_cast<const unsigned char*>(base64.data()),
                                         static_cast<int>(base64.size()));
    if (length < 0) return invalid();
    const size_t padding = base64.ends_with("==") ? 2 : base64.ends_with('=') ? 1 : 0;
    key.secret.assign(reinterpret_cast<const char*>(octets.data()), static_cast<size_t>(length) - padding);
    return key;
}

}  // namespace swb::publication
