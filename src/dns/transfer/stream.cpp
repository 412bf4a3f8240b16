#include "dns/transfer/stream.h"

#include "base/assert.h"

namespace swb::dns::transfer {
namespace {

// Within the reach of compression pointers, and small enough that a slow client's message is soon whole.
constexpr size_t usualMessageBytes = 16 << 10;

bool writeRecord(WireWriter& writer, const ContentRecord& record) {
    const WireWriter::Mark before = writer.mark();
    writer.compressedName(record.owner);
    writer.u16(record.type);
    writer.u16(recordClass::internet);
    writer.u32(record.ttlSeconds);
    const size_t lengthAt = writer.size();
    writer.u16(0);
    writeRdata(writer, record.type, record.data);
    if (writer.full()) {
        writer.rewind(before);
        return false;
    }
    writer.patchU16(lengthAt, static_cast<uint16_t>(writer.size() - lengthAt - 2));
    return true;
}

}  // namespace

TransferStream::TransferStream(const Query& query, Content content, std::optional<TsigSigner> signer)
    : content_(std::move(content)),
      signer_(std::move(signer)),
      id_(query.id),
      flags_(flag::response | flag::authoritative | (query.flags & flag::recursionDesired)),
      questionName_(query.question.name),
      questionType_(query.question.type),
      withOpt_(query.edns.present) {}

// RFC 5936 §2.2: the question stands in the first message only.
void TransferStream::writeHead(WireWriter& writer) {
    for (const uint16_t word :
         {id_, flags_, static_cast<uint16_t>(first_ ? 1 : 0), uint16_t{0}, uint16_t{0}, uint16_t{0}})
        writer.u16(word);
    if (!first_) return;
    writer.compressedName(questionName_);
    writer.u16(questionType_);
    writer.u16(recordClass::internet);
}

uint16_t TransferStream::writeRecords(WireWriter& writer) {
    uint16_t count = 0;
    ContentRecord record;
    while (count < UINT16_MAX && content_.peek(record) && writeRecord(writer, record)) {
        content_.advance();
        ++count;
    }
    return count;
}

size_t TransferStream::next(std::span<uint8_t> buffer, UnixSeconds now) {
    SWB_ASSERT(buffer.size() >= messageBytesMax, "any message fits");
    ContentRecord record;
    if (failed_ || !content_.peek(record)) return 0;
    const size_t reserved = (signer_ ? signer_->recordBytes() : 0) + (withOpt_ && first_ ? optRecordBytes : 0);
    WireWriter writer(buffer.first(messageBytesMax));
    uint16_t count = 0;
    // A record larger than the usual message gets a message of its own.
    for (const size_t limit : {usualMessageBytes, messageBytesMax}) {
        writer.rewind({0, 0});
        writer.setLimit(limit - reserved);
        writeHead(writer);
        count = writeRecords(writer);
        if (count > 0) break;
    }
    if (count == 0) {
        failed_ = true;
        return 0;
    }
    writer.patchU16(6, count);
    if (withOpt_ && first_) {
        writer.setLimit(writer.size() + optRecordBytes);
        writer.u8(0);
        writer.u16(type::opt);
        writer.u16(ednsUdpBytes);
        writer.u32(0);
        writer.u16(0);
        writer.patchU16(10, 1);
    }
    first_ = false;
    return signer_ ? signer_->sign(buffer.first(messageBytesMax), writer.size(), now) : writer.size();
}

}  // namespace swb::dns::transfer
