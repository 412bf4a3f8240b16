#include "daemon.h"

#include <poll.h>

#include "base/fd.h"
#include "base/file_limit.h"
#include "base/log.h"
#include "controller.h"
#include "dispatch/alias_keeper.h"
#include "secondaries.h"
#include "signals.h"

namespace swb {
namespace {

constexpr int64_t tickMs = 500;
constexpr int64_t retryMs = 5'000;

Result<dns::ServerOptions> dnsOptions(const DaemonConfig& config, const std::string& directory) {
    dns::ServerOptions options;
    apply(config.nameServer, directory, options);
    for (const HostPort& address : config.dnsListen)
        options.endpoints.push_back({TRY(dns::IpAddress::fromText(address.host)), address.port});
    return options;
}

// A store that cannot be read is for a person to mend, while the name server goes on; everything else that keeps the
// controller from starting (a port that is taken, a wrong setting) is for whoever starts it.
bool concernsStore(const Error& error) {
    return error.code == ErrorCode::StorageFailed || error.code == ErrorCode::Unsupported;
}

}  // namespace

Result<void> runDaemon(const RunRequest& request) {
    const Fd signals = TRY(blockSignals());
    raiseFileLimit("swingd");
    const SystemClock clock;
    const DataPaths paths(request.directory);
    const DaemonConfig config = TRY(readConfig(paths.config));
    // The name server first: it answers the last good zone whatever happens to the rest (I11).
    const auto secondaries =
        Secondaries::make(config.secondaries, clock, dispatch::resolveBy(TRY(resolversOf(config))));
    dns::ServerOptions nameServer = TRY(dnsOptions(config, request.directory));
    nameServer.peers = &secondaries->desk();
    std::vector<dispatch::ZoneSettings> zones = {config.zone};
    for (const std::string& zone : config.furtherZones) zones.push_back(config.zone.of(zone));
    const auto publisher = TRY(dispatch::Publisher::start(zones, paths.zones, nameServer));
    secondaries->attach(*publisher, paths.zones);

    std::unique_ptr<Controller> controller;
    MonotonicMs tryAt = 0;
    for (;;) {
        if (!controller && clock.monotonic() >= tryAt) {
            auto started =
                Controller::start(request, config, clock, *publisher, [&secondaries] { return secondaries->states(); });
            if (!started && !concernsStore(started.error())) return fail(started.error());
            publisher->setStale(!started);
            if (started) {
                controller = std::move(*started);
            } else {
                logError("swingd", "no controller, only its name server, which answers the last good zones: {}",
                         describe(started.error()));
                tryAt = clock.monotonic() + retryMs;
            }
        }
        pollfd wait{signals.get(), POLLIN, 0};
        if (::poll(&wait, 1, tickMs) > 0) break;
        secondaries->tick();
        if (controller) controller->tick();
    }
    logInfo("swingd", "stopping");
    controller.reset();
    publisher->stop();
    secondaries->stop();
    return {};
}

}  // namespace swb
