#include "dns/zone_index.h"

#include <bit>

namespace swb::dns {
namespace {

constexpr size_t typicalNameBytes = 32;

uint32_t tagOf(uint64_t hash) {
    return static_cast<uint32_t>(hash >> 32);
}

// How many labels two names have in common, counted from the root.
size_t commonLabels(const HashedName& left, const HashedName& right) {
    size_t count = 0;
    const size_t most = std::min(left.labelCount(), right.labelCount());
    while (count < most && sameWithoutCase(left.without(left.labelCount() - count - 1).firstLabel(),
                                           right.without(right.labelCount() - count - 1).firstLabel()))
        ++count;
    return count;
}

}  // namespace

uint32_t ZoneIndex::find(NameView name, uint64_t hash) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        const Slot& slot = slots_[at];
        if (slot.position == none) return none;
        if (slot.tag == tagOf(hash) && nameAt(slot.position) == name) return slot.position;
    }
}

uint32_t ZoneIndex::likely(uint64_t hash) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask; slots_[at].position != none; at = (at + 1) & mask)
        if (slots_[at].tag == tagOf(hash)) return slots_[at].position;
    return none;
}

uint32_t ZoneIndex::countBefore(NameView name) const {
    uint32_t low = 0, high = static_cast<uint32_t>(entries_.size());
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (compareCanonically(nameAt(middle), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

ZoneIndexBuilder::ZoneIndexBuilder(size_t expectedNames) : index_(std::make_shared<ZoneIndex>()) {
    index_->entries_.reserve(expectedNames);
    index_->names_.reserve(expectedNames * typicalNameBytes);
}

uint32_t ZoneIndexBuilder::add(NameView name, bool isDelegation) {
    if (!index_->entries_.empty()) {
        // Everything between a name and its descendant is also below the name. So the ancestors that still lack are
        // those with more labels than this name has in common with the one before.
        const HashedName hashed(name);
        const HashedName before(index_->nameAt(static_cast<uint32_t>(index_->size() - 1)));
        size_t labels = commonLabels(hashed, before);
        while (++labels < hashed.labelCount()) append(hashed.without(hashed.labelCount() - labels), false);
    }
    append(name, isDelegation);
    return static_cast<uint32_t>(index_->size() - 1);
}

void ZoneIndexBuilder::append(NameView name, bool isDelegation) {
    if (cut_ != ZoneIndex::none && !name.isAtOrBelow(index_->nameAt(cut_))) cut_ = ZoneIndex::none;
    if (cut_ == ZoneIndex::none && isDelegation) cut_ = static_cast<uint32_t>(index_->size());
    index_->entries_.push_back({static_cast<uint32_t>(index_->names_.size()), cut_, static_cast<uint8_t>(name.size())});
    index_->names_ += name.wire();
    index_->deepestLabels_ = std::max(index_->deepestLabels_, name.labelCount());
    index_->hasWildcards_ |= !name.isRoot() && name.firstLabel() == "*";
}

std::shared_ptr<const ZoneIndex> ZoneIndexBuilder::finish() {
    index_->names_.shrink_to_fit();
    index_->entries_.shrink_to_fit();
    fillTable();
    return std::move(index_);
}

void ZoneIndexBuilder::fillTable() {
    index_->slots_.resize(std::bit_ceil(index_->size() * 2));
    const size_t mask = index_->slots_.size() - 1;
    for (uint32_t position = 0; position < index_->size(); ++position) {
        const uint64_t hash = HashedName(index_->nameAt(position)).hash();
        size_t at = hash & mask;
        while (index_->slots_[at].position != ZoneIndex::none) at = (at + 1) & mask;
        index_->slots_[at] = {tagOf(hash), position};
    }
}

}  // namespace swb::dns
