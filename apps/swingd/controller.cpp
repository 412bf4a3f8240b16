#include "controller.h"

#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "dispatch/alias_keeper.h"
#include "dispatch/certificate_keeper.h"
#include "dispatch/history.h"
#include "dispatch/replica_members.h"
#include "gateway.h"
#include "store/sqlite_store.h"

namespace swb {
namespace {

constexpr int64_t certificateHours = 24 * 90;
constexpr int64_t renewBeforeMs = 30LL * 24 * 3600'000;

Result<crypto::CertificateAuthority> loadAuthority(const DataPaths& paths) {
    const std::string certificate = TRY(readFile(paths.authority));
    const Secret key(TRY(readFile(paths.authorityKey)));
    return crypto::CertificateAuthority::load(certificate, key);
}

// The controller's own certificate: made anew when it is missing, near its end, or for other names.
Result<net::TlsIdentity> loadIdentity(const DataPaths& paths, const crypto::CertificateAuthority& authority,
                                      const DaemonConfig& config, const Clock& clock) {
    crypto::SignRequest wanted;
    wanted.commonName = config.names.empty() ? "swingd" : config.names.front();
    wanted.usage = crypto::CertificateUsage::server;
    wanted.lifetimeHours = certificateHours;
    for (const std::string& name : config.names)
        (isIpAddress(name) ? wanted.ipAddresses : wanted.dnsNames).push_back(name);
    bool usable = false;
    if (auto present = readFile(paths.certificate); present && fileExists(paths.certificateKey)) {
        const auto info = crypto::certificateInfo(*present);
        usable = info && info->notAfter > clock.now() + renewBeforeMs && info->dnsNames == wanted.dnsNames &&
                 info->ipAddresses == wanted.ipAddresses;
    }
    if (!usable) {
        const crypto::KeyAndCertificate made = TRY(authority.issue(wanted));
        TRY_VOID(writeFileAtomically(paths.certificateKey, made.keyPem.reveal(), 0600));
        TRY_VOID(writeFileAtomically(paths.certificate, made.certificatePem, 0644));
    }
    net::TlsIdentity identity;
    identity.certificatePem = TRY(readFile(paths.certificate)) + authority.certificatePem();
    identity.privateKeyPem = Secret(TRY(readFile(paths.certificateKey)));
    identity.authorityPem = authority.certificatePem();
    return identity;
}

Result<dispatch::PublicationSettings> publicationSettings(const DaemonConfig& config) {
    dispatch::PublicationSettings settings;
    settings.resolvers = TRY(resolversOf(config));
    for (const auto& server : config.zone.nameServers)
        for (const std::string& address : server.addresses)
            settings.ownServers.push_back(
                {server.name.find('.') == std::string::npos ? server.name + "." + config.zone.zone : server.name,
                 {TRY(dns::IpAddress::fromText(address)), dns::defaultPort}});
    if (!config.providerAuthority.empty()) settings.authorityPem = TRY(readFile(config.providerAuthority, 1 << 20));
    return settings;
}

Result<void> writeReady(const RunRequest& request, const net::HttpServer& server,
                        const dispatch::Publisher& publisher) {
    if (request.readyFile.empty()) return {};
    JsonArray api, dns;
    for (const net::ListenAddress& address : server.addresses())
        api.emplace_back(HostPort{address.address, address.port}.text());
    for (const dns::Endpoint& endpoint : publisher.server().endpoints()) dns.emplace_back(endpoint.toText());
    return writeFileAtomically(request.readyFile, toText(JsonObject{{"pid", ::getpid()}, {"api", api}, {"dns", dns}}),
                               0644);
}

// History is looked at now and then, and never while a run might be held up by it.
class Housekeeping {
  public:
    Housekeeping(store::Store& store, const dispatch::Conductor& conductor) : store_(store), conductor_(conductor) {}

    void tick(MonotonicMs now) {
        if (now < dueAt_ || !conductor_.active().empty()) return;
        dueAt_ = now + periodMs;
        const auto forgotten = dispatch::forgetHistory(store_);
        if (!forgotten)
            logWarning("swingd", "old history was not forgotten: {}", describe(forgotten.error()));
        else if (forgotten->runs || forgotten->events)
            logInfo("swingd", "forgot {} finished runs and {} old events", forgotten->runs, forgotten->events);
    }

