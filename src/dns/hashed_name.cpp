#include "dns/hashed_name.h"

#include "dns/case_fold.h"

namespace swb::dns {
namespace {

// Odd constants with their bits well spread; their values have no other meaning.
constexpr uint64_t rootHash = 0x9e3779b97f4a7c15, factor = 0xd6e8feb86659fd93;

__extension__ using Wide = unsigned __int128;

// Multiplies and folds the two halves: every input bit reaches every output bit.
uint64_t mixed(uint64_t value) {
    const Wide product = static_cast<Wide>(value ^ rootHash) * factor;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Only the zone's own names are ever inserted, so nobody can aim at collisions by asking.
uint64_t hashOfLabel(uint64_t above, std::string_view label) {
    uint64_t hash = mixed(above + label.size());
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= label.size(); at += sizeof(uint64_t))
        hash = mixed(hash ^ lowerCaseWord(wordAt(label.data() + at)));
    if (at == label.size()) return hash;
    uint64_t rest = 0;
    for (; at < label.size(); ++at) rest = rest << 8 | static_cast<uint8_t>(label[at]);
    return mixed(hash ^ lowerCaseWord(rest));
}

}  // namespace

HashedName::HashedName(NameView name) : name_(name) {
    const std::string_view wire = name.wire();
    size_t at = 0;
    for (; wire[at] != 0; at += 1 + static_cast<uint8_t>(wire[at])) starts_[labelCount_++] = static_cast<uint8_t>(at);
    starts_[labelCount_] = static_cast<uint8_t>(at);
    hashes_[labelCount_] = rootHash;
    for (size_t label = labelCount_; label-- > 0;) {
        const size_t start = starts_[label] + size_t{1};
        hashes_[label] = hashOfLabel(hashes_[label + 1], wire.substr(start, starts_[label + 1] - start));
    }
}

uint64_t HashedName::wildcardHashBelow(size_t labels) const {
    return hashOfLabel(hashes_[labels], "*");
}

}  // namespace swb::dns
