#include "dns/transfer/follower.h"

#include <sys/eventfd.h>

#include <algorithm>

#include "base/log.h"
#include "dns/soa.h"

namespace swb::dns::transfer {

Follower::Follower(FollowerSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock), stopSignal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Follower::~Follower() {
    stop();
}

Result<std::unique_ptr<Follower>> Follower::open(FollowerSettings settings, const Clock& clock) {
    std::unique_ptr<Follower> follower(new Follower(std::move(settings), clock));
    if (!follower->stopSignal_.valid()) return fail(ErrorCode::StorageFailed, "cannot open an event descriptor");
    for (const FollowedZone& wanted : follower->settings_.zones) {
        if (follower->journal(wanted.origin))
            return fail(ErrorCode::InvalidInput, "the zone " + wanted.origin.toText() + " is listed twice");
        if (wanted.primaries.empty())
            return fail(ErrorCode::InvalidInput, "the zone " + wanted.origin.toText() + " has no primary");
        std::string folder = wanted.origin.toText();
        for (char& character : folder)
            if (character == '/') character = '_';
        Zone zone;
        zone.settings = wanted;
        zone.journal = TRY(ZoneJournal::open(follower->settings_.directory + "/" + folder, wanted.origin));
        zone.state.origin = wanted.origin;
        if (const ZonePointer onDisk = zone.journal->zone()) {
            zone.state.serial = onDisk->serial();
            logInfo("dns", "{} serial {} is on disk and answered", wanted.origin.toText(), onDisk->serial());
        }
        zone.contactAt = clock.monotonic();
        follower->zones_.push_back(std::move(zone));
    }
    return follower;
}

ZoneSetPointer Follower::zones() const {
    std::vector<ZonePointer> present;
    for (const Zone& zone : zones_)
        if (ZonePointer onDisk = zone.journal->zone()) present.push_back(std::move(onDisk));
    return ZoneSet::of(std::move(present));
}

const ZoneJournal* Follower::journal(NameView origin) const {
    for (const Zone& zone : zones_)
        if (zone.settings.origin.view() == origin) return zone.journal.get();
    return nullptr;
}

std::vector<FollowedState> Follower::states() const {
    const std::lock_guard lock(mutex_);
    std::vector<FollowedState> states;
    for (const Zone& zone : zones_) states.push_back(zone.state);
    return states;
}

void Follower::start(Server& server) {
    server_ = &server;
    thread_ = std::thread([this] { run(); });
}

void Follower::stop() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    const uint64_t one = 1;
    if (::write(stopSignal_.get(), &one, sizeof(one)) < 0) logError("dns", "the follower cannot be woken");
    wake_.notify_all();
    thread_.join();
}

void Follower::notified(const Name& origin) {
    const std::lock_guard lock(mutex_);
    if (std::find(notified_.begin(), notified_.end(), origin) == notified_.end()) notified_.push_back(origin);
    wake_.notify_all();
}

void Follower::run() {
    while (true) {
        std::unique_lock lock(mutex_);
        MonotonicMs next = clock_.monotonic() + settings_.pollMs;
        for (const Zone& zone : zones_) next = std::min(next, zone.nextTryAt);
        const auto wait = std::chrono::milliseconds(std::max<int64_t>(next - clock_.monotonic(), 0));
        wake_.wait_for(lock, wait, [&] { return stopping_ || !notified_.empty(); });
        if (stopping_) return;
        const std::vector<Name> asked = std::exchange(notified_, {});
        lock.unlock();
        const MonotonicMs now = clock_.monotonic();
        for (Zone& zone : zones_) {
            const bool isAsked = std::find(asked.begin(), asked.end(), zone.settings.origin) != asked.end();
            if (isAsked || zone.nextTryAt <= now) follow(zone);
        }
        expireZones();
    }
}

void Follower::follow(Zone& zone) {
    Error last;
    for (const Endpoint& primary : zone.settings.primaries) {
        auto changed = fetchFrom(zone, primary);
        // The zone here is not where the primary thinks the differences start: all of it, then.
        if (!changed && zone.mustFetchWhole) changed = fetchFrom(zone, primary);
        // Of several differences some may have been taken before one was refused.
        publishHere(zone);
        if (changed) return noteSuccess(zone, *changed);
        last = std::move(changed).error();
    }
    noteFailure(zone, last);
}

void Follower::publishHere(Zone& zone) {
    const ZonePointer here = zone.journal->zone();
    if (!here || server_->zones()->zone(zone.settings.origin) == here) return;
    if (const auto published = server_->publish(here); !published)
        logError("dns", "{} is not answered as it is on disk: {}", here->origin().toText(),
                 describe(published.error()));
}

