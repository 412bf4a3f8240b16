#include "driver/postgresql/managers.h"

#include <signal.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdlib>

#include "base/file.h"
#include "driver/support/direct_manager.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* stopHint =
    "Look for a long-running archive command or a replication connection that does not answer.";

tl::unexpected<Error> maskedError(const std::string& what) {
    return fail(ErrorCode::GuardRefused, what + " is masked: a fence holds it",
                "It is unmasked by the run that fenced it.");
}

// Fast stop of a postmaster, waited for.
Result<void> stopPostmaster(const std::string& data, const Context& context) {
    const auto postmaster = findPostmaster(data);
    if (!postmaster) return {};
    sendSignal(*postmaster, SIGINT);
    if (!awaitExit(*postmaster, context.deadline))
        return fail(ErrorCode::DeadlineExceeded, "the server in " + data + " did not stop in time", stopHint);
    return {};
}

Result<void> reloadPostmaster(const std::string& data) {
    const auto postmaster = findPostmaster(data);
    if (!postmaster || !sendSignal(*postmaster, SIGHUP))
        return fail(ErrorCode::DatabaseFailed, "the server in " + data + " does not run");
    return {};
}

DirectService directService(const ManagedServer& server) {
    DirectService direct;
    direct.data = server.service.data;
    direct.stateDirectory = server.stateDirectory;
    direct.stopHint = stopHint;
    direct.stopSignal = SIGINT;  // fast: sessions are ended, the shutdown checkpoint is written
    direct.reloadSignal = SIGHUP;
    direct.find = [data = server.service.data] { return findPostmaster(data); };
    direct.program = [server] {
        DetachedProgram program;
        program.argv = {server.service.bin + "/postgres", "-D", server.service.data};
        program.user = server.user;
        program.logFile = server.logFile;
        return program;
    };
    return direct;
}

class ClusterManager final : public ServiceManager {
  public:
    explicit ClusterManager(ManagedServer server) : server_(std::move(server)) {}

    Result<void> start(const Context& context) override {
        if (isMasked(context)) return maskedError("the cluster " + server_.service.unit);
        if (isRunning(context)) return {};
        return control("start", context);
    }
    Result<void> stop(const Context& context) override { return stopPostmaster(server_.service.data, context); }
    Result<void> reload(const Context&) override { return reloadPostmaster(server_.service.data); }
    Result<void> mask(const Context&) override {
        const std::string word = TRY(startWord());
        if (word == maskWord) return {};
        TRY_VOID(makeDirectories(server_.stateDirectory));
        const std::string text = fileExists(startFile()) ? TRY(readFile(startFile(), startFileBytesMax)) : "auto\n";
        TRY_VOID(writeFileAtomically(keptFile(), text));
        return writeStartFile("# A fence of Swingbridge holds this cluster.\n" + std::string(maskWord) + "\n");
    }
    Result<void> unmask(const Context& context) override {
        if (!isMasked(context)) return {};
        // Without a record the administrator disabled it, and it stays so.
        if (!fileExists(keptFile()))
            return fail(ErrorCode::GuardRefused, startFile() + " says disabled, and not by Swingbridge",
                        "Change start.conf of the cluster to auto or manual.");
        const std::string former = TRY(readFile(keptFile(), startFileBytesMax));
        TRY_VOID(writeStartFile(former));
        return removeFile(keptFile());
    }
    bool isRunning(const Context&) override { return findPostmaster(server_.service.data).has_value(); }
    bool isMasked(const Context&) override { return startWord().value_or("") == maskWord; }

  private:
    static constexpr std::string_view maskWord = "disabled";
    static constexpr size_t startFileBytesMax = 64 << 10;
    std::string startFile() const { return clusterConfigurationDirectory(server_.service) + "/start.conf"; }
    std::string keptFile() const { return server_.stateDirectory + "/start.conf"; }

