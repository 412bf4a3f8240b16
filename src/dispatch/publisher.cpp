#include "dispatch/publisher.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "dns/resolve.h"
#include "model/application.h"

namespace swb::dispatch {
namespace {

Result<std::vector<dns::IpAddress>> parseAddresses(const std::vector<std::string>& texts) {
    std::vector<dns::IpAddress> out;
    for (const std::string& text : texts) out.push_back(TRY(dns::IpAddress::fromText(text)));
    return out;
}

}  // namespace

Result<dns::ZoneDefinition> Publisher::emptyZone(const ZoneSettings& settings) {
    dns::ZoneDefinition zone;
    zone.origin = TRY(dns::Name::fromText(settings.zone));
    if (!settings.mailbox.empty()) zone.mailbox = TRY(dns::Name::fromText(settings.mailbox));
    for (const ZoneSettings::NameServer& server : settings.nameServers) {
        const bool isLabel = server.name.find('.') == std::string::npos;
        zone.nameServers.push_back({TRY(dns::Name::fromText(isLabel ? server.name + "." + settings.zone : server.name)),
                                    TRY(parseAddresses(server.addresses))});
    }
    return zone;
}

Result<std::unique_ptr<Publisher>> Publisher::start(const ZoneSettings& settings, const std::string& zoneFile,
                                                    const dns::ServerOptions& options) {
    std::unique_ptr<Publisher> publisher(new Publisher);
    publisher->empty_ = TRY(emptyZone(settings));
    publisher->file_ = TRY(dns::SnapshotFile::open(zoneFile));
    dns::ZonePointer zone = publisher->file_->latest();
    if (!zone) zone = TRY(dns::ZoneSnapshot::build(publisher->empty_));
    publisher->server_ = TRY(dns::Server::start(options, zone));
    return publisher;
}

Result<dns::ZoneDefinition> Publisher::compose(const store::Store& store) const {
    std::map<std::string, Application> applications;
    for (const store::Document& document : TRY(store.list("application"))) {
        const Json* definition = memberAt(document.body, "definition");
        Application application = TRY(applicationFromJson(definition ? *definition : Json(nullptr)));
        applications.emplace(document.id, std::move(application));
    }
    dns::ZoneDefinition zone = empty_;
    for (const store::Document& document : TRY(store.list("group"))) {
        const Group group = TRY(groupFromJson(document.body));
        const auto current = applications.find(group.current);
        const auto addresses =
            current == applications.end() ? std::vector<std::string>() : answeredAddresses(group, current->second);
        if (group.current.empty() || addresses.empty()) continue;  // reserved: a name without an address
        dns::FailoverAddress entry;
        entry.group = group.id;
        entry.epoch = group.epoch;
        entry.name = TRY(dns::Name::fromText(group.address));
        entry.ttlSeconds = static_cast<uint32_t>(group.ttl);
        entry.addresses = TRY(parseAddresses(addresses));
        zone.addresses.push_back(std::move(entry));
    }
    return zone;
}

Result<uint32_t> Publisher::publish(const store::Store& store) {
    const std::lock_guard lock(mutex_);
    dns::ZoneDefinition wanted = TRY(compose(store));
    const dns::ZonePointer now = server_->zone();
    wanted.serial = now->serial();
    dns::ZonePointer next = TRY(dns::ZoneSnapshot::build(wanted));
    if (next->definition() == now->definition() && file_->latest()) return now->serial();
    wanted.serial = dns::nextSerial(now->serial());
    next = TRY(dns::ZoneSnapshot::build(std::move(wanted)));
    TRY_VOID(file_->save(next));
    TRY_VOID(server_->publish(next));
    logInfo("dns", "zone {} serial {} published", next->definition().origin.toText(), next->serial());
    return next->serial();
}

Result<void> Publisher::verify(const std::string& name, const std::vector<std::string>& addresses) const {
    const std::set<std::string> wanted(addresses.begin(), addresses.end());
    for (const dns::Endpoint& endpoint : server_->endpoints()) {
        const std::string server = endpoint.toText();
        const auto answer = TRY(dns::resolveA(server, name, 1000));
        if (std::set<std::string>(answer.addresses.begin(), answer.addresses.end()) != wanted)
            return fail(ErrorCode::VerificationFailed,
                        "the name server at " + server + " does not answer the new addresses");
    }
    return {};
}

}  // namespace swb::dispatch