Result<bool> Follower::fetchFrom(Zone& zone, const Endpoint& primary) {
    FetchRequest request;
    request.primary = primary;
    request.from = settings_.from;
    if (request.from && request.from->family != primary.address.family) request.from.reset();
    request.origin = zone.settings.origin;
    request.key = zone.settings.key;
    const ZonePointer here = zone.journal->zone();
    if (here && !zone.mustFetchWhole) request.serial = here->serial();
    zone.mustFetchWhole = false;
    return apply(zone, TRY(fetchZone(request, clock_, stopSignal_.get())));
}

// Whether something changed. A failure leaves journal and answers as they were.
Result<bool> Follower::apply(Zone& zone, ReceivedTransfer received) {
    if (std::holds_alternative<UpToDate>(received)) {
        const uint32_t theirs = std::get<UpToDate>(received).serial;
        const ZonePointer here = zone.journal->zone();
        if (here && theirs != here->serial())
            return fail(ErrorCode::Conflict,
                        "the primary is at serial " + std::to_string(theirs) + " of " + zone.settings.origin.toText() +
                            ", older than " + std::to_string(here->serial()) + " here, which goes on being answered");
        return false;
    }
    auto applied = std::holds_alternative<ReceivedZone>(received)
                       ? applyWhole(zone, std::get<ReceivedZone>(std::move(received)))
                       : applySteps(zone, std::get<ReceivedSteps>(received));
    return applied;
}

Result<bool> Follower::applyWhole(Zone& zone, ReceivedZone received) {
    const ZonePointer here = zone.journal->zone();
    if (here && received.serial == here->serial()) return false;
    const ZonePointer next =
        TRY(ZoneSnapshot::fromSets(zone.settings.origin, TRY(setsOf(std::move(received.records)))));
    TRY_VOID(zone.journal->replace(next));
    return true;
}

Result<bool> Follower::applySteps(Zone& zone, const ReceivedSteps& received) {
    for (const ReceivedStep& step : received.steps) {
        const ZonePointer here = zone.journal->zone();
        auto change = changeOf(*here, step);
        if (!change) {
            zone.mustFetchWhole = change.error().code == ErrorCode::Conflict;
            return fail(std::move(change).error());
        }
        const ZonePointer next = TRY(here->with(*change));
        TRY_VOID(zone.journal->append(std::make_shared<const ZoneChange>(*std::move(change)), next));
    }
    return true;
}

void Follower::noteSuccess(Zone& zone, bool changed) {
    const ZonePointer here = zone.journal->zone();
    zone.contactAt = clock_.monotonic();
    zone.nextTryAt = zone.contactAt + settings_.pollMs;
    zone.backOffMs = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!zone.state.lastError.empty())
            logInfo("dns", "{}: the primary answers again", zone.settings.origin.toText());
        zone.state.lastError.clear();
        zone.state.lastContactAt = clock_.now();
        zone.state.expired = false;
        if (here) zone.state.serial = here->serial();
        if (changed) zone.state.lastChangeAt = clock_.now();
    }
    if (changed) logInfo("dns", "{} serial {} is answered", zone.settings.origin.toText(), here->serial());
    if (!changed) return;
    // Nobody waits for this thread.
    if (const auto folded = zone.journal->foldIfGrown(); !folded) logWarning("dns", "{}", describe(folded.error()));
}

void Follower::noteFailure(Zone& zone, const Error& error) {
    zone.backOffMs = std::clamp(zone.backOffMs * 2, std::min(settings_.retryMs, settings_.pollMs), settings_.pollMs);
    zone.nextTryAt = clock_.monotonic() + zone.backOffMs;
    const std::string text = describe(error);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (text != zone.state.lastError) logWarning("dns", "{} stays as it is: {}", zone.settings.origin.toText(), text);
    zone.state.lastError = text;
}

void Follower::expireZones() {
    const MonotonicMs now = clock_.monotonic();
    bool anyStale = false;
    for (Zone& zone : zones_) {
        const ZonePointer here = zone.journal->zone();
        if (!here) continue;
        anyStale |= now - zone.contactAt > settings_.staleAfterMs;
        const int64_t expireMs = int64_t{soaNumbersOf(here->soa().records.front()).expireSeconds} * 1000;
        if (!zone.settings.expires || zone.state.expired || now - zone.contactAt <= expireMs) continue;
        logError("dns", "{} has expired and is not answered any more", zone.settings.origin.toText());
        if (const auto gone = server_->publish(server_->zones()->without(zone.settings.origin)); !gone)
            logError("dns", "{}", describe(gone.error()));
        const std::lock_guard lock(mutex_);
        zone.state.expired = true;
    }
    server_->setZoneStale(anyStale);
}

}  // namespace swb::dns::transfer
