// swingd: parse, wire, run.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/log.h"
#include "daemon.h"
#include "dns_node.h"
#include "init.h"
#include "run/table.h"

namespace {

using namespace swb;

struct Options {
    std::string directory = "/var/lib/swingd";
    std::string logLevel = "info";
    std::string zone, publicUrl, readyFile, nodeConfig, backupTarget;
    std::vector<std::string> listen{"0.0.0.0:8443"}, dnsListen, nameServers, names;
    bool json = false, status = false;
};

int report(const Error& error, bool json) {
    if (json) std::cout << toPrettyText(JsonObject{{"error", errorToJson(error)}}) << "\n";
    std::cerr << describe(error) << "\n";
    return exitCode(error.code);
}

Result<HostPort> listenAddress(const std::string& text) {
    const bool any = text.size() > 2 && text.ends_with(":0");
    HostPort address = TRY(parseHostPort(any ? text.substr(0, text.size() - 1) + "1" : text));
    if (!isIpAddress(address.host))
        return fail(ErrorCode::InvalidInput, text + " must be ADDRESS:PORT", "for example 0.0.0.0:8443");
    if (any) address.port = 0;
    return address;
}

// NAME=ADDRESS[,ADDRESS…]
Result<dispatch::ZoneSettings::NameServer> nameServer(const std::string& text) {
    const size_t equals = text.find('=');
    dispatch::ZoneSettings::NameServer server;
    server.name = text.substr(0, equals);
    if (!isHostName(server.name))
        return fail(ErrorCode::InvalidInput, "'" + text.substr(0, 100) + "' is not NAME=ADDRESS",
                    "for example ns1=192.0.2.1");
    for (size_t start = equals; start != std::string::npos && start < text.size();) {
        const size_t comma = text.find(',', start + 1);
        server.addresses.push_back(text.substr(start + 1, comma == std::string::npos ? comma : comma - start - 1));
        if (!isIpAddress(server.addresses.back()))
            return fail(ErrorCode::InvalidInput, "'" + server.addresses.back() + "' is not an IP address");
        start = comma;
    }
    return server;
}

Result<InitRequest> initRequest(const Options& options) {
    InitRequest request;
    request.directory = options.directory;
    DaemonConfig& config = request.config;
    if (!isHostName(options.zone))
        return fail(ErrorCode::InvalidInput, "'" + options.zone.substr(0, 100) + "' is not a domain name",
                    "for example failover.example.com");
    config.zone.zone = options.zone;
    for (const std::string& text : options.listen) config.listen.push_back(TRY(listenAddress(text)));
    // A UDP answer must leave from the address that was asked, so the name server listens at addresses, never at "any".
    std::vector<std::string> dnsListen = options.dnsListen;
    if (dnsListen.empty())
        dnsListen = {(!options.names.empty() && isIpv4(options.names.front()) ? options.names.front() : "127.0.0.1") +
                     ":53"};
    for (const std::string& text : dnsListen) config.dnsListen.push_back(TRY(listenAddress(text)));
    for (const std::string& text : options.nameServers) config.zone.nameServers.push_back(TRY(nameServer(text)));
    // Without a word about name servers, the controller itself is ns1, at the address it was told to be reached at.
    const std::string host = options.names.empty() ? config.listen.front().host : options.names.front();
    const std::string reachable = host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host;
    config.names = options.names;
    if (config.names.empty()) config.names = {reachable};
    for (const char* always : {"127.0.0.1", "localhost"})
        if (std::find(config.names.begin(), config.names.end(), always) == config.names.end())
            config.names.emplace_back(always);
    if (config.zone.nameServers.empty()) {
        const std::string address = isIpAddress(reachable) ? reachable : config.dnsListen.front().host;
        config.zone.nameServers.push_back({"ns1", {address}});
    }
    config.publicUrl = options.publicUrl.empty() ? "https://" + HostPort{reachable, config.listen.front().port}.text()
                                                 : options.publicUrl;
    return request;
}

int initCommand(const Options& options) {
    const auto request = initRequest(options);
    if (!request) return report(request.error(), options.json);
    const auto made = initialise(*request);
    if (!made) return report(made.error(), options.json);
    if (options.json) {
        std::cout << toPrettyText(JsonObject{{"directory", options.directory},
                                             {"config", made->configFile},
                                             {"authority", made->authorityFile},
                                             {"authorityFingerprint", made->authorityFingerprint},
                                             {"adminTokenFile", made->adminTokenFile},
                                             {"url", request->config.publicUrl},
                                             {"zone", options.zone}})
                  << "\n";
        return 0;
    }
    std::cout << "The controller's directory is ready: " << options.directory << "\n"
              << "  configuration   " << made->configFile << "\n"
              << "  admin token     " << made->adminTokenFile << " (keep it safe)\n"
              << "  CA              " << made->authorityFile << "\n"
              << "  CA pin          " << made->authorityFingerprint << "\n"
              << "Start it: swingd run --data " << options.directory << "\n"
              << "Use it:   swing --url " << request->config.publicUrl << " --ca " << made->authorityFile
              << " --token @" << made->adminTokenFile << " status\n";
    return 0;
}

LogLevel levelOf(const std::string& name) {
    if (name == "debug") return LogLevel::debug;
    if (name == "warning") return LogLevel::warning;
    return name == "error" ? LogLevel::error : LogLevel::info;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Swingbridge controller: state, plans, runs, DNS, API.");
    app.set_version_flag("--version", std::string("swingd ") + SWB_VERSION);
    app.require_subcommand(1);
    app.footer(
        "Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused by a check, 4 outcome unknown.\n"
        "Errors go to standard error with a code (SWB-...), a sentence and a hint.");

    auto* init = app.add_subcommand("init", "Make the controller's directory: CA, admin token, configuration");
    init->add_option("--data", options.directory, "directory to make")->capture_default_str();
    init->add_option("--zone", options.zone, "zone of the failover addresses, delegated to this controller")
        ->required();
    init->add_option("--listen", options.listen, "ADDRESS:PORT of the API and the agents")->capture_default_str();
    init->add_option(
        "--dns-listen", options.dnsListen,
        "ADDRESS:PORT of the name server, UDP and TCP; explicit addresses (default: the first --name, port 53)");
    init->add_option("--name-server", options.nameServers, "NAME=ADDRESS of a name server of the zone (repeat)");
    init->add_option("--name", options.names, "name or address under which the controller is reached (repeat)");
    init->add_option("--public-url", options.publicUrl, "URL that agents and people are told");
    init->add_flag("--json", options.json, "one JSON document on standard output");

    auto* run = app.add_subcommand("run", "Run the controller until SIGTERM");
    run->add_option("--data", options.directory, "the controller's directory")->capture_default_str();
    run->add_option("--ready-file", options.readyFile, "file to write, with the ports taken, once everything serves");
    run->add_option("--log-level", options.logLevel, "debug, info, warning or error")
        ->capture_default_str()
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));

    auto* node = app.add_subcommand("dns", "Run a name server that follows a primary, without a controller");
    node->add_option("--config", options.nodeConfig, "the node's configuration file")->required();
    node->add_flag("--status", options.status, "print what the running node knows about its zones, and end");
    node->add_flag("--json", options.json, "with --status: one JSON document on standard output");
    node->add_option("--ready-file", options.readyFile, "file to write, with the ports taken, once everything serves");
    node->add_option("--log-level", options.logLevel, "debug, info, warning or error")
        ->capture_default_str()
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));

    auto* backup = app.add_subcommand("backup", "Copy the store of a stopped controller to a file");
    backup->add_option("--data", options.directory, "the controller's directory")->capture_default_str();
    backup->add_option("target", options.backupTarget, "file to write; must not exist")->required();

    app.add_subcommand("run-table", "Print the life of a run as a Mermaid diagram");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    setUpLogging("swingd", levelOf(options.logLevel));
    if (init->parsed()) return initCommand(options);
    if (run->parsed()) {
        const auto ended = runDaemon({options.directory, options.readyFile});
        return ended ? 0 : report(ended.error(), false);
    }
    if (node->parsed() && options.status) {
        const auto good = printNodeStatus(options.nodeConfig, options.json);
        return good ? (*good ? 0 : 1) : report(good.error(), options.json);
    }
    if (node->parsed()) {
        const auto ended = runDnsNode({options.nodeConfig, options.readyFile});
        return ended ? 0 : report(ended.error(), false);
    }
    if (backup->parsed()) {
        const auto copied = backupStore(options.directory, options.backupTarget);
        return copied ? 0 : report(copied.error(), false);
    }
    std::cout << run::stateTableMermaid();
    return 0;
}
