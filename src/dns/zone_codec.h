// Zones and changes as octets: what the journal writes. Reading checks form and limits; whether the records may stand
// in a zone is checked by whoever builds it.
#pragma once

#include "dns/zone.h"

namespace swb::dns {

// Appends to out.
void encodeChange(const ZoneChange& change, std::string& out);
Result<ZoneChange> decodeChange(std::string_view octets);

// A file: a magic, then frames. A frame is a length, a checksum of the payload, a checksum of these two, the payload.
void appendFrame(std::string& out, std::string_view payload);

// Steps through the frames of a file.
class FrameReader {
  public:
    enum class Step : uint8_t {
        frame,    // payload() is whole
        end,      // nothing follows
        torn,     // what follows is the beginning of a frame that never became whole, or blank
        damaged,  // what follows was written whole and is no longer what it was
    };

    explicit FrameReader(std::string_view octets, size_t position) : octets_(octets), position_(position) {}
    Step next();
    std::string_view payload() const { return payload_; }
    // Where the last whole frame ends.
    size_t position() const { return position_; }

  private:
    std::string_view octets_;
    size_t position_;
    std::string_view payload_;
};

// The whole zone file.
std::string encodeZone(const ZoneSnapshot& zone);
Result<ZonePointer> decodeZone(std::string_view file);

}  // namespace swb::dns
