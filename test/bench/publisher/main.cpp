// The way of a switch inside the controller, measured: the commit of the new epoch to a store on disk, then the
// publisher with its journal on disk and, when asked for, the signers; then the name server.
//
//     swb_publisher_bench --origin ZONE --zone FILE --listen ADDRESS:PORT --directory DIR --name NAME [--sign]
//
// The zone's records are static ones from the file, NAME apart: that is a group's address. Says "ready" when the whole
// zone is answered, signed when it is to be. A line "ADDRESS" on the standard input switches the group to that address;
// when it is answered, "published ADDRESS STORE PUBLISH" comes back, with the milliseconds of the two parts. Ends with
// its standard input's writer.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "base/file.h"
#include "dispatch/zone_signers.h"
#include "dns/zone_file.h"
#include "model/application.h"
#include "model/zone.h"
#include "store/sqlite_store.h"

namespace {

using namespace swb;
using Instant = std::chrono::steady_clock::time_point;

struct Arguments {
    std::string origin, zoneFile, listen, directory, name;
    bool sign = false;
};

double millisecondsSince(Instant start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

Json applicationBody(const std::string& name, const std::string& address) {
    Application application;
    application.name = name;
    application.site = name;
    WebSpec web;
    web.server = name + "-1";
    web.address = address;
    web.listen = {"80"};
    web.upstream = {"127.0.0.1", 3000};
    application.web.push_back(web);
    return JsonObject{{"definition", applicationToJson(application)}};
}

// Without what is the publisher's own: the name servers' addresses and the group's.
Result<Zone> staticZone(const Arguments& arguments, const dns::Name& origin) {
    const dns::MasterFile file =
        TRY(dns::readMasterFile(TRY(readFile(arguments.zoneFile, dns::masterFileBytesMax)), origin));
    const dns::Name left[] = {TRY(dns::Name::fromText(arguments.name)),
                              TRY(dns::Name::fromText("ns1." + arguments.origin)),
                              TRY(dns::Name::fromText("ns2." + arguments.origin))};
    Zone zone{arguments.origin, {}, {}};
    for (const dns::ZoneRecordSet& record : file.records) {
        if (std::find(std::begin(left), std::end(left), record.name) != std::end(left)) continue;
        StaticRecords records{record.name.toText(), dns::typeToText(record.set.type), record.set.ttlSeconds, {}};
        records.name.pop_back();
        for (const dns::Rdata& data : record.set.records)
            records.data.push_back(dns::rdataToText(record.set.type, data));
        zone.records.push_back(std::move(records));
    }
    return zone;
}

class Bench {
  public:
    explicit Bench(const Arguments& arguments) : arguments_(arguments) {
        group_.id = "fg-1";
        group_.name = group_.label = "switched";
        group_.primary = "fra";
        group_.secondary = "nyc";
        group_.address = arguments.name;
        group_.ttl = 300;
    }

    Result<void> start() {
        const dns::Name origin = TRY(dns::Name::fromText(arguments_.origin));
        store_ = TRY(store::SqliteStore::open(arguments_.directory + "/swingd.db", clock_));
        TRY_VOID(put("zone", arguments_.origin, toJson(TRY(staticZone(arguments_, origin)))));
        TRY_VOID(commitSwitch("10.0.0.0"));
        dns::ServerOptions options;
        options.rateLimit.answersPerSecond = 0;
        options.endpoints = {TRY(dns::Endpoint::fromText(arguments_.listen))};
        const dispatch::ZoneSettings settings{arguments_.origin, "", {{"ns1", {"192.0.2.1"}}, {"ns2", {"192.0.2.2"}}}};
        publisher_ = TRY(dispatch::Publisher::start({settings}, arguments_.directory + "/zones", options));
        sealer_.emplace(TRY(crypto::Sealer::load(arguments_.directory + "/seal.key")));
        dispatch::ZoneSigningSettings signing;
        signing.directory = arguments_.directory + "/dnssec";
        if (arguments_.sign) signing.enableWith = dns::sign::Algorithm::ecdsaP256Sha256;
        signers_.emplace(std::move(signing), *sealer_, clock_);
        publisher_->setSigner(signers_->hook());
        TRY(publisher_->publish(*store_));
        if (!arguments_.sign) return {};
        signers_->work(*publisher_);
        if (!publisher_->zone()->isSigned()) return fail(ErrorCode::VerificationFailed, "the zone is not signed");
        return {};
    }

    Result<void> switchTo(const std::string& address) {
        const Instant begun = std::chrono::steady_clock::now();
        TRY_VOID(commitSwitch(address));
        const double store = millisecondsSince(begun);
        TRY(publisher_->publishGroup(*store_, group_.name));
        std::cout << "published " << address << ' ' << store << ' ' << millisecondsSince(begun) - store << std::endl;
        return {};
    }

  private:
    Result<void> put(const std::string& kind, const std::string& id, Json body) {
        store::Commit commit;
        commit.puts.push_back({kind, id, store::anyVersion, std::move(body)});
        TRY(store_->commit(commit));
        return {};
    }
    // As a run's step does it: the group's document with its next epoch and an event, in one commit.
    Result<void> commitSwitch(const std::string& address) {
        group_.current = group_.current == group_.primary ? group_.secondary : group_.primary;
        ++group_.epoch;
        store::Commit commit;
        commit.puts.push_back(
            {"application", group_.current, store::anyVersion, applicationBody(group_.current, address)});
        commit.puts.push_back({"group", group_.name, store::anyVersion, toJson(group_)});
        commit.events.push_back(
            {"group.switched", "group/" + group_.name, "bench", JsonObject{{"epoch", group_.epoch}}});
        TRY(store_->commit(commit));
        return {};
    }

    const Arguments arguments_;
    const SystemClock clock_;
    Group group_;
    std::unique_ptr<store::Store> store_;
    std::optional<crypto::Sealer> sealer_;
    std::unique_ptr<dispatch::Publisher> publisher_;
    std::optional<dispatch::ZoneSigners> signers_;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A switch inside the controller, measured.");
    Arguments arguments;
    app.add_option("--origin", arguments.origin)->required();
    app.add_option("--zone", arguments.zoneFile)->required();
    app.add_option("--listen", arguments.listen)->required();
    app.add_option("--directory", arguments.directory)->required();
    app.add_option("--name", arguments.name)->required();
    app.add_flag("--sign", arguments.sign);
    CLI11_PARSE(app, argc, argv);

    const auto run = [&]() -> Result<void> {
        Bench bench(arguments);
        TRY_VOID(bench.start());
        std::cout << "ready" << std::endl;
        std::string address;
        while (std::cin >> address) TRY_VOID(bench.switchTo(address));
        return {};
    };
    const auto result = run();
    if (result) return 0;
    std::cerr << describe(result.error()) << '\n';
    return 1;
}
