#include "dns/epoch_mark.h"

#include <charconv>

namespace swb::dns {
namespace {

constexpr std::string_view label = "_swingbridge";
constexpr std::string_view groupKey = "group=", epochKey = " epoch=";

}  // namespace

std::optional<EpochMark> epochMarkOf(const RecordSet& set) {
    if (set.type != type::txt || set.records.size() != 1) return {};
    std::string_view text = set.records.front();
    // One character-string and nothing behind it.
    if (text.empty() || static_cast<uint8_t>(text[0]) + size_t{1} != text.size()) return {};
    text.remove_prefix(1);
    const size_t split = text.find(epochKey);
    if (!text.starts_with(groupKey) || split == std::string_view::npos) return {};
    EpochMark mark{text.substr(groupKey.size(), split - groupKey.size()), 0};
    const std::string_view number = text.substr(split + epochKey.size());
    const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), mark.epoch);
    if (problem != std::errc() || end != number.data() + number.size() || mark.epoch < 0 || mark.group.empty())
        return {};
    return mark;
}

RecordSet epochMarkSet(std::string_view group, int64_t epoch, uint32_t ttlSeconds) {
    Rdata data(1, '\0');
    data.append(groupKey).append(group).append(epochKey).append(std::to_string(epoch));
    data[0] = static_cast<char>(data.size() - 1);
    return {type::txt, ttlSeconds, {std::move(data)}};
}

Error epochOld(std::string_view group, int64_t known, int64_t offered) {
    return Error(ErrorCode::EpochOld,
                 "the address of " + std::string(group) + " is of epoch " + std::to_string(known) + "; epoch " +
                     std::to_string(offered) + " is older",
                 "the group has been switched since; read its state again");
}

bool isEpochMarkName(NameView name) {
    return !name.isRoot() && sameWithoutCase(name.firstLabel(), label);
}

bool epochMarkName(NameView failoverName, NameBuffer& out) {
    if (failoverName.size() + label.size() + 1 > nameBytesMax) return false;
    out.bytes[0] = static_cast<char>(label.size());
    std::memcpy(out.bytes.data() + 1, label.data(), label.size());
    std::memcpy(out.bytes.data() + 1 + label.size(), failoverName.wire().data(), failoverName.size());
    out.size = 1 + label.size() + failoverName.size();
    return true;
}

}  // namespace swb::dns
