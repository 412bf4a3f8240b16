#include "dns/transfer/follower.h"

#include <sys/eventfd.h>

#include <algorithm>

#include "base/log.h"
#include "dns/soa.h"
#include "dns/transfer/fetch.h"

namespace swb::dns::transfer {
namespace {

constexpr size_t workersMax = 32;
constexpr int busyWorkersMax = 2;     // with one primary
constexpr int64_t silentMs = 30'000;  // a primary that did not answer is asked last for so long
constexpr int64_t watchMs = 500;

bool isSilence(const Error& error) {
    return error.code == ErrorCode::Unreachable || error.code == ErrorCode::DeadlineExceeded;
}

int64_t expireMsOf(const ZoneSnapshot& zone) {
    return int64_t{soaNumbersOf(zone.soa().records.front()).expireSeconds} * 1000;
}

}  // namespace

Follower::Follower(FollowerSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock), stopSignal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Follower::~Follower() {
    stop();
}

Result<std::unique_ptr<Follower>> Follower::open(FollowerSettings settings, const Clock& clock) {
    std::unique_ptr<Follower> follower(new Follower(std::move(settings), clock));
    if (!follower->stopSignal_.valid()) return fail(ErrorCode::StorageFailed, "cannot open an event descriptor");
    std::vector<Name> origins;
    for (const FollowedZone& wanted : follower->settings_.zones) {
        if (follower->journal(wanted.origin))
            return fail(ErrorCode::InvalidInput, "the zone " + wanted.origin.toText() + " is listed twice");
        follower->zones_.push_back(TRY(follower->openZone(wanted)));
        for (const Endpoint& primary : wanted.primaries) follower->primaries_[primary];
        origins.push_back(wanted.origin);
    }
    follower->freshness_ = std::make_unique<ZoneFreshness>(std::move(origins));
    for (const Zone& zone : follower->zones_) follower->freshness_->confirmed(zone.settings.origin, zone.confirmedAt);
    return follower;
}

Result<Follower::Zone> Follower::openZone(const FollowedZone& settings) const {
    const std::string name = settings.origin.toText();
    if (settings.primaries.empty()) return fail(ErrorCode::InvalidInput, "the zone " + name + " has no primary");
    Zone zone;
    zone.settings = settings;
    zone.copy = TRY(ZoneCopy::open(settings_.directory, settings.origin));
    zone.state.origin = settings.origin;
    zone.state.lastContactAt = settings.confirmedAt;
    const int64_t ageMs = settings.confirmedAt ? std::max<int64_t>(clock_.now() - settings.confirmedAt, 0) : 0;
    zone.confirmedAt = clock_.monotonic() - ageMs;
    const ZonePointer here = zone.copy->zone();
    if (!here) return zone;
    zone.state.serial = here->serial();
    zone.state.expired = settings.expires && ageMs > expireMsOf(*here);
    if (zone.state.expired)
        logError("dns", "{} serial {} is on disk and has expired: it is not answered", name, here->serial());
    else
        logInfo("dns", "{} serial {} is on disk and answered", name, here->serial());
    return zone;
}

ZoneSetPointer Follower::zones() const {
    std::vector<ZonePointer> present;
    for (const Zone& zone : zones_)
        if (ZonePointer onDisk = zone.copy->zone(); onDisk && !zone.state.expired) present.push_back(std::move(onDisk));
    return ZoneSet::of(std::move(present));
}

const ZoneJournal* Follower::journal(NameView origin) const {
    for (const Zone& zone : zones_)
        if (zone.settings.origin.view() == origin) return &zone.copy->journal();
    return nullptr;
}

std::vector<FollowedState> Follower::states() const {
    const std::lock_guard lock(mutex_);
    std::vector<FollowedState> states;
    for (const Zone& zone : zones_) states.push_back(zone.state);
    return states;
}

size_t Follower::workerCount() const {
    return std::min({zones_.size(), primaries_.size() * busyWorkersMax, workersMax});
}

void Follower::start(Server& server) {
    server_ = &server;
    threads_.emplace_back([this] { watch(); });
    for (size_t i = 0; i < workerCount(); ++i) threads_.emplace_back([this] { work(); });
}

void Follower::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    const uint64_t one = 1;
    if (::write(stopSignal_.get(), &one, sizeof(one)) < 0) logError("dns", "a running transfer cannot be ended");
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void Follower::notified(const Name& origin) {
    const std::lock_guard lock(mutex_);
    for (Zone& zone : zones_)
        if (zone.settings.origin == origin) zone.isAsked = true;
    wake_.notify_all();
}

void Follower::retryAll() {
    const std::lock_guard lock(mutex_);
    for (Zone& zone : zones_) zone.isAsked = true;
    wake_.notify_all();
}

std::vector<Endpoint> Follower::primariesInOrder(const Zone& zone, MonotonicMs now) {
    std::vector<Endpoint> ordered = zone.settings.primaries;
    std::stable_partition(ordered.begin(), ordered.end(),
                          [&](const Endpoint& primary) { return primaries_[primary].silentUntil <= now; });
    return ordered;
}

// The one that has waited longest, of those whose primary has a worker to spare.
Follower::Zone* Follower::nextDue(MonotonicMs now) {
    Zone* due = nullptr;
    for (Zone& zone : zones_) {
        if (zone.isBusy || (!zone.isAsked && zone.nextTryAt > now)) continue;
        if (primaries_[primariesInOrder(zone, now).front()].busyWorkers >= busyWorkersMax) continue;
        const bool isSooner = !due || (zone.isAsked && !due->isAsked) ||
                              (zone.isAsked == due->isAsked && zone.nextTryAt < due->nextTryAt);
        if (isSooner) due = &zone;
    }
    return due;
}

int64_t Follower::untilNextMs(MonotonicMs now) {
    int64_t wait = settings_.pollMs;
    for (const Zone& zone : zones_)
        if (!zone.isBusy && zone.nextTryAt > now) wait = std::min(wait, zone.nextTryAt - now);
    return wait;
}

void Follower::work() {
    Lock lock(mutex_);
    while (!stopping_) {
        const MonotonicMs now = clock_.monotonic();
        if (Zone* zone = nextDue(now))
            follow(*zone, lock);
        else
            wake_.wait_for(lock, std::chrono::milliseconds(untilNextMs(now)));
    }
}

void Follower::follow(Zone& zone, Lock& lock) {
    zone.isBusy = true;
    zone.isAsked = false;
    Result<bool> changed = fail(ErrorCode::Bug, "no primary was asked");
    for (const Endpoint& endpoint : primariesInOrder(zone, clock_.monotonic())) {
        Primary& primary = primaries_[endpoint];
        ++primary.busyWorkers;
        lock.unlock();
        changed = takeFrom(zone, endpoint);
        if (!changed && zone.copy->mustFetchWhole()) changed = takeFrom(zone, endpoint);
        lock.lock();
        --primary.busyWorkers;
        primary.silentUntil = !changed && isSilence(changed.error()) ? clock_.monotonic() + silentMs : 0;
        if (changed || stopping_) break;
    }
    if (changed)
        noteSuccess(zone, *changed);
    else
        noteFailure(zone, changed.error());
    // Of several differences some may have been taken before one was refused.
    if (!zone.state.expired) publish(zone);
    if (changed && *changed) {
        lock.unlock();
        if (const auto folded = zone.copy->foldIfGrown(); !folded) logWarning("dns", "{}", describe(folded.error()));
        lock.lock();
    }
    zone.isBusy = false;
    wake_.notify_all();
}

void Follower::publish(const Zone& zone) {
    const ZonePointer here = zone.copy->zone();
    if (!here || server_->zones()->zone(zone.settings.origin) == here) return;
    const auto published = server_->publish(here);
    if (published)
        logInfo("dns", "{} serial {} is answered", here->origin().toText(), here->serial());
    else
        logError("dns", "{} is not answered as it is on disk: {}", here->origin().toText(),
                 describe(published.error()));
}

Result<bool> Follower::takeFrom(Zone& zone, const Endpoint& primary) const {
    FetchRequest request;
    request.primary = primary;
    request.from = settings_.from;
    if (request.from && request.from->family != primary.address.family) request.from.reset();
    request.origin = zone.settings.origin;
    request.serial = zone.copy->serialToAskFrom();
    request.idleTimeoutMs = settings_.idleTimeoutMs;
    if (const auto& name = zone.settings.key) {
        if (settings_.findKey) request.key = settings_.findKey(*name);
        if (!request.key)
            return fail(ErrorCode::NotFound, "no key file that could be read holds the key " + name->toText(),
                        "the zone is followed as soon as one does, and never without the key");
    }
    return zone.copy->apply(TRY(fetchZone(request, clock_, stopSignal_.get())));
}

void Follower::noteSuccess(Zone& zone, bool changed) {
    const ZonePointer here = zone.copy->zone();
    zone.confirmedAt = clock_.monotonic();
    zone.nextTryAt = zone.confirmedAt + settings_.pollMs;
    zone.backOffMs = 0;
    freshness_->confirmed(zone.settings.origin, zone.confirmedAt);
    if (!zone.state.lastError.empty()) logInfo("dns", "{}: the primary answers again", zone.settings.origin.toText());
    zone.state.lastError.clear();
    zone.state.lastContactAt = clock_.now();
    if (changed) zone.state.lastChangeAt = zone.state.lastContactAt;
    if (here) zone.state.serial = here->serial();
    zone.state.expired = false;
    judge(zone, zone.confirmedAt);
}

void Follower::noteFailure(Zone& zone, const Error& error) {
    if (stopping_) return;
    zone.backOffMs = std::clamp(zone.backOffMs * 2, std::min(settings_.retryMs, settings_.pollMs), settings_.pollMs);
    zone.nextTryAt = clock_.monotonic() + zone.backOffMs;
    const std::string text = describe(error);
    if (text != zone.state.lastError) logWarning("dns", "{} stays as it is: {}", zone.settings.origin.toText(), text);
    zone.state.lastError = text;
    if (const ZonePointer here = zone.copy->zone()) zone.state.serial = here->serial();
}

// Whether the zone is stale, and whether it has expired.
void Follower::judge(Zone& zone, MonotonicMs now) {
    const ZonePointer here = zone.copy->zone();
    if (!here) return;
    const int64_t ageMs = now - zone.confirmedAt;
    zone.state.stale = ageMs > settings_.staleAfterMs;
    freshness_->setStale(zone.settings.origin, zone.state.stale);
    if (!zone.settings.expires || zone.state.expired || ageMs <= expireMsOf(*here)) return;
    logError("dns", "{} has expired and is not answered any more", zone.settings.origin.toText());
    server_->withdraw(zone.settings.origin);
    zone.state.expired = true;
}

void Follower::watch() {
    Lock lock(mutex_);
    while (!stopping_) {
        const MonotonicMs now = clock_.monotonic();
        for (Zone& zone : zones_) judge(zone, now);
        wake_.wait_for(lock, std::chrono::milliseconds(watchMs), [this] { return stopping_; });
    }
}

}  // namespace swb::dns::transfer
