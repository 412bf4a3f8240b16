#include "dns/wire.h"

#include <cstring>

#include "base/assert.h"

namespace swb::dns {
namespace {

constexpr uint8_t pointerMask = 0xc0;
constexpr size_t pointerReach = 0x4000;  // 14 bits

bool isPointer(uint8_t octet) {
    return (octet & pointerMask) == pointerMask;
}

}  // namespace

NameView WireReader::plainName() {
    const size_t start = position_;
    while (ok_) {
        const uint8_t length = u8();
        // Pointers and the two reserved label types are all above 63.
        if (length > labelBytesMax || position_ + length - start > nameBytesMax) failed();
        if (!ok_) break;
        if (length == 0) return NameView({reinterpret_cast<const char*>(message_.data()) + start, position_ - start});
        bytes(length);
    }
    return {};
}

void WireReader::skipName() {
    const size_t start = position_;
    while (ok_) {
        const uint8_t length = u8();
        if (!ok_ || length == 0) return;
        if (isPointer(length)) {
            const size_t target = static_cast<size_t>(length & ~pointerMask) << 8 | u8();
            if (target >= start) failed();
            return;
        }
        if (length > labelBytesMax || position_ + length - start > nameBytesMax) failed();
        bytes(length);
    }
}

void WireReader::name(NameBuffer& out) {
    out.size = 0;
    size_t resume = 0;           // where reading goes on, once a pointer has been followed
    size_t barrier = position_;  // the next pointer must go below this
    while (ok_) {
        const uint8_t length = u8();
        if (!ok_) break;
        if (isPointer(length)) {
            const size_t target = static_cast<size_t>(length & ~pointerMask) << 8 | u8();
            if (!ok_ || target >= barrier) return failed();
            if (resume == 0) resume = position_;
            barrier = position_ = target;
            continue;
        }
        // One octet stays free for the root label.
        if (length > labelBytesMax || out.size + 1 + length + (length ? 1 : 0) > nameBytesMax) return failed();
        const auto label = bytes(length);
        if (!ok_) return;
        out.bytes[out.size++] = static_cast<char>(length);
        if (length == 0) {
            if (resume != 0) position_ = resume;
            return;
        }
        std::memcpy(out.bytes.data() + out.size, label.data(), length);
        out.size += length;
    }
}

void WireWriter::rewind(Mark mark) {
    SWB_ASSERT(mark.position <= position_ && mark.suffixes <= suffixCount_, "a message is only rewound backwards");
    position_ = mark.position;
    suffixCount_ = mark.suffixes;
    full_ = false;
}

void WireWriter::name(NameView name) {
    bytes(name.wire());
}

void WireWriter::firstName(NameView name) {
    const size_t start = position_;
    bytes(name.wire());
    if (full_) return;
    for (size_t at = 0; !name.isRoot(); at += 1 + name.firstLabel().size(), name = name.parent())
        if (suffixCount_ < suffixesMax)
            suffixes_[suffixCount_++] = {static_cast<uint16_t>(start + at), static_cast<uint16_t>(name.size())};
}

void WireWriter::compressedName(NameView name) {
    for (; !name.isRoot() && !full_; name = name.parent()) {
        const int target = findSuffix(name);
        if (target >= 0) return pointer(static_cast<size_t>(target));
        const size_t start = position_;
        bytes(name.wire().substr(0, 1 + name.firstLabel().size()));
        if (!full_ && start < pointerReach && suffixCount_ < suffixesMax)
            suffixes_[suffixCount_++] = {static_cast<uint16_t>(start), static_cast<uint16_t>(name.size())};
    }
    u8(0);
}

void WireWriter::pointer(size_t position) {
    u16(static_cast<uint16_t>(pointerMask << 8 | position));
}

void WireWriter::repeatedName(size_t position) {
    if (full_) return;
    // What is a pointer by itself is copied, so that no pointer leads to another.
    if (isPointer(out_[position])) return u16(static_cast<uint16_t>(out_[position] << 8 | out_[position + 1]));
    if (position < pointerReach) return pointer(position);
    NameBuffer name;
    WireReader(out_.first(position_), position).name(name);
    this->name(name.view());
}

int WireWriter::findSuffix(NameView name) const {
    for (size_t i = 0; i < suffixCount_; ++i)
        if (suffixes_[i].bytes == name.size() && sameNameAt(suffixes_[i].position, name)) return suffixes_[i].position;
    return -1;
}

// The bytes at `position` are this writer's own: pointers in them only go to names that are complete, except that the
// name being written just now may have been left without its end. Such a suffix is longer than what is searched for.
bool WireWriter::sameNameAt(size_t position, NameView name) const {
    const std::string_view wire = name.wire();
    size_t matched = 0;
    while (position < position_) {
        const uint8_t length = out_[position];
        if (isPointer(length)) {
            if (position + 1 >= position_) return false;
            position = static_cast<size_t>(length & ~pointerMask) << 8 | out_[position + 1];
            continue;
        }
        if (matched >= wire.size() || length != static_cast<uint8_t>(wire[matched])) return false;
        if (length == 0) return true;
        if (position + 1 + length > position_) return false;
        for (size_t i = 1; i <= length; ++i)
            if (lowerCase(out_[position + i]) != lowerCase(static_cast<uint8_t>(wire[matched + i]))) return false;
        position += 1 + static_cast<size_t>(length);
        matched += 1 + static_cast<size_t>(length);
    }
    return false;
}

}  // namespace swb::dns
