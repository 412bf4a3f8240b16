#include "dns/reply.h"

#include <algorithm>

namespace swb::dns {
namespace {

constexpr std::array<char, headerBytes> noHeader{};

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
    writer_.bytes(std::string_view(noHeader.data(), noHeader.size()));  // finish() writes it
    if (query.hasQuestion) {
        // Nothing is there to point to yet, so the name comes out byte for byte as it was asked (RFC 4343, and the 0x20
        // practice), and becomes what later names point to.
        questionName_ = query.question.name;
        writer_.firstName(questionName_);
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

void Reply::write(const Records& records) {
    size_t ownerAt = 0;
    for (const Rdata& data : records.data) {
        // Most answers are about the question's name, which is where every message has it.
        if (ownerAt != 0)
            writer_.repeatedName(ownerAt);
        else if (ownerAt = writer_.size(); records.owner.wire().data() == questionName_.wire().data())
            writer_.pointer(headerBytes);
        else
            writer_.compressedName(records.owner);
        writer_.u16(records.type);
        writer_.u16(recordClass::internet);
        writer_.u32(records.ttlSeconds);
        const size_t lengthAt = writer_.size();
        writer_.u16(0);
        writeRdata(writer_, records.type, data);
        if (writer_.full()) return;
        writer_.patchU16(lengthAt, static_cast<uint16_t>(writer_.size() - lengthAt - 2));
    }
}

void Reply::keep(Section section, Need need, WireWriter::Mark before, size_t count) {
    if (!writer_.full()) {
        recordCounts_[static_cast<size_t>(section)] += static_cast<uint16_t>(count);
        return;
    }
    writer_.rewind(before);
    if (need == Need::required) truncate();
}

void Reply::add(Section section, Need need, NameView owner, const RecordSet& set, uint32_t ttlSeconds) {
    if (isTruncated()) return;
    const WireWriter::Mark before = writer_.mark();
    write({owner, set.type, ttlSeconds, set.records});
    size_t count = set.records.size();
    if (wantsDnssec() && !set.signatures.empty()) {
        write({owner, type::rrsig, ttlSeconds, set.signatures});
        count += set.signatures.size();
    }
    keep(section, need, before, count);
}

void Reply::addSignatures(Section section, NameView owner, const RecordSet& set) {
    if (isTruncated()) return;
    const WireWriter::Mark before = writer_.mark();
    write({owner, type::rrsig, set.ttlSeconds, set.signatures});
    keep(section, Need::required, before, set.signatures.size());
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
