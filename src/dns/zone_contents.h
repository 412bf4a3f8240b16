// The record sets of each name, in blocks that snapshots share: a change copies the blocks it touches and no other.
#pragma once

#include <memory>
#include <vector>

#include "dns/record_set.h"

namespace swb::dns {

// By type. Null: a name without records.
using NodeSets = std::shared_ptr<const std::vector<RecordSet>>;

class ZoneContents {
  public:
    struct Replacement {
        uint32_t position = 0;
        NodeSets sets;
    };

    ZoneContents() = default;
    // One entry for each position of the index.
    explicit ZoneContents(std::vector<NodeSets> sets);
    // Sorted by position.
    ZoneContents with(const std::vector<Replacement>& replacements) const;

    const NodeSets& at(uint32_t position) const { return (*blocks_[position / blockSize])[position % blockSize]; }

  private:
    // Near the square root of the largest zone, where copying the table and copying one block cost the same.
    static constexpr size_t blockSize = 256;
    using Block = std::array<NodeSets, blockSize>;

    std::vector<std::shared_ptr<const Block>> blocks_;
};

}  // namespace swb::dns
