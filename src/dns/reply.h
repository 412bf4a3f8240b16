// A reply in the making: header and question first, then records in section order, then the OPT record.
// Required records that do not fit empty the reply and set TC (RFC 2181 §9); optional ones are left out silently. The
// OPT record is there exactly when the query had one, in a truncated reply as well.
#pragma once

#include "dns/edns.h"
#include "dns/query.h"
#include "dns/record_set.h"

namespace swb::dns {

class Reply {
  public:
    enum class Section : uint8_t { answer, authority, additional };
    enum class Need : uint8_t { required, optional };

    Reply(const Query& query, Transport transport, std::span<uint8_t> out);

    void setRcode(uint16_t rcode) { rcode_ = rcode; }
    uint16_t rcode() const { return rcode_; }
    void setAuthoritative() { flags_ |= flag::authoritative; }
    // What the OPT record will say, which takes room from the records: precondition, none has been added.
    void setEdns(const EdnsReply& edns);
    void setExtendedError(uint16_t code) { edns_.extendedError = code; }
    bool wantsDnssec() const { return edns_.dnssecOk; }
    bool isTruncated() const { return (flags_ & flag::truncated) != 0; }

    // Adds the whole set, with its signatures when the client wants them, or nothing. Sections are filled in order.
    void add(Section section, Need need, NameView owner, const RecordSet& set, uint32_t ttlSeconds);
    void add(Section section, Need need, NameView owner, const RecordSet& set) {
        add(section, need, owner, set, set.ttlSeconds);
    }

    // The signatures alone, all of them or none.
    void addSignatures(Section section, NameView owner, const RecordSet& set);

    // Empties the reply and sets TC: the client is to come back over TCP.
    void truncate();
    // Writes the OPT record and the header; the reply's length.
    size_t finish();

  private:
    struct Records {
        NameView owner;
        uint16_t type;
        uint32_t ttlSeconds;
        std::span<const Rdata> data;
    };

    void limitRecords(size_t reserved);
    void write(const Records& records);
    // Counts what has been written, or takes it back when it did not fit.
    void keep(Section section, Need need, WireWriter::Mark before, size_t count);

    WireWriter writer_;
    NameView questionName_;
    WireWriter::Mark afterQuestion_{};
    size_t messageLimit_;
    bool hasOpt_;
    EdnsReply edns_;
    uint16_t id_;
    uint16_t flags_;
    uint16_t rcode_ = rcode::noError;
    uint16_t questionCount_ = 0;
    std::array<uint16_t, 3> recordCounts_{};
};

}  // namespace swb::dns
