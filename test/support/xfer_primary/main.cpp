// A primary for tests of secondaries: one zone of failover addresses in a directory, as the controller has it.
//
//     swb_xfer_primary --data DIR --origin ZONE --listen ADDRESS:PORT --key-file FILE --key NAME [--notify ADDRESS:PORT
//     …]
//                      [--groups N] [--catalog ZONE]
//
// Commands on the standard input, each answered by a line:
//     set GROUP ADDRESS      the next epoch of the group → "published SERIAL"
//     forget                 answers IXFR with the whole zone from now on → "forgotten"
//     states                 → "ADDRESS:PORT ZONE ACKNOWLEDGED SEEN MS" for each secondary, then "."
// Ends with its standard input's writer.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/log.h"
#include "dns/server.h"
#include "dns/transfer/catalog.h"
#include "dns/transfer/key_file.h"
#include "dns/transfer/notifier.h"
#include "dns/transfer/peer_desk.h"
#include "dns/zone_journal.h"

namespace {

using namespace swb;
using namespace swb::dns;

struct Options {
    std::string data, origin, listen, keyFile, key, catalog;
    std::vector<std::string> notify;
    int groups = 3;
    uint32_t serial = 1;
};

class Primary {
  public:
    Result<void> start(const Options& options) {
        origin_ = TRY(Name::fromText(options.origin));
        journal_ = TRY(ZoneJournal::open(options.data, origin_));
        if (!journal_->zone()) TRY_VOID(journal_->replace(TRY(firstZone(options))));
        TRY_VOID(makeDesk(options));
        ServerOptions server;
        server.endpoints = {TRY(Endpoint::fromText(options.listen))};
        server.peers = desk_.get();
        server.rateLimit.answersPerSecond = 0;
        server_ = TRY(Server::start(server, ZoneSet::of({journal_->zone()})));
        if (!options.catalog.empty())
            TRY_VOID(
                server_->publish(TRY(transfer::makeCatalog(TRY(Name::fromText(options.catalog)), {origin_}, nullptr))));
        transfer::NotifierSettings notifier;
        for (const std::string& text : options.notify)
            notifier.rules.also.push_back({TRY(Endpoint::fromText(text)), key_});
        notifier.rules.notifyNameServers = false;
        notifier.from = {server_->endpoints().front().address};
        notifier_ = TRY(transfer::Notifier::start(std::move(notifier), clock_));
        const ZoneSetPointer zones = server_->zones();
        for (const ZonePointer& zone : zones->zones()) notifier_->zoneChanged(zone);
        return {};
    }

    Result<uint32_t> set(const std::string& group, const std::string& address) {
        const Name name = TRY(Name::fromText(group + "." + origin_.toText()));
        const ZonePointer zone = journal_->zone();
        const auto present = zone->failoverAddressAt(name);
        if (!present) return fail(ErrorCode::NotFound, "there is no group " + group);
        ZoneEdits edits;
        edits.addresses.push_back(*present);
        edits.addresses.back().epoch += 1;
        edits.addresses.back().addresses = {TRY(IpAddress::fromText(address))};
        auto change = std::make_shared<const ZoneChange>(TRY(zone->draft(edits)));
        const ZonePointer next = TRY(zone->with(*change));
        TRY_VOID(journal_->append(change, next));
        TRY_VOID(server_->publish(next));
        notifier_->zoneChanged(next);
        return next->serial();
    }

    void forget() { forgotten_ = true; }

    void printStates() const {
        for (const transfer::SecondaryState& state : notifier_->states()) {
            const auto number = [](const auto& value) { return value ? std::to_string(*value) : std::string("-"); };
            std::cout << state.endpoint.toText() << ' ' << state.zone.toText() << ' '
                      << number(state.session.acknowledged) << ' ' << number(state.session.seen) << ' '
                      << number(state.session.convergedAfterMs) << '\n';
        }
        std::cout << '.' << std::endl;
    }

    void stop() {
        server_->stop();
        notifier_->stop();
    }

  private:
    Result<ZonePointer> firstZone(const Options& options) const {
        ZoneDefinition zone;
        zone.origin = origin_;
        zone.serial = options.serial;
        zone.nameServers = {{TRY(Name::fromText("ns1." + options.origin)), {TRY(IpAddress::fromText("192.0.2.1"))}}};
        for (int i = 0; i < options.groups; ++i) {
            FailoverAddress address;
            address.group = "g" + std::to_string(i);
            address.epoch = 1;
            address.name = TRY(Name::fromText(address.group + "." + options.origin));
            address.addresses = {TRY(IpAddress::fromText("203.0.113.10"))};
            zone.addresses.push_back(std::move(address));
        }
        return ZoneSnapshot::build(std::move(zone));
    }

    Result<void> makeDesk(const Options& options) {
        transfer::PeerSettings settings;
        for (TsigKey& key : TRY(transfer::readKeyFile(options.keyFile))) TRY_VOID(settings.keys.add(std::move(key)));
        const Name keyName = TRY(Name::fromText(options.key));
        key_ = settings.keys.find(keyName);
        transfer::AccessRule rule;
        rule.key = keyName;
        settings.allowTransfer.push_back(std::move(rule));
        settings.history = [this](const Name& origin, uint32_t serial) {
            auto changes = forgotten_ || origin != origin_ ? std::nullopt : journal_->changesSince(serial);
            return changes ? *std::move(changes) : transfer::ChangePointers();
        };
        desk_ = std::make_unique<transfer::PeerDesk>(std::move(settings), clock_);
        return {};
    }

    const SystemClock clock_;
    Name origin_;
    TsigKeyPointer key_;
    std::atomic<bool> forgotten_{false};
    std::unique_ptr<ZoneJournal> journal_;
    std::unique_ptr<transfer::PeerDesk> desk_;
    std::unique_ptr<Server> server_;
    std::unique_ptr<transfer::Notifier> notifier_;
};

Result<void> run(const Options& options) {
    Primary primary;
    TRY_VOID(primary.start(options));
    std::cout << "ready" << std::endl;
    std::string command, group, address;
    while (std::cin >> command) {
        if (command == "set" && std::cin >> group >> address)
            std::cout << "published " << TRY(primary.set(group, address)) << std::endl;
        if (command == "forget") {
            primary.forget();
            std::cout << "forgotten" << std::endl;
        }
        if (command == "states") primary.printStates();
    }
    primary.stop();
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("A primary for tests of secondaries.");
    app.add_option("--data", options.data)->required();
    app.add_option("--origin", options.origin)->required();
    app.add_option("--listen", options.listen)->required();
    app.add_option("--key-file", options.keyFile)->required();
    app.add_option("--key", options.key)->required();
    app.add_option("--notify", options.notify);
    app.add_option("--groups", options.groups);
    app.add_option("--serial", options.serial);
    app.add_option("--catalog", options.catalog);
    CLI11_PARSE(app, argc, argv);
    setUpLogging("xfer-primary", LogLevel::info);
    const auto result = run(options);
    if (result) return 0;
    std::cerr << describe(result.error()) << '\n';
    return 1;
}
