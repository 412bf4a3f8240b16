// A name with the hashes of itself and of every name above it, computed once for a question and used for finding its
// zone, its node, its closest existing ancestor and its wildcard. Lives on the stack; allocates nothing.
#pragma once

#include "dns/name.h"

namespace swb::dns {

constexpr size_t labelsMax = 127;

class HashedName {
  public:
    // The name's bytes must outlive this object.
    explicit HashedName(NameView name);

    NameView name() const { return name_; }
    size_t labelCount() const { return labelCount_; }
    // The name without its first labels; precondition: labels <= labelCount().
    NameView without(size_t labels) const { return NameView(name_.wire().substr(starts_[labels])); }
    uint64_t hashWithout(size_t labels) const { return hashes_[labels]; }
    uint64_t hash() const { return hashes_[0]; }
    // Of the wildcard directly below the name without its first labels.
    uint64_t wildcardHashBelow(size_t labels) const;

  private:
    NameView name_;
    size_t labelCount_ = 0;
    std::array<uint8_t, labelsMax + 1> starts_;  // of each label and of the root
    std::array<uint64_t, labelsMax + 1> hashes_;
};

}  // namespace swb::dns
