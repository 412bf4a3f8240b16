#include "secondaries.h"

#include "base/log.h"

namespace swb {
namespace {

constexpr int64_t retryMs = 5'000;

}  // namespace

std::unique_ptr<Secondaries> Secondaries::make(const PeersConfig& config, const Clock& clock,
                                               dns::transfer::LookUp lookUp) {
    std::unique_ptr<Secondaries> made(new Secondaries(config, clock, std::move(lookUp)));
    made->keys_.read();
    dns::transfer::PeerSettings settings;
    settings.keys = *made->keys_.keys();
    settings.allowTransfer = config.allowTransfer;
    settings.transfersMax = static_cast<size_t>(config.transfersMax);
    settings.history = [self = made.get()](const dns::Name& origin, uint32_t serial) {
        return self->history(origin, serial);
    };
    made->desk_ = std::make_unique<dns::transfer::PeerDesk>(std::move(settings), clock);
    return made;
}

std::shared_ptr<dns::transfer::Notifier> Secondaries::notifier() const {
    const std::lock_guard lock(mutex_);
    return notifier_;
}

// In the place of the one before, if there is one; the new one tells everybody about every zone, for a secondary may
// have missed what was published last.
void Secondaries::startNotifier() {
    const dispatch::Publisher& publisher = *publisher_.load();
    auto settings = notifierSettings(config_, *keys_.keys(), publisher.server().endpoints());
    settings.lookUp = lookUp_;
    auto started = dns::transfer::Notifier::start(std::move(settings), clock_);
    const std::string problem = started ? "" : describe(started.error());
    if (!started && problem != notifierProblem_) logError("dns", "secondaries are not notified: {}", problem);
    notifierProblem_ = problem;
    if (!started) return;
    std::shared_ptr<dns::transfer::Notifier> next = *std::move(started);
    {
        const std::lock_guard lock(mutex_);
        std::swap(notifier_, next);
    }
    const dns::ZoneSetPointer zones = publisher.server().zones();
    for (const dns::ZonePointer& zone : zones->zones()) zoneChanged(zone);
    if (next) next->stop();
}

void Secondaries::zoneChanged(const dns::ZonePointer& zone) {
    if (const auto notifying = notifier()) notifying->zoneChanged(zone);
}

void Secondaries::attach(dispatch::Publisher& publisher, const std::string& directory) {
    publisher_ = &publisher;
    directory_ = directory;
    tryAt_ = clock_.monotonic() + retryMs;
    openCatalog();
    startNotifier();
    publisher.setObserver([this](const dns::ZonePointer& zone, const std::shared_ptr<const dns::ZoneChange>&) {
        zoneChanged(zone);
        refreshCatalog(&zone->origin());
    });
}

void Secondaries::tick() {
    if (clock_.monotonic() < tryAt_) return;
    tryAt_ = clock_.monotonic() + retryMs;
    const bool hasNewKeys = keys_.read();
    if (hasNewKeys) desk_->setKeys(keys_.keys());
    if (hasNewKeys || !notifier()) startNotifier();
    if (catalogFailed_) openCatalog();
}

void Secondaries::openCatalog() {
    if (!config_.catalog) return;
    {
        const std::lock_guard lock(catalogMutex_);
        if (!catalog_) {
            auto opened = dispatch::Catalog::open(*publisher_, *config_.catalog, directory_ + "/catalog");
            if (opened)
                catalog_ = *std::move(opened);
            else if (!catalogFailed_)
                logError("dns", "the catalog is not answered: {}", describe(opened.error()));
            catalogFailed_ = !opened;
        }
    }
    refreshCatalog(nullptr);
}

void Secondaries::refreshCatalog(const dns::Name* zone) {
    const std::lock_guard lock(catalogMutex_);
    if (!catalog_ || (zone && catalog_->lists(*zone))) return;
    const auto refreshed = catalog_->refresh();
    if (!refreshed && !catalogFailed_) logError("dns", "the catalog stays as it was: {}", describe(refreshed.error()));
    catalogFailed_ = !refreshed;
    if (refreshed && *refreshed) zoneChanged(*refreshed);
}

dns::transfer::ChangePointers Secondaries::history(const dns::Name& origin, uint32_t serial) const {
    const dispatch::Publisher* publisher = publisher_.load();
    const dns::ZoneJournal* journal = publisher ? publisher->journal(origin) : nullptr;
    auto changes = journal ? journal->changesSince(serial) : std::nullopt;
    return changes ? *std::move(changes) : dns::transfer::ChangePointers();
}

std::vector<dns::transfer::SecondaryState> Secondaries::states() const {
    const auto notifying = notifier();
    return notifying ? notifying->states() : std::vector<dns::transfer::SecondaryState>();
}

void Secondaries::stop() {
    if (const auto notifying = notifier()) notifying->stop();
}

}  // namespace swb
