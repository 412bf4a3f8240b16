#include "dispatch/link_history.h"

#include <algorithm>

#include "base/log.h"

namespace swb::dispatch {
namespace {

constexpr const char* kind = "lag-history";
constexpr size_t blocksPerCommit = 200;  // some kilobytes each: a commit that comes meanwhile waits for one of these
constexpr int64_t forgetEveryMs = 600'000;

}  // namespace

Result<health::Samples> LinkHistory::stored(const std::string& id) const {
    const auto document = TRY(store_.get(kind, id));
    if (!document) return health::Samples{};
    return health::decode(textAt(document->body, "samples"));
}

void LinkHistory::add(const std::string& pair, UnixMs at, const health::Sample& sample) {
    const std::lock_guard lock(mutex_);
    for (const health::Tier& tier : health::tiers) {
        const std::string id = health::blockId(pair, tier, tier.blockOf(at));
        auto found = blocks_.find(id);
        if (found == blocks_.end()) {
            // After a restart the block goes on where it was written last.
            auto before = stored(id);
            if (!before) logWarning("history", "{} begins anew: {}", id, describe(before.error()));
            found = blocks_.emplace(id, Block{before.value_or(health::Samples{}), false}).first;
        }
        Block& block = found->second;
        const auto [slot, isNew] = block.samples.emplace(tier.slotOf(at), sample);
        if (!isNew) slot->second = health::merged(slot->second, sample);
        block.isDirty = true;
    }
}

Result<void> LinkHistory::forgetOld(UnixMs now) {
    if (now - forgotAt_ < forgetEveryMs && now >= forgotAt_) return {};
    forgotAt_ = now;
    store::Commit commit;
    for (const std::string& id : TRY(store_.ids(kind))) {
        const auto name = health::parseBlockId(id);
        if (!name || name->isOld(now)) commit.removes.push_back({kind, id, store::anyVersion});
        if (commit.removes.size() < blocksPerCommit) continue;
        TRY(store_.commit(commit));
        commit.removes.clear();
    }
    if (!commit.removes.empty()) TRY(store_.commit(commit));
    return {};
}

Result<void> LinkHistory::flush(UnixMs now) {
    std::vector<store::Put> puts;
    {
        const std::lock_guard lock(mutex_);
        for (auto block = blocks_.begin(); block != blocks_.end();) {
            const auto name = health::parseBlockId(block->first);
            if (block->second.isDirty)
                puts.push_back({kind, block->first, store::anyVersion,
                                JsonObject{{"samples", health::encode(block->second.samples)}}});
            else if (name && name->block < name->tier->blockOf(now)) {
                block = blocks_.erase(block);
                continue;
            }
            block->second.isDirty = false;
            ++block;
        }
    }
    for (size_t first = 0; first < puts.size(); first += blocksPerCommit) {
        store::Commit commit;
        const size_t last = std::min(first + blocksPerCommit, puts.size());
        commit.puts.assign(puts.begin() + static_cast<ptrdiff_t>(first), puts.begin() + static_cast<ptrdiff_t>(last));
        if (const auto committed = store_.commit(commit); !committed) {
            const std::lock_guard lock(mutex_);
            for (size_t i = first; i < puts.size(); ++i)
                if (const auto block = blocks_.find(puts[i].id); block != blocks_.end()) block->second.isDirty = true;
            return fail(committed.error());
        }
    }
    return forgetOld(now);
}

Result<std::vector<LinkHistory::Point>> LinkHistory::read(const std::string& pair, const health::Tier& tier,
                                                          UnixMs from, UnixMs to) const {
    std::vector<Point> points;
    const std::lock_guard lock(mutex_);
    const int64_t newest = tier.blockOf(to);
    for (int64_t block = std::max(tier.blockOf(from), newest - tier.blocksKept); block <= newest; ++block) {
        const std::string id = health::blockId(pair, tier, block);
        const auto found = blocks_.find(id);
        const health::Samples samples = found != blocks_.end() ? found->second.samples : TRY(stored(id));
        for (const auto& [slot, sample] : samples)
            if (slot >= tier.slotOf(from) && slot * tier.slotMs <= to) points.push_back({slot * tier.slotMs, sample});
    }
    return points;
}

std::optional<LinkHistory::Point> LinkHistory::newest(const std::string& pair, UnixMs now) const {
    constexpr int64_t hourMs = 3600'000;
    for (const health::Tier* tier : {&health::tiers[0], &health::tiers[1]})
        if (const auto points = read(pair, *tier, now - hourMs, now); points && !points->empty()) return points->back();
    return std::nullopt;
}

}  // namespace swb::dispatch
