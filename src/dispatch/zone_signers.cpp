#include "dispatch/zone_signers.h"

#include <chrono>

#include "base/log.h"
#include "dns/sign/canonical.h"
#include "dns/sign/parent.h"

namespace swb::dispatch {
namespace {

using dns::sign::Signer;

constexpr std::chrono::seconds roundInterval{60};
constexpr int64_t parentIntervalMs = 300'000;  // a parent takes hours; its resolvers cache for minutes
constexpr int64_t parentTimeoutMs = 3'000;

std::string keyOf(dns::NameView zone) {
    return dns::NameView(std::string_view(dns::sign::lowerCaseName(zone))).toText();
}

}  // namespace

Result<std::unique_ptr<ZoneSigners>> ZoneSigners::open(ZoneSigningSettings settings, const crypto::Sealer& sealer,
                                                       const Clock& clock) {
    std::unique_ptr<ZoneSigners> signers(new ZoneSigners(std::move(settings), clock));
    const ZoneSigningSettings& wanted = signers->settings_;
    for (const dns::Name& zone : wanted.zones) {
        Entry entry;
        auto signer = Signer::open(wanted.directory, zone, sealer, clock, wanted.policy);
        if (signer && wanted.enableWith && (*signer)->isNew())
            if (const auto enabled = (*signer)->enable(*wanted.enableWith, wanted.layout); !enabled)
                signer = tl::make_unexpected(enabled.error());
        if (signer) {
            entry.signer = std::move(*signer);
        } else {
            entry.error = signer.error();
            logError("dns", "the zone {} stays as it was: {}", zone.toText(), describe(*entry.error));
        }
        signers->entries_.emplace(keyOf(zone), std::move(entry));
    }
    return signers;
}

ZoneSigners::~ZoneSigners() {
    stop();
}

const ZoneSigners::Entry* ZoneSigners::entryOf(dns::NameView zone) const {
    const auto found = entries_.find(keyOf(zone));
    return found == entries_.end() ? nullptr : &found->second;
}

Result<Signer*> ZoneSigners::find(std::string_view zone) const {
    const dns::Name name = TRY(dns::Name::fromText(zone));
    const Entry* entry = entryOf(name);
    if (!entry) return fail(ErrorCode::NotFound, "the zone " + name.toText() + " is not one of this controller");
    if (entry->error) return fail(*entry->error);
    return entry->signer.get();
}

Publisher::Signer ZoneSigners::hook() {
    return [this](const dns::ZoneSnapshot& before, dns::ZoneChange change) -> Result<dns::ZoneChange> {
        const Entry* entry = entryOf(before.origin());
        if (!entry) return change;
        if (entry->error) return fail(*entry->error);
        return entry->signer->sign(before, std::move(change));
    };
}

void ZoneSigners::start(Publisher& publisher) {
    thread_ = std::thread([this, &publisher] { run(publisher); });
}

void ZoneSigners::stop() {
    {
        const std::lock_guard lock(mutex_);
        isStopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void ZoneSigners::wake() {
    {
        const std::lock_guard lock(mutex_);
        isWoken_ = true;
    }
    changed_.notify_all();
}

void ZoneSigners::run(Publisher& publisher) {
    std::unique_lock lock(mutex_);
    while (!isStopping_) {
        isWoken_ = false;
        lock.unlock();
        work(publisher);
        lock.lock();
        changed_.wait_for(lock, roundInterval, [this] { return isStopping_ || isWoken_; });
    }
}

void ZoneSigners::work(Publisher& publisher) {
    for (auto& [zone, entry] : entries_) {
        if (!entry.signer) continue;
        lookAtParent(entry);
        if (const auto done = maintain(publisher, *entry.signer); !done)
            logError("dns", "DNSSEC of {}: {}", zone, describe(done.error()));
    }
}

// Part by part, so that a switch never waits for more than one of them.
Result<void> ZoneSigners::maintain(Publisher& publisher, Signer& signer) const {
    for (bool isMore = true; isMore;) {
        {
            const std::lock_guard lock(mutex_);
            if (isStopping_) return {};
        }
        isMore = false;
        TRY(publisher.change(signer.zone(), [&](const dns::ZoneSnapshot& zone) -> Result<dns::ZoneChange> {
            dns::ZoneChange change = TRY(signer.maintain(zone));
            isMore = !change.isEmpty();
            return change;
        }));
    }
    return {};
}

void ZoneSigners::lookAtParent(Entry& entry) const {
    const auto waits = dns::sign::rowOf(entry.signer->status().stage).wait;
    if (settings_.resolvers.empty() || waits != dns::sign::Wait::parent) return;
    if (entry.parentAskedAt != 0 && clock_.monotonic() - entry.parentAskedAt < parentIntervalMs) return;
    entry.parentAskedAt = clock_.monotonic();
    const auto seen = dns::sign::askParent(settings_.resolvers, entry.signer->zone(), parentTimeoutMs);
    if (!seen) {
        logWarning("dns", "{}", describe(seen.error()));
        return;
    }
    if (const auto taken = entry.signer->parentShows(seen->ds, seen->ttlSeconds); !taken)
        logError("dns", "DNSSEC of {}: {}", entry.signer->zone().toText(), describe(taken.error()));
}

}  // namespace swb::dispatch
