#include "dns/reply.h"

#include <algorithm>

namespace swb::dns {
namespace {

size_t messageLimit(const Query& query, Transport transport, size_t room) {
    size_t limit = messageBytesMax;
    if (transport == Transport::udp) {
        // RFC 6891 §6.2.3: less than 512 means 512.
        limit =
            query.edns.present ? std::clamp<size_t>(query.edns.udpBytes, plainUdpBytes, ednsUdpBytes) : plainUdpBytes;
    }
    return std::min(limit, room);
}

}  // namespace

Reply::Reply(const Query& query, Transport transport, std::span<uint8_t> out)
    : writer_(out),
      messageLimit_(messageLimit(query, transport, out.size())),
      hasOpt_(query.edns.present),
      id_(query.id),
      // Opcode and RD come back; RA, AD, CD and the Z bit are never set by this server.
      flags_(flag::response | (query.flags & (flag::opcodeMask | flag::recursionDesired))) {
    edns_.dnssecOk = query.edns.dnssecOk;
    limitRecords(optRecordBytes);
    for (size_t i = 0; i < headerBytes / 2; ++i) writer_.u16(0);
    if (query.hasQuestion) {
        // As compressedName nothing is there to point to yet, so the name comes out byte for byte as it was asked
        // (RFC 4343, and the 0x20 practice), and becomes what later names point to.
        writer_.compressedName(query.question.name);
        writer_.u16(query.question.type);
        writer_.u16(query.question.recordClass);
        questionCount_ = 1;
    }
    afterQuestion_ = writer_.mark();
}

void Reply::limitRecords(size_t reserved) {
    if (!hasOpt_) reserved = 0;
    writer_.setLimit(messageLimit_ > reserved ? messageLimit_ - reserved : 0);
}

void Reply::setEdns(const EdnsReply& edns) {
    edns_ = edns;
    limitRecords(optBytes(edns));
}

void Reply::add(Section section, Need need, NameView owner, const RecordSet& set, uint32_t ttlSeconds) {
    if (isTruncated()) return;
    const WireWriter::Mark before = writer_.mark();
    for (const Rdata& data : set.records) {
        writer_.compressedName(owner);
        writer_.u16(set.type);
        writer_.u16(recordClass::internet);
        writer_.u32(ttlSeconds);
        const size_t lengthAt = writer_.size();
        writer_.u16(0);
        writeRdata(writer_, set.type, data);
        if (writer_.full()) {
            writer_.rewind(before);
            if (need == Need::required) truncate();
            return;
        }
        writer_.patchU16(lengthAt, static_cast<uint16_t>(writer_.size() - lengthAt - 2));
    }
    recordCounts_[static_cast<size_t>(section)] += static_cast<uint16_t>(set.records.size());
}

void Reply::truncate() {
    writer_.rewind(afterQuestion_);
    recordCounts_ = {};
    flags_ |= flag::truncated;
}

size_t Reply::finish() {
    if (writer_.full() || writer_.size() < headerBytes) return 0;
    if (hasOpt_) {
        writer_.setLimit(messageLimit_);
        writeOpt(writer_, edns_, rcode_);
        ++recordCounts_[static_cast<size_t>(Section::additional)];
    }
    writer_.patchU16(0, id_);
    writer_.patchU16(2, static_cast<uint16_t>(flags_ | (rcode_ & flag::rcodeMask)));
    writer_.patchU16(4, questionCount_);
    for (size_t section = 0; section < recordCounts_.size(); ++section)
        writer_.patchU16(6 + section * 2, recordCounts_[section]);
    return writer_.full() ? 0 : writer_.size();
}

}  // namespace swb::dns
