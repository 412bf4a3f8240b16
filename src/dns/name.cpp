#include "dns/name.h"

#include <algorithm>

#include "dns/hashed_name.h"

namespace swb::dns {
namespace {

tl::unexpected<Error> badName(std::string_view text, std::string_view why) {
    return fail(ErrorCode::InvalidInput,
                "\"" + std::string(text.substr(0, nameBytesMax)) + "\" is not a domain name: " + std::string(why));
}

bool isDigit(char character) {
    return character >= '0' && character <= '9';
}

// Reads one character of a label at `at`, resolving escapes; negative when the escape is not valid.
int readOctet(std::string_view text, size_t& at) {
    const char first = text[at++];
    if (first != '\\') return static_cast<uint8_t>(first);
    if (at >= text.size()) return -1;
    if (!isDigit(text[at])) return static_cast<uint8_t>(text[at++]);
    if (at + 3 > text.size() || !isDigit(text[at + 1]) || !isDigit(text[at + 2])) return -1;
    const int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
    at += 3;
    return value <= 255 ? value : -1;
}

// Where each label starts, from the left.
size_t labelStarts(NameView name, std::array<uint8_t, nameBytesMax>& starts) {
    size_t count = 0;
    const std::string_view wire = name.wire();
    for (size_t at = 0; wire[at] != 0; at += 1 + static_cast<uint8_t>(wire[at]))
        starts[count++] = static_cast<uint8_t>(at);
    return count;
}

std::string_view labelAt(NameView name, size_t start) {
    return name.wire().substr(start + 1, static_cast<uint8_t>(name.wire()[start]));
}

int compareLabels(std::string_view left, std::string_view right) {
    const size_t common = std::min(left.size(), right.size());
    for (size_t i = 0; i < common; ++i) {
        const int difference = lowerCase(static_cast<uint8_t>(left[i])) - lowerCase(static_cast<uint8_t>(right[i]));
        if (difference != 0) return difference;
    }
    return static_cast<int>(left.size()) - static_cast<int>(right.size());
}

}  // namespace

size_t NameView::labelCount() const {
    size_t count = 0;
    for (size_t at = 0; wire_[at] != 0; at += 1 + static_cast<uint8_t>(wire_[at])) ++count;
    return count;
}

std::string_view NameView::firstLabel() const {
    return wire_.substr(1, static_cast<uint8_t>(wire_[0]));
}

NameView NameView::parent() const {
    return NameView(wire_.substr(1 + static_cast<uint8_t>(wire_[0])));
}

bool NameView::isAtOrBelow(NameView ancestor) const {
    if (ancestor.size() > size()) return false;
    // The suffix must begin where a label begins: "xexample." is not below "example.".
    const size_t start = size() - ancestor.size();
    size_t at = 0;
    while (at < start) at += 1 + static_cast<uint8_t>(wire_[at]);
    return at == start && sameWithoutCase(wire_.substr(start), ancestor.wire_);
}

std::string NameView::toText() const {
    if (isRoot()) return ".";
    std::string text;
    for (NameView rest = *this; !rest.isRoot(); rest = rest.parent()) {
        for (const char character : rest.firstLabel()) {
            const auto octet = static_cast<uint8_t>(character);
            if (octet <= 0x20 || octet >= 0x7f) {
                text += {'\\', static_cast<char>('0' + octet / 100), static_cast<char>('0' + octet / 10 % 10),
                         static_cast<char>('0' + octet % 10)};
                continue;
            }
            if (std::string_view(".\\\"();@$").find(character) != std::string_view::npos) text += '\\';
            text += character;
        }
        text += '.';
    }
    return text;
}

bool operator==(NameView left, NameView right) {
    return sameWithoutCase(left.wire(), right.wire());
}

Result<Name> Name::fromText(std::string_view text) {
    if (text.empty()) return badName(text, "it is empty");
    // The longest valid text has four characters for each octet.
    if (text.size() > nameBytesMax * 4) return badName(text, "it is longer than 255 octets");
    if (text == ".") return Name();
    std::string wire;
    std::string label;
    for (size_t at = 0; at <= text.size();) {
        if (at == text.size() || text[at] == '.') {
            if (label.empty()) return badName(text, "a label is empty");
            if (label.size() > labelBytesMax) return badName(text, "a label is longer than 63 octets");
            wire += static_cast<char>(label.size());
            wire += label;
            label.clear();
            if (++at >= text.size()) break;
            continue;
        }
        const auto raw = static_cast<uint8_t>(text[at]);
        if (raw <= 0x20 || raw >= 0x7f)
            return badName(text, "it has a character that must be escaped or written in its xn-- form");
        const int octet = readOctet(text, at);
        if (octet < 0) return badName(text, "an escape is not valid");
        label += static_cast<char>(octet);
    }
    wire += '\0';
    if (wire.size() > nameBytesMax) return badName(text, "it is longer than 255 octets");
    return Name(std::move(wire));
}

int compareCanonically(NameView left, NameView right) {
    std::array<uint8_t, nameBytesMax> leftStarts, rightStarts;
    size_t leftCount = labelStarts(left, leftStarts), rightCount = labelStarts(right, rightStarts);
    while (leftCount > 0 && rightCount > 0) {
        const int difference =
            compareLabels(labelAt(left, leftStarts[--leftCount]), labelAt(right, rightStarts[--rightCount]));
        if (difference != 0) return difference;
    }
    return static_cast<int>(leftCount) - static_cast<int>(rightCount);
}

size_t NameHash::operator()(NameView name) const {
    return HashedName(name).hash();
}

}  // namespace swb::dns
