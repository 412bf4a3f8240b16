// Reading and writing DNS messages within bounds. Neither class allocates.
//
// WireReader is used on bytes from strangers. After the first failure every read gives zeroes and ok() is false, so a
// parser may read a whole record and look once. Compression pointers must point backwards, each further than the last,
// so a name ends after finitely many steps whatever the bytes are.
//
// WireWriter writes into somebody else's buffer and never past its limit. When something does not fit it changes
// nothing more and full() is true; mark() and rewind() take back a record that did not fit whole.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "dns/name.h"
#include "dns/protocol.h"

namespace swb::dns {

class WireReader {
  public:
    explicit WireReader(std::span<const uint8_t> message, size_t position = 0)
        : message_(message), position_(position), ok_(position <= message.size()) {}

    bool ok() const { return ok_; }
    size_t position() const { return position_; }
    bool atEnd() const { return position_ == message_.size(); }
    size_t remaining() const { return ok_ ? message_.size() - position_ : 0; }

    uint8_t u8() {
        const uint8_t* raw = take(1);
        return raw ? raw[0] : 0;
    }
    uint16_t u16() {
        const uint8_t* raw = take(2);
        return raw ? static_cast<uint16_t>(raw[0] << 8 | raw[1]) : 0;
    }
    uint32_t u32() {
        const uint8_t* raw = take(4);
        return raw ? static_cast<uint32_t>(raw[0]) << 24 | static_cast<uint32_t>(raw[1]) << 16 |
                         static_cast<uint32_t>(raw[2]) << 8 | raw[3]
                   : 0;
    }
    std::span<const uint8_t> bytes(size_t count) {
        const uint8_t* raw = take(count);
        return raw ? std::span(raw, count) : std::span<const uint8_t>();
    }
    // A name without pointers, seen in place: the only form a question can have.
    NameView plainName();
    // Steps over a name that may end in a pointer, without following it.
    void skipName();
    // Copies a name, following pointers.
    void name(NameBuffer& out);

  private:
    void failed() { ok_ = false; }
    // The next octets; null, and never ok again, when there are not so many.
    const uint8_t* take(size_t count) {
        if (!ok_ || count > message_.size() - position_) {
            failed();
            return nullptr;
        }
        const uint8_t* raw = message_.data() + position_;
        position_ += count;
        return raw;
    }

    std::span<const uint8_t> message_;
    size_t position_;
    bool ok_;
};

class WireWriter {
  public:
    struct Mark {
        size_t position;
        size_t suffixes;
    };

    explicit WireWriter(std::span<uint8_t> out) : out_(out), limit_(out.size()) {}

    // Never past the end of the buffer.
    void setLimit(size_t bytes) { limit_ = bytes < out_.size() ? bytes : out_.size(); }
    size_t size() const { return position_; }
    bool full() const { return full_; }
    Mark mark() const { return {position_, suffixCount_}; }
    void rewind(Mark mark);

    void u8(uint8_t value) {
        if (roomFor(1)) out_[position_++] = value;
    }
    void u16(uint16_t value) {
        if (!roomFor(2)) return;
        put16(position_, value);
        position_ += 2;
    }
    void u32(uint32_t value) {
        if (!roomFor(4)) return;
        put16(position_, static_cast<uint16_t>(value >> 16));
        put16(position_ + 2, static_cast<uint16_t>(value));
        position_ += 4;
    }
    void bytes(std::string_view raw) {
        if (!roomFor(raw.size()) || raw.empty()) return;
        std::memcpy(out_.data() + position_, raw.data(), raw.size());
        position_ += raw.size();
    }
    void name(NameView name);            // as it is
    void firstName(NameView name);       // as it is, and a target of pointers; precondition: no other is one yet
    void compressedName(NameView name);  // the longest suffix already in the message becomes a pointer
    // Precondition: a name begins there, and pointers reach that far.
    void pointer(size_t position);
    // The name that this writer wrote at the position once more, as a pointer if possible.
    void repeatedName(size_t position);
    // Precondition: these two bytes have been written.
    void patchU16(size_t position, uint16_t value) {
        SWB_ASSERT(position + 2 <= position_, "only written bytes are patched");
        put16(position, value);
    }

  private:
    // One for each label written by compressedName(); more than any answer of this server has. Names beyond
    // are still written correctly, only without becoming targets.
    static constexpr size_t suffixesMax = 64;

    bool roomFor(size_t count) {
        if (position_ > limit_ || count > limit_ - position_) full_ = true;
        return !full_;
    }
    void put16(size_t position, uint16_t value) {
        out_[position] = static_cast<uint8_t>(value >> 8);
        out_[position + 1] = static_cast<uint8_t>(value);
    }
    bool sameNameAt(size_t position, NameView name) const;
    int findSuffix(NameView name) const;

    struct Suffix {
        uint16_t position;
        uint16_t bytes;  // of the whole name that begins there: most comparisons end with this number
    };

    std::span<uint8_t> out_;
    size_t limit_;
    size_t position_ = 0;
    bool full_ = false;
    std::array<Suffix, suffixesMax> suffixes_;
    size_t suffixCount_ = 0;
};

}  // namespace swb::dns
