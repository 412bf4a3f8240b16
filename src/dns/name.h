// Domain names in wire form: length-prefixed labels, the root label last, never compressed.
//
// NameView looks at the bytes of somebody else's valid name (a query, a snapshot) and never allocates: it is what the
// answer path works with. Name owns its bytes and is what zones are built from. Both keep the case they were given and
// compare without it (RFC 4343). Text is the master-file form: dots between labels, \. and \DDD escapes, always
// absolute: "a.example" and "a.example." are the same name.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/case_fold.h"

namespace swb::dns {

constexpr size_t nameBytesMax = 255;  // RFC 1035 §2.3.4, length octets and root label included
constexpr size_t labelBytesMax = 63;

class NameView {
  public:
    constexpr NameView() = default;  // the root
    // Precondition: a valid name in wire form, as readers and Name give it.
    constexpr explicit NameView(std::string_view wire) : wire_(wire) {}

    constexpr std::string_view wire() const { return wire_; }
    constexpr size_t size() const { return wire_.size(); }
    constexpr bool isRoot() const { return wire_.size() == 1; }
    size_t labelCount() const;  // without the root label
    std::string_view firstLabel() const;
    NameView parent() const;  // precondition: not the root
    // The name itself counts as below: RFC 1034's "at or below".
    bool isAtOrBelow(NameView ancestor) const;
    std::string toText() const;  // with the final dot

  private:
    std::string_view wire_ = std::string_view("\0", 1);
};

bool operator==(NameView left, NameView right);

class Name {
  public:
    Name() : wire_(1, '\0') {}  // the root
    explicit Name(NameView view) : wire_(view.wire()) {}
    static Result<Name> fromText(std::string_view text);

    // Not for temporaries: the view would outlive its bytes.
    operator NameView() const& { return NameView(wire_); }
    NameView view() const& { return NameView(wire_); }
    std::string toText() const { return view().toText(); }

  private:
    explicit Name(std::string wire) : wire_(std::move(wire)) {}

    std::string wire_;
};

inline bool operator==(const Name& left, const Name& right) {
    return left.view() == right.view();
}
// RFC 4034 §6.1 order: by labels from the right, without case. Negative, zero or positive.
int compareCanonically(NameView left, NameView right);

// Room for one name on the stack, for code that must not allocate.
struct NameBuffer {
    std::array<char, nameBytesMax> bytes;
    size_t size = 0;
    NameView view() const { return NameView(std::string_view(bytes.data(), size)); }
};

// For hash tables that are searched with a NameView and hold Names.
struct NameHash {
    using is_transparent = void;
    size_t operator()(NameView name) const;
    size_t operator()(const Name& name) const { return (*this)(name.view()); }
};
struct NameEqual {
    using is_transparent = void;
    bool operator()(NameView left, NameView right) const { return left == right; }
};

// "*." before the name. Precondition: that is still a name, of at most 255 octets.
inline void wildcardBelow(NameView name, NameBuffer& out) {
    out.bytes[0] = 1;
    out.bytes[1] = '*';
    std::memcpy(out.bytes.data() + 2, name.wire().data(), name.size());
    out.size = name.size() + 2;
}

}  // namespace swb::dns
