#include "health/lag_history.h"

#include <algorithm>
#include <charconv>

namespace swb::health {
namespace {

int64_t worse(int64_t a, int64_t b) {
    return std::max(a, b);
}

int64_t average(int64_t a, int64_t countA, int64_t b, int64_t countB) {
    if (a < 0) return b;
    if (b < 0) return a;
    return (a * countA + b * countB) / (countA + countB);
}

// From best to worst; the enum's order is that of a link's life.
int rank(LinkState state) {
    switch (state) {
        case LinkState::none:
            return 0;
        case LinkState::streaming:
            return 1;
        case LinkState::behind:
            return 2;
        case LinkState::seeding:
            return 3;
        case LinkState::stopped:
            return 4;
        case LinkState::broken:
            return 5;
        case LinkState::diverged:
            return 6;
    }
    return 0;
}

constexpr int64_t fieldsPerLine = 8;

bool readLine(std::string_view line, std::array<int64_t, fieldsPerLine>& fields) {
    size_t count = 0;
    while (count < fields.size()) {
        const size_t space = line.find(' ');
        const std::string_view word = line.substr(0, space);
        const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), fields[count]);
        if (problem != std::errc() || end != word.data() + word.size()) return false;
        ++count;
        if (space == std::string_view::npos) return count == fields.size();
        line.remove_prefix(space + 1);
    }
    return false;
}

}  // namespace

const std::array<Tier, 3> tiers = {
    {{"seconds", 5'000, 60, 6}, {"minutes", 60'000, 60, 12}, {"hours", 3600'000, 24, 30}}};

const Tier& tierFor(UnixMs from, UnixMs now) {
    for (const Tier& tier : tiers)
        if (now - from <= tier.blocksKept * tier.blockMs()) return tier;
    return tiers.back();
}

const Tier* tierNamed(std::string_view name) {
    for (const Tier& tier : tiers)
        if (tier.name == name) return &tier;
    return nullptr;
}

Sample merged(const Sample& a, const Sample& b) {
    Sample out = rank(a.state) > rank(b.state) ? a : b;
    out.bytes = worse(a.bytes, b.bytes);
    out.lagMs = worse(a.lagMs, b.lagMs);
    out.writeRate = average(a.writeRate, a.count, b.writeRate, b.count);
    out.applyRate = average(a.applyRate, a.count, b.applyRate, b.count);
    out.isReversed = b.isReversed;
    out.count = a.count + b.count;
    return out;
}

std::string encode(const Samples& samples) {
    std::string text;
    for (const auto& [slot, sample] : samples) {
        for (const int64_t value : {slot, sample.bytes, sample.lagMs, sample.writeRate, sample.applyRate,
                                    static_cast<int64_t>(sample.state), static_cast<int64_t>(sample.isReversed)})
            text += std::to_string(value) + ' ';
        text += std::to_string(sample.count) + '\n';
    }
    return text;
}

Result<Samples> decode(std::string_view text) {
    Samples samples;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        std::array<int64_t, fieldsPerLine> fields{};
        if (end == std::string_view::npos || !readLine(text.substr(0, end), fields) || fields[5] < 0 ||
            fields[5] > static_cast<int64_t>(LinkState::stopped) || fields[7] < 1)
            return fail(ErrorCode::ProtocolViolation, "a block of a link's history cannot be read");
        samples[fields[0]] = {fields[1],      fields[2], fields[3], fields[4], static_cast<LinkState>(fields[5]),
                              fields[6] != 0, fields[7]};
        text.remove_prefix(end + 1);
    }
    return samples;
}

std::string pairOf(const Link& link) {
    return std::min(link.from, link.to) + "/" + std::max(link.from, link.to) + "/" + link.database;
}

bool isReversed(const Link& link) {
    return link.from > link.to;
}

std::string blockId(std::string_view pair, const Tier& tier, int64_t block) {
    return std::string(pair) + "@" + std::string(tier.name) + "@" + std::to_string(block);
}

std::optional<BlockName> parseBlockId(std::string_view id) {
    const size_t last = id.rfind('@');
    if (last == std::string_view::npos || last == 0) return std::nullopt;
    const size_t first = id.rfind('@', last - 1);
    if (first == std::string_view::npos) return std::nullopt;
    BlockName name;
    name.pair = id.substr(0, first);
    name.tier = tierNamed(id.substr(first + 1, last - first - 1));
    const std::string_view digits = id.substr(last + 1);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), name.block);
    if (!name.tier || problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return name;
}

}  // namespace swb::health
