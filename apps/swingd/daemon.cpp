#include "daemon.h"

#include <poll.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/file_limit.h"
#include "base/log.h"
#include "config.h"
#include "dispatch/history.h"
#include "gateway.h"
#include "publication/survey.h"
#include "secondaries.h"
#include "signals.h"
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

Result<dns::ServerOptions> dnsOptions(const DaemonConfig& config, const std::string& directory) {
    dns::ServerOptions options;
    apply(config.nameServer, directory, options);
    for (const HostPort& address : config.dnsListen)
        options.endpoints.push_back({TRY(dns::IpAddress::fromText(address.host)), address.port});
    return options;
}

Result<dispatch::PublicationSettings> publicationSettings(const DaemonConfig& config) {
    dispatch::PublicationSettings settings;
    for (const HostPort& address : config.resolvers)
        settings.resolvers.push_back({TRY(dns::IpAddress::fromText(address.host)), address.port});
    for (const auto& server : config.zone.nameServers)
        for (const std::string& address : server.addresses)
            settings.ownServers.push_back(
                {server.name.find('.') == std::string::npos ? server.name + "." + config.zone.zone : server.name,
                 {TRY(dns::IpAddress::fromText(address)), dns::defaultPort}});
    if (settings.resolvers.empty()) settings.resolvers = publication::systemResolvers();
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

Result<void> runDaemon(const RunRequest& request) {
    const Fd signals = TRY(blockSignals());
    raiseFileLimit("swingd");
    const SystemClock clock;
    const DataPaths paths(request.directory);
    const DaemonConfig config = TRY(readConfig(paths.config));
    // The name server first: it answers the last good zone whatever happens to the rest (I11).
    const auto secondaries = TRY(Secondaries::make(config.secondaries, clock));
    dns::ServerOptions nameServer = TRY(dnsOptions(config, request.directory));
    nameServer.peers = &secondaries->desk();
    std::vector<dispatch::ZoneSettings> zones = {config.zone};
    for (const std::string& zone : config.furtherZones) zones.push_back(config.zone.of(zone));
    const auto publisher = TRY(dispatch::Publisher::start(zones, paths.zones, nameServer));
    TRY_VOID(secondaries->attach(*publisher, paths.zones));
    const auto store = TRY(store::SqliteStore::open(paths.store, clock));
    const crypto::CertificateAuthority authority = TRY(loadAuthority(paths));
    const crypto::Sealer sealer = TRY(crypto::Sealer::load(paths.sealKey));
    dispatch::ZoneSigners signers(
        {paths.dnssec, config.dnssecAlgorithm, config.dnssecKeys, publication::systemResolvers(), {}}, sealer, clock);
    publisher->setSigner(signers.hook());
    // A store older than the zone (a restored backup) must not take the address away: the last good zone goes on being
    // answered, and readiness refuses switches until epochs agree.
    if (const auto published = publisher->publish(*store); !published)
        logError("dns", "the zone stays as it was: {}", describe(published.error()));
    dispatch::Fleet fleet(clock, SWB_VERSION);
    dispatch::Publications publications(*store, sealer, clock, TRY(publicationSettings(config)));
    dispatch::ControllerVerbs verbs(*store, *publisher, authority, sealer, clock, &publications);
    dispatch::Inspector inspector(*store, fleet, clock);
    inspector.setDnsServing(true);
    inspector.setPublications(&publications);
    dispatch::Conductor conductor(*store, fleet, verbs, clock);
    api::Api api(api::Context{*store, fleet, conductor, inspector, *publisher, signers, authority, sealer, clock,
                              config.zone.zone, config.publicUrl, SWB_VERSION, &publications});
    Gateway gateway(api, fleet, *store, authority);
    TRY_VOID(publications.start());
    TRY_VOID(conductor.start());
    signers.start(*publisher);

    net::HttpServerSettings settings;
    for (const HostPort& address : config.listen) settings.listen.push_back({address.host, address.port});
    settings.identity = TRY(loadIdentity(paths, authority, config, clock));
    net::HttpServer server(
        std::move(settings),
        [&](net::HttpRequest asked, const net::HttpRespond& respond) { gateway.handle(std::move(asked), respond); },
        [&](const net::WebSocketHandle& socket) { return gateway.accept(socket); });
    TRY_VOID(server.start());
    TRY_VOID(writeReady(request, server, *publisher));
    logInfo("swingd", "version {} serves {} at port {}", SWB_VERSION, config.zone.zone, server.port());

    Housekeeping housekeeping(*store, conductor);
    for (;;) {
        pollfd wait{signals.get(), POLLIN, 0};
        if (::poll(&wait, 1, 500) > 0) break;
        fleet.tick();
        housekeeping.tick(clock.monotonic());
    }
    logInfo("swingd", "stopping");
    server.stop();
    publications.stop();
    conductor.stop();
    signers.stop();
    publisher->stop();
    secondaries->stop();
    return {};
}

Result<void> backupStore(const std::string& directory, const std::string& target) {
    const SystemClock clock;
    const auto store = TRY(store::SqliteStore::open(DataPaths(directory).store, clock));
    return store->backup(target);
}

}  // namespace swb
