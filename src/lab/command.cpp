#include "lab/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/file.h"
#include "lab/down.h"
#include "lab/lab_engine.h"
#include "lab/load.h"
#include "lab/state.h"
#include "lab/status.h"
#include "lab/supervisor.h"
#include "lab/up.h"

namespace swb::lab {
namespace {

struct Options {
    std::string directory, user, code, engines, out;
    LoadRequest load;
    bool json = false, replicas = false;
};

void printDocument(const Json& value) {
    fmt::print("{}\n", toPrettyText(value));
}

Result<std::string> directoryOf(const Options& options) {
    return normalDirectory(options.directory.empty() ? defaultDirectory() : options.directory);
}

Result<int> upCommand(const Options& options) {
    UpRequest request{options.directory, options.user, options.code, {}, options.replicas, options.json};
    if (!options.engines.empty()) request.engines = TRY(parseEngines(options.engines));
    const UpResult result = TRY(up(request));
    const Json status = statusOf(result.world);
    if (options.json) {
        printDocument(status);
        return 0;
    }
    if (result.wasRunning)
        fmt::print("The lab runs already.\n");
    else
        fmt::print("\nThe lab is up after {:.1f} s.\n", result.seconds);
    fmt::print("\n{}", statusText(status));
    return 0;
}

Result<int> statusCommand(const Options& options) {
    const Json status = statusOf(TRY(loadWorld(TRY(directoryOf(options)))));
    if (options.json)
        printDocument(status);
    else
        fmt::print("{}", statusText(status));
    return textAt(status, "state") == "up" ? 0 : 1;
}

Result<int> loadCommand(const Options& options) {
    const World world = TRY(loadWorld(TRY(directoryOf(options))));
    LoadRequest request = options.load;
    request.live = !options.json && ::isatty(STDERR_FILENO);
    const LoadReport report = TRY(load(world, request));
    if (!options.out.empty()) TRY_VOID(writeFileAtomically(options.out, toPrettyText(toJson(report)) + "\n", 0644));
    if (options.json)
        printDocument(toJson(report));
    else
        fmt::print("{}", reportText(report));
    return report.score.clean() ? 0 : 1;
}

Result<int> downCommand(const Options& options) {
    const std::string directory = TRY(directoryOf(options));
    TRY_VOID(removeLab(directory));
    if (options.json)
        printDocument(JsonObject{{"removed", directory}});
    else
        fmt::print("The lab in {} is gone.\n", directory);
    return 0;
}

Result<int> superviseCommand(const Options& options) {
    TRY_VOID(supervise(TRY(directoryOf(options))));
    return 0;
}

int report(const Error& error, bool json) {
    if (json) printDocument(JsonObject{{"error", errorToJson(error)}});
    fmt::print(stderr, "{}\n", describe(error));
    return exitCode(error.code);
}

struct Row {
    const char *name, *summary;
    Result<int> (*run)(const Options&);
};
constexpr Row rows[] = {
    {"up", "Start two sites, a controller and the example application; says where everything is", upCommand},
    {"status", "Show where everything is, and what to try", statusCommand},
    {"load", "Send orders through the failover address and keep score; 0 only if none is missing or doubled",
     loadCommand},
    {"down", "End everything and remove the directory", downCommand},
    {"supervise", "What `up` leaves running in the background", superviseCommand},
};

void addOptions(CLI::App& command, Options& options) {
    const std::string name = command.get_name();
    command.add_option("--dir", options.directory, "directory of the lab (default: " + defaultDirectory() + ")");
    command.add_flag("--json", options.json, "one JSON document on standard output");
    if (name == "up") {
        command.add_option(
            "--engines", options.engines,
            "database engines of the application: any of postgresql, mariadb, redis, separated by commas "
            "(default: postgresql)");
        command.add_flag("--replicas", options.replicas, "a replica of each database inside each application");
        command.add_option("--user", options.user,
                           "as root: whom everything runs as (default: swingbridge-lab, postgres or nobody)");
        command.add_option("--app", options.code, "directory of the example application");
    }
    if (name == "load") {
        command.add_option("--writers", options.load.writers, "writers at the same time")
            ->capture_default_str()
            ->check(CLI::Range(1, 256));
        command.add_option("--seconds", options.load.seconds, "how long; without it until Ctrl-C")
            ->check(CLI::Range(0.1, 86400.0));
        command
            .add_option("--rate", options.load.rate,
                        "orders a second of all writers together; without it as many as are answered")
            ->check(CLI::Range(0.1, 100000.0));
        command.add_option("--out", options.out, "also write the JSON document to this file");
    }
    if (name == "supervise") command.group("");  // not in the help
}

}  // namespace

int runCommand(const std::vector<std::string>& arguments) {
    Options options;
    CLI::App app(
        "A two-site world on loopback addresses: real databases and nginx, agents and a controller, and an example\n"
        "application, unprivileged, in one directory.",
        "swing lab");
    app.require_subcommand(1);
    app.footer("Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused. See docs/lab.md.");
    std::vector<CLI::App*> commands;
    for (const Row& row : rows) {
        commands.push_back(app.add_subcommand(row.name, row.summary));
        addOptions(*commands.back(), options);
    }
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    for (size_t i = 0; i < commands.size(); ++i) {
        if (!commands[i]->parsed()) continue;
        const auto code = rows[i].run(options);
        return code ? *code : report(code.error(), options.json);
    }
    return 2;
}

}  // namespace swb::lab
