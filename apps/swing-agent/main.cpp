// swing-agent: parse, wire, run.
#include <CLI/CLI.hpp>
#include <iostream>

#include "agent/enrolment.h"
#include "agent/status.h"
#include "base/log.h"
#include "run.h"

namespace {

using namespace swb;

struct Options {
    std::string directory = "/var/lib/swing-agent";
    std::string logLevel = "info";
    std::string token;
    agent::JoinRequest join;
    int64_t stopMs = RunSettings().stopMs;
    bool json = false;
};

int report(const Error& error, bool json) {
    if (json) std::cout << toPrettyText(JsonObject{{"error", errorToJson(error)}}) << "\n";
    std::cerr << describe(error) << "\n";
    return exitCode(error.code);
}

int joinCommand(Options& options) {
    auto token = agent::readToken(options.token);
    if (!token) return report(token.error(), options.json);
    options.join.token = std::move(*token);
    const auto server = agent::join(agent::AgentDirectory{options.directory}, options.join);
    if (!server) return report(server.error(), options.json);
    if (options.json)
        std::cout << toPrettyText(JsonObject{{"server", *server}, {"directory", options.directory}}) << "\n";
    else
        std::cout << "joined as server " << *server << "; start it with: swing-agent run --data " << options.directory
                  << "\n";
    return 0;
}

int runCommand(const Options& options) {
    const auto ended = runAgent(RunSettings{agent::AgentDirectory{options.directory}, options.stopMs});
    return ended ? 0 : report(ended.error(), options.json);
}

int statusCommand(const Options& options) {
    const auto status = agent::agentStatus(agent::AgentDirectory{options.directory});
    if (!status) return report(status.error(), options.json);
    std::cout << (options.json ? toPrettyText(*status) + "\n" : agent::statusText(*status));
    return 0;
}

void addCommon(CLI::App& command, Options& options) {
    command.add_option("--data", options.directory, "the agent's directory")->capture_default_str();
    command.add_flag("--json", options.json, "one JSON document on standard output");
}

LogLevel levelOf(const std::string& name) {
    if (name == "debug") return LogLevel::debug;
    if (name == "warning") return LogLevel::warning;
    return name == "error" ? LogLevel::error : LogLevel::info;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app(
        "Swingbridge agent: one on each server. It dials out to the controller and executes its verbs on the local\n"
        "databases, web fronts and processes; without a controller it keeps running what should run.");
    app.set_version_flag("--version", std::string("swing-agent ") + SWB_VERSION);
    app.require_subcommand(1);
    app.footer(
        "Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused by a check, 4 outcome unknown.\n"
        "Errors go to standard error with a code (SWB-...), a sentence and a hint.");

    auto* join = app.add_subcommand("join", "Get a certificate from a controller, once per server");
    addCommon(*join, options);
    join->add_option("--controller", options.join.controller, "URL of the controller: https://HOST:PORT")->required();
    join->add_option("--token", options.token,
                     "one-time token from `swing server token`; @FILE reads it from a file, - from standard input")
        ->required();
    join->add_option("--ca-pin", options.join.pin, "SHA-256 of the controller's authority, as `swingd init` prints it")
        ->required();
    join->add_option("--name", options.join.name, "suggested name of this server (default: the host name)");
    join->add_flag("--force", options.join.force, "join anew although this directory joined before");

    auto* run = app.add_subcommand("run", "Run the agent until SIGTERM; databases and processes outlive it");
    addCommon(*run, options);
    run->add_option("--stop-ms", options.stopMs, "how long running verbs may take to end after SIGTERM")
        ->capture_default_str()
        ->check(CLI::Range(0, 600'000));
    run->add_option("--log-level", options.logLevel, "debug, info, warning or error")
        ->capture_default_str()
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));

    auto* status = app.add_subcommand("status", "Show what the agent's directory says; changes nothing");
    addCommon(*status, options);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    setUpLogging("swing-agent", levelOf(options.logLevel));
    if (join->parsed()) return joinCommand(options);
    return run->parsed() ? runCommand(options) : statusCommand(options);
}
