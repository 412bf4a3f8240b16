#include "dns/query.h"

#include "base/assert.h"

namespace swb::dns {
namespace {

enum class Section : uint8_t { other, additional };

// Returns false when the record makes the message malformed.
bool readRecord(WireReader& reader, Section section, Query& query) {
    const size_t start = reader.position();
    reader.skipName();
    const bool ownerIsRoot = reader.position() == start + 1;
    const uint16_t type = reader.u16();
    const uint16_t recordClass = reader.u16();
    const uint32_t ttl = reader.u32();
    const uint16_t length = reader.u16();
    // RFC 8945 §5.1: nothing may follow a TSIG.
    if (query.isSigned) return false;
    if (type == type::tsig) query.isSigned = section == Section::additional;
    if (type != type::opt) {
        reader.bytes(length);
        return reader.ok() && (type != type::tsig || query.isSigned);
    }
    EdnsRequest& edns = query.edns;
    if (!reader.ok() || section != Section::additional || !ownerIsRoot || edns.present) return false;
    edns.present = true;
    edns.udpBytes = recordClass;
    edns.version = static_cast<uint8_t>(ttl >> 16);
    edns.dnssecOk = (ttl & ednsDnssecOk) != 0;
    return readOptions(reader, length, edns);
}

bool readRecords(WireReader& reader, size_t count, Section section, Query& query) {
    while (count-- > 0)
        if (!readRecord(reader, section, query)) return false;
    return true;
}

// Returns false when the message is malformed.
bool readQuestions(WireReader& reader, Query& query) {
    for (size_t left = query.questionCount; left > 0; --left) {
        Question question;
        question.name = reader.plainName();
        question.type = reader.u16();
        question.recordClass = reader.u16();
        if (!reader.ok()) return false;
        query.question = question;
    }
    query.hasQuestion = query.questionCount == 1;
    return true;
}

}  // namespace

Query parseQuery(std::span<const uint8_t> bytes) {
    SWB_ASSERT(bytes.size() >= headerBytes, "a message has a header");
    WireReader reader(bytes);
    Query query;
    query.id = reader.u16();
    query.flags = reader.u16();
    query.questionCount = reader.u16();
    const size_t answers = reader.u16();
    const size_t authorities = reader.u16();
    const size_t additionals = reader.u16();
    query.malformed = !readQuestions(reader, query) ||
                      !readRecords(reader, answers + authorities, Section::other, query) ||
                      !readRecords(reader, additionals, Section::additional, query) || !reader.atEnd();
    return query;
}

}  // namespace swb::dns
