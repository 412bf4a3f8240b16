// A reply in the making: header and question first, then records in section order, then the OPT record.
// Required records that do not fit empty the reply and set TC (RFC 2181 §9); optional ones are left out silently.
#pragma once

#include "dns/query.h"
#include "dns/zone.h"

namespace swb::dns {

class Reply {
  public:
    enum class Section : uint8_t { answer, authority, additional };
    enum class Need : uint8_t { required, optional };

    Reply(const Query& query, Transport transport, std::span<uint8_t> out);

    void setRcode(uint16_t rcode) { rcode_ = rcode; }
    void setAuthoritative() { flags_ |= flag::authoritative; }
    bool isTruncated() const { return (flags_ & flag::truncated) != 0; }

    // Adds the whole set or nothing. Sections are filled in order.
    void add(Section section, Need need, NameView owner, const ZoneRecordSet& set, uint32_t ttlSeconds);
    void add(Section section, Need need, NameView owner, const ZoneRecordSet& set) {
        add(section, need, owner, set, set.ttlSeconds);
    }

    // Writes the OPT record and the header; the reply's length.
    size_t finish();

  private:
    void truncate();

    WireWriter writer_;
    WireWriter::Mark afterQuestion_{};
    size_t messageLimit_;
    bool hasOpt_;
    bool dnssecOk_;
    uint16_t id_;
    uint16_t flags_;
    uint16_t rcode_ = rcode::noError;
    uint16_t questionCount_ = 0;
    std::array<uint16_t, 3> recordCounts_{};
};

}  // namespace swb::dns
