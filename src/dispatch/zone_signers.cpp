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

ZoneSigners::~ZoneSigners() {
    stop();
}

Result<std::unique_ptr<Signer>> ZoneSigners::open(const dns::Name& zone) const {
    auto signer = TRY(Signer::open(settings_.directory, zone, sealer_, clock_, settings_.policy));
    if (settings_.enableWith && signer->isNew()) TRY_VOID(signer->enable(*settings_.enableWith, settings_.layout));
    return signer;
}

Result<Signer*> ZoneSigners::signerOf(const dns::Name& zone) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Signer>& signer = signers_[keyOf(zone)];
    // An attempt that failed is made again each time: an administrator may have put the file right.
    if (!signer) signer = TRY(open(zone));
    return signer.get();
}

Publisher::Signer ZoneSigners::hook() {
    return [this](const dns::ZoneSnapshot& before, dns::ZoneChange change) -> Result<dns::ZoneChange> {
        return TRY(signerOf(before.origin()))->sign(before, std::move(change));
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

bool ZoneSigners::isStopping() const {
    const std::lock_guard lock(mutex_);
    return isStopping_;
}

void ZoneSigners::work(Publisher& publisher) {
    const dns::ZoneSetPointer zones = publisher.server().zones();
    for (const dns::ZonePointer& zone : zones->zones()) {
        if (!publisher.journal(zone->origin())) continue;  // a catalog: nobody validates it
        const auto signer = signerOf(zone->origin());
        if (signer) lookAtParent(**signer);
        const Result<void> done = signer ? maintain(publisher, **signer) : fail(signer.error());
        if (!done) logError("dns", "DNSSEC of {}: {}", zone->origin().toText(), describe(done.error()));
    }
}

// Part by part, so that a switch never waits for more than one of them.
Result<void> ZoneSigners::maintain(Publisher& publisher, Signer& signer) {
    for (bool isMore = true; isMore && !isStopping();) {
        isMore = false;
        TRY(publisher.change(signer.zone(), [&](const dns::ZoneSnapshot& zone) -> Result<dns::ZoneChange> {
            dns::ZoneChange change = TRY(signer.maintain(zone));
            isMore = !change.isEmpty();
            return change;
        }));
    }
    return {};
}

void ZoneSigners::lookAtParent(Signer& signer) {
    const auto waits = dns::sign::rowOf(signer.status().stage).wait;
    if (settings_.resolvers.empty() || waits != dns::sign::Wait::parent) return;
    MonotonicMs& askedAt = parentAskedAt_[keyOf(signer.zone())];
    if (askedAt != 0 && clock_.monotonic() - askedAt < parentIntervalMs) return;
    askedAt = clock_.monotonic();
    const auto seen = dns::sign::askParent(settings_.resolvers, signer.zone(), parentTimeoutMs);
    const Result<void> taken = seen ? signer.parentShows(seen->ds, seen->ttlSeconds) : fail(seen.error());
    if (!taken) logWarning("dns", "DNSSEC of {}: {}", signer.zone().toText(), describe(taken.error()));
}

}  // namespace swb::dispatch
