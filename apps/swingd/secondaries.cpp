#include "secondaries.h"

#include "base/log.h"
#include "dns/transfer/catalog.h"

namespace swb {

std::unique_ptr<Secondaries> Secondaries::make(const PeersConfig& config, const Clock& clock) {
    auto keys = loadKeys(config.keyFiles);
    if (!keys) logError("dns", "no keys for secondaries: {}", describe(keys.error()));
    std::unique_ptr<Secondaries> made(new Secondaries(config, keys ? *std::move(keys) : dns::TsigKeyring(), clock));
    dns::transfer::PeerSettings settings;
    settings.keys = made->keys_;
    settings.allowTransfer = config.allowTransfer;
    settings.transfersMax = static_cast<size_t>(config.transfersMax);
    settings.history = [self = made.get()](const dns::Name& origin, uint32_t serial) {
        return self->history(origin, serial);
    };
    made->desk_ = std::make_unique<dns::transfer::PeerDesk>(std::move(settings), clock);
    return made;
}

Result<void> Secondaries::startNotifier(const dispatch::Publisher& publisher) {
    dns::transfer::NotifierSettings settings = TRY(notifierSettings(config_, keys_, publisher.server().endpoints()));
    notifier_ = TRY(dns::transfer::Notifier::start(std::move(settings), clock_));
    return {};
}

void Secondaries::attach(dispatch::Publisher& publisher, const std::string& directory) {
    publisher_ = &publisher;
    if (config_.catalog)
        if (const auto published = publishCatalog(publisher, directory); !published)
            logError("dns", "the catalog is not answered: {}", describe(published.error()));
    if (const auto started = startNotifier(publisher); !started)
        return logError("dns", "secondaries are not notified: {}", describe(started.error()));
    publisher.setObserver([this](const dns::ZonePointer& zone, const std::shared_ptr<const dns::ZoneChange>&) {
        notifier_->zoneChanged(zone);
    });
    // A secondary may have missed what was published last, before a restart.
    const dns::ZoneSetPointer zones = publisher.server().zones();
    for (const dns::ZonePointer& zone : zones->zones()) notifier_->zoneChanged(zone);
}

Result<void> Secondaries::publishCatalog(dispatch::Publisher& publisher, const std::string& directory) {
    catalog_ = TRY(dns::ZoneJournal::open(directory + "/catalog", *config_.catalog));
    std::vector<dns::Name> members;
    const dns::ZoneSetPointer zones = publisher.server().zones();
    for (const dns::ZonePointer& zone : zones->zones())
        if (zone->origin() != *config_.catalog) members.push_back(zone->origin());
    const dns::ZonePointer made = TRY(dns::transfer::makeCatalog(*config_.catalog, members, catalog_->zone()));
    if (made != catalog_->zone()) TRY_VOID(catalog_->replace(made));
    return publisher.serveBeside(made);
}

dns::transfer::ChangePointers Secondaries::history(const dns::Name& origin, uint32_t serial) const {
    const dispatch::Publisher* publisher = publisher_.load();
    const dns::ZoneJournal* journal = publisher ? publisher->journal(origin) : nullptr;
    auto changes = journal ? journal->changesSince(serial) : std::nullopt;
    return changes ? *std::move(changes) : dns::transfer::ChangePointers();
}

std::vector<dns::transfer::SecondaryState> Secondaries::states() const {
    return notifier_ ? notifier_->states() : std::vector<dns::transfer::SecondaryState>();
}

void Secondaries::stop() {
    if (notifier_) notifier_->stop();
}

}  // namespace swb