    // The first word that is not a comment; a missing file means auto.
    Result<std::string> startWord() const {
        if (!fileExists(startFile())) return std::string("auto");
        const std::string text = TRY(readFile(startFile(), startFileBytesMax));
        size_t at = 0;
        while (at < text.size()) {
            const size_t end = std::min(text.find('\n', at), text.size());
            std::string line = text.substr(at, end - at);
            line.erase(std::min(line.find('#'), line.size()));
            const size_t first = line.find_first_not_of(" \t\r");
            if (first != std::string::npos) return line.substr(first, line.find_first_of(" \t\r", first) - first);
            at = end + 1;
        }
        return std::string("auto");
    }
    Result<void> writeStartFile(std::string_view text) const {
        const auto owner = TRY(ownerOf(clusterConfigurationDirectory(server_.service)));
        return writeFileAs(owner, startFile(), text, 0644);
    }
    Result<void> control(const std::string& action, const Context& context) const {
        ProgramCall call;
        call.argv = {"pg_ctlcluster", server_.service.version, server_.service.unit, action};
        // As root pg_ctlcluster goes through systemd where that runs; otherwise it is the cluster's owner's business.
        if (!directoryExists("/run/systemd/system")) {
            call.argv.insert(call.argv.begin() + 1, "--skip-systemctl-redirect");
            call.user = server_.user;
        }
        if (const char* root = std::getenv("PG_CLUSTER_CONF_ROOT")) call.environment["PG_CLUSTER_CONF_ROOT"] = root;
        auto outcome = runProgram(call, context);
        if (!outcome) return fail(outcome.error());
        constexpr int alreadyRunning = 2;
        if (outcome->succeeded() || outcome->exitCode == alreadyRunning) return {};
        return fail(ErrorCode::CommandFailed, "pg_ctlcluster " + action + " " + server_.service.version + " " +
                                                  server_.service.unit + " failed: " + outcome->errors +
                                                  outcome->output);
    }
    ManagedServer server_;
};

}  // namespace

std::string clusterConfigurationDirectory(const ServiceSpec& service) {
    const char* root = std::getenv("PG_CLUSTER_CONF_ROOT");
    return std::string(root ? root : "/etc/postgresql") + "/" + service.version + "/" + service.unit;
}

std::unique_ptr<ServiceManager> makeServiceManager(const ManagedServer& server) {
    switch (server.service.manage) {
        case Manage::direct:
            return makeDirectManager(directService(server));
        case Manage::pg_ctlcluster:
            return std::make_unique<ClusterManager>(server);
        case Manage::systemd:
            break;
    }
    return makeSystemdManager(server.service.unit);
}

std::optional<ProcessIdentity> findPostmaster(const std::string& dataDirectory) {
    const auto text = readFile(dataDirectory + "/postmaster.pid", 4096);
    if (!text) return std::nullopt;
    // Lines: pid, data directory, start time, …
    pid_t pid = 0;
    std::from_chars(text->data(), text->data() + text->size(), pid);
    size_t line = 0;
    for (int skipped = 0; skipped < 2 && line != std::string::npos; ++skipped) {
        line = text->find('\n', line);
        if (line != std::string::npos) ++line;
    }
    const auto process = processIdentity(pid);
    if (!process || line == std::string::npos) return std::nullopt;
    int64_t started = 0;
    std::from_chars(text->data() + line, text->data() + text->size(), started);
    // The working directory is the stronger sign; the start time remains when it may not be looked at.
    struct stat data {
    }, working{};
    if (::stat(dataDirectory.c_str(), &data) != 0) return std::nullopt;
    if (::stat(("/proc/" + std::to_string(pid) + "/cwd").c_str(), &working) == 0) {
        if (data.st_dev != working.st_dev || data.st_ino != working.st_ino) return std::nullopt;
        return process;
    }
    constexpr int64_t startSlackSeconds = 5;
    if (std::llabs(started - startedAtSeconds(*process)) > startSlackSeconds) return std::nullopt;
    return process;
}

}  // namespace swb::driver::postgresql
