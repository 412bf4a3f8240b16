// A name server for tests and benchmarks: dns::Server over one zone from a file, as the peers it is compared with.
//
//     swb_dns_server --origin ZONE --zone FILE --listen ADDRESS:PORT [--threads N] [--rate ANSWERS]
//
// The file has one record a line: owner, TTL, IN, type, data. A line "NAME ADDRESS" on the standard input gives the
// name that one address; when the new zone is answered, "published NAME ADDRESS" comes back. Ends with its standard
// input's writer, or by a signal.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "zone.h"

int main(int argc, char** argv) {
    using namespace swb;
    CLI::App app("A name server for tests.");
    std::string origin, file, listen;
    dns::ServerOptions options;
    options.rateLimit.answersPerSecond = 0;
    options.nsid = "swingbridge";
    app.add_option("--origin", origin)->required();
    app.add_option("--zone", file)->required();
    app.add_option("--listen", listen)->required();
    app.add_option("--threads", options.udpThreads);
    app.add_option("--rate", options.rateLimit.answersPerSecond);
    CLI11_PARSE(app, argc, argv);

    const auto run = [&]() -> Result<void> {
        options.endpoints = {TRY(dns::Endpoint::fromText(listen))};
        const auto server = TRY(dns::Server::start(options, dns::ZoneSet::of({TRY(test::loadZone(origin, file))})));
        std::string name, address;
        while (std::cin >> name >> address) {
            TRY_VOID(test::publishAddress(*server, name, address));
            std::cout << "published " << name << ' ' << address << std::endl;
        }
        // Without commands: until a signal ends the process.
        while (name.empty()) ::pause();
        return {};
    };
    const auto result = run();
    if (result) return 0;
    std::cerr << describe(result.error()) << '\n';
    return 1;
}
