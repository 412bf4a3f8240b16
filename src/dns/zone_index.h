// The names of a zone: in canonical order, and by hash. Immutable and shared by all snapshots that have the same names.
//
// A name is known by its position in the canonical order, so "the name before it" is a subtraction. Names without
// records that lie between others (empty non-terminals, RFC 8020) are names like all others here. The origin is at 0.
#pragma once

#include <memory>
#include <vector>

#include "dns/hashed_name.h"

namespace swb::dns {

class ZoneIndex {
  public:
    static constexpr uint32_t none = UINT32_MAX;

    size_t size() const { return entries_.size(); }
    NameView nameAt(uint32_t position) const {
        const Entry& entry = entries_[position];
        return NameView(std::string_view(names_).substr(entry.nameAt, entry.nameBytes));
    }
    // The position of this name; none when it does not exist.
    uint32_t find(NameView name, uint64_t hash) const;
    // For LookAhead: where a search for the hash begins, and the name it will most likely compare; none when there is
    // certainly no name of that hash.
    const void* slotOf(uint64_t hash) const { return &slots_[hash & (slots_.size() - 1)]; }
    uint32_t likely(uint64_t hash) const;
    const void* entryOf(uint32_t position) const { return &entries_[position]; }
    // How many names come before this one.
    uint32_t countBefore(NameView name) const;
    // The topmost delegation at or above the name: what hides it. None for authoritative names.
    uint32_t cutOf(uint32_t position) const { return entries_[position].cut; }

    size_t deepestLabels() const { return deepestLabels_; }
    bool hasWildcards() const { return hasWildcards_; }

  private:
    friend class ZoneIndexBuilder;

    struct Entry {
        uint32_t nameAt = 0;
        uint32_t cut = none;
        uint8_t nameBytes = 0;
    };
    // Open addressing, linear probing, at most half full. The tag keeps most false candidates from being compared.
    struct Slot {
        uint32_t tag = 0;
        uint32_t position = none;
    };

    std::string names_;
    std::vector<Entry> entries_;
    std::vector<Slot> slots_;
    size_t deepestLabels_ = 0;
    bool hasWildcards_ = false;
};

// Takes the names that have records, in canonical order, the origin first; adds those between them.
class ZoneIndexBuilder {
  public:
    explicit ZoneIndexBuilder(size_t expectedNames);

    // The position it got. Precondition: after the one before, at or below the first one.
    uint32_t add(NameView name, bool isDelegation);
    std::shared_ptr<const ZoneIndex> finish();

  private:
    void append(NameView name, bool isDelegation);
    void fillTable();

    std::shared_ptr<ZoneIndex> index_;
    uint32_t cut_ = ZoneIndex::none;  // of the name added last
};

}  // namespace swb::dns
