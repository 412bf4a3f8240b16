#include "dns/zone_contents.h"

namespace swb::dns {

ZoneContents::ZoneContents(std::vector<NodeSets> sets) {
    blocks_.reserve(sets.size() / blockSize + 1);
    for (size_t first = 0; first < sets.size(); first += blockSize) {
        auto block = std::make_shared<Block>();
        for (size_t i = 0; i < blockSize && first + i < sets.size(); ++i) (*block)[i] = std::move(sets[first + i]);
        blocks_.push_back(std::move(block));
    }
}

ZoneContents ZoneContents::with(const std::vector<Replacement>& replacements) const {
    ZoneContents next = *this;
    for (size_t i = 0; i < replacements.size();) {
        const size_t number = replacements[i].position / blockSize;
        auto block = std::make_shared<Block>(*blocks_[number]);
        for (; i < replacements.size() && replacements[i].position / blockSize == number; ++i)
            (*block)[replacements[i].position % blockSize] = replacements[i].sets;
        next.blocks_[number] = std::move(block);
    }
    return next;
}

}  // namespace swb::dns