  private:
    static constexpr int64_t periodMs = 60'000;
    store::Store& store_;
    const dispatch::Conductor& conductor_;
    MonotonicMs dueAt_ = 0;
};

}  // namespace

// In the order in which they are made; each may use those before it.
struct Controller::Parts {
    Parts(const DaemonConfig& config, const DataPaths& paths, const Clock& given, dispatch::Publisher& publisher,
          std::unique_ptr<store::SqliteStore> openStore, crypto::CertificateAuthority loadedAuthority,
          crypto::Sealer loadedSealer, dispatch::PublicationSettings publishing,
          dispatch::SecondaryViews::States states)
        : clock(given),
          store(std::move(openStore)),
          authority(std::move(loadedAuthority)),
          sealer(std::move(loadedSealer)),
          signers({paths.dnssec, config.dnssecAlgorithm, config.dnssecKeys, publishing.resolvers, {}}, sealer, clock),
          fleet(clock, SWB_VERSION),
          aliases(*store, publisher, clock, dispatch::resolveBy(publishing.resolvers)),
          publications(*store, sealer, clock, std::move(publishing)),
          secondaries(publisher, std::move(states), clock),
          verbs(*store, publisher, authority, sealer, clock, &publications),
          inspector(*store, fleet, clock),
          conductor(*store, fleet, verbs, clock),
          links(*store, fleet, conductor, clock),
          certificates(*store, fleet, conductor, inspector, clock),
          api(api::Context{*store, fleet, conductor, inspector, links, publisher, signers, authority, sealer, clock,
                           config.zone.zone, config.publicUrl, SWB_VERSION, &publications, &secondaries}),
          gateway(api, fleet, *store, authority),
          housekeeping(*store, conductor),
          replicas(*store, fleet, conductor, clock,
                   [this](const std::string& application) { return verbs.told(application); }) {}

    const Clock& clock;
    const std::unique_ptr<store::SqliteStore> store;
    const crypto::CertificateAuthority authority;
    const crypto::Sealer sealer;
    dispatch::ZoneSigners signers;
    dispatch::Fleet fleet;
    dispatch::AliasKeeper aliases;
    dispatch::Publications publications;
    const dispatch::SecondaryViews secondaries;
    dispatch::ControllerVerbs verbs;
    dispatch::Inspector inspector;
    dispatch::Conductor conductor;
    dispatch::LinkWatch links;
    dispatch::CertificateKeeper certificates;
    api::Api api;
    Gateway gateway;
    Housekeeping housekeeping;
    dispatch::ReplicaMembers replicas;
    std::unique_ptr<net::HttpServer> server;
};

Controller::Controller(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Controller::~Controller() {
    if (parts_->server) parts_->server->stop();
    parts_->publications.stop();
    parts_->conductor.stop();
    parts_->links.flush();
    parts_->aliases.stop();
    parts_->signers.stop();
}

Result<std::unique_ptr<Controller>> Controller::start(const RunRequest& request, const DaemonConfig& config,
                                                      const Clock& clock, dispatch::Publisher& publisher,
                                                      dispatch::SecondaryViews::States secondaries) {
    const DataPaths paths(request.directory);
    auto store = TRY(store::SqliteStore::open(paths.store, clock));
    auto authority = TRY(loadAuthority(paths));
    auto sealer = TRY(crypto::Sealer::load(paths.sealKey));
    std::unique_ptr<Controller> controller(new Controller(
        std::make_unique<Parts>(config, paths, clock, publisher, std::move(store), std::move(authority),
                                std::move(sealer), TRY(publicationSettings(config)), std::move(secondaries))));
    Parts& parts = *controller->parts_;
    publisher.setSigner(parts.signers.hook());
    // A store older than the zone (a restored backup) must not take the address away: the last good zone goes on being
    // answered, and readiness refuses switches until epochs agree.
    if (const auto published = publisher.publish(*parts.store); !published)
        logError("dns", "the zone stays as it was: {}", describe(published.error()));
    parts.inspector.setDnsServing(true);
    parts.inspector.setPublications(&parts.publications);
    parts.inspector.setSecondaries(&parts.secondaries);
    TRY_VOID(parts.publications.start());
    TRY_VOID(parts.conductor.start());
    parts.signers.start(publisher);
    parts.aliases.start();

    net::HttpServerSettings settings;
    for (const HostPort& address : config.listen) settings.listen.push_back({address.host, address.port});
    settings.identity = TRY(loadIdentity(paths, parts.authority, config, clock));
    Gateway& gateway = parts.gateway;
    parts.server = std::make_unique<net::HttpServer>(
        std::move(settings),
        [&gateway](net::HttpRequest asked, const net::HttpRespond& respond) {
            gateway.handle(std::move(asked), respond);
        },
        [&gateway](const net::WebSocketHandle& socket) { return gateway.accept(socket); });
    TRY_VOID(parts.server->start());
    TRY_VOID(writeReady(request, *parts.server, publisher));
    logInfo("swingd", "version {} serves {} at port {}", SWB_VERSION, config.zone.zone, parts.server->port());
    return controller;
}

void Controller::tick() {
    parts_->fleet.tick();
    parts_->links.tick();
    parts_->certificates.tick();
    parts_->housekeeping.tick(parts_->clock.monotonic());
    parts_->replicas.tick(parts_->clock.monotonic());
}

Result<void> backupStore(const std::string& directory, const std::string& target) {
    const SystemClock clock;
    const auto store = TRY(store::SqliteStore::open(DataPaths(directory).store, clock));
    return store->backup(target);
}

}  // namespace swb
