#include "driver/mariadb/managers.h"

#include <signal.h>
#include <sys/stat.h>

#include <charconv>

#include "base/file.h"
#include "driver/support/files.h"
#include "driver/support/program.h"

namespace swb::driver::mariadb {

namespace {

class DirectManager final : public ServiceManager {
  public:
    explicit DirectManager(ManagedServer server) : server_(std::move(server)) {}

    Result<void> start(const Context& context) override {
        if (isMasked(context))
            return fail(ErrorCode::GuardRefused,
                        "the server in " + server_.service.data + " is masked: it is being replaced",
                        "It is unmasked by the verb that masked it; repeat that.");
        if (isRunning(context)) return {};
        DetachedProgram program;
        program.argv = {server_.program};
        if (!server_.service.config.empty())
            program.argv.push_back("--defaults-file=" + server_.service.config);
        else if (fileExists(server_.ownOptions))
            program.argv.push_back("--defaults-file=" + server_.ownOptions);
        else
            program.argv.push_back("--no-defaults");
        program.argv.push_back("--datadir=" + server_.service.data);
        program.argv.push_back("--pid-file=" + server_.service.data + "/" + pidFileName);
        if (!server_.service.socket.empty()) program.argv.push_back("--socket=" + server_.service.socket);
        if (server_.service.config.empty()) {
            program.argv.push_back("--port=" + std::to_string(server_.address.port));
            program.argv.push_back("--bind-address=" + server_.address.host);
        }
        program.user = server_.user;
        program.logFile = server_.logFile;
        TRY_VOID(spawnDetached(program));
        return {};
    }
    Result<void> stop(const Context& context) override {
        const auto server = find();
        if (!server) return {};
        sendSignal(*server, SIGTERM);
        if (!awaitExit(*server, context.deadline))
            return fail(ErrorCode::DeadlineExceeded, "the server in " + server_.service.data + " did not stop in time",
                        "A large transaction that is rolled back can hold it; see its log.");
        return {};
    }
    Result<void> reload(const Context&) override {
        const auto server = find();
        if (!server || !sendSignal(*server, SIGHUP))
            return fail(ErrorCode::DatabaseFailed, "the server in " + server_.service.data + " does not run");
        return {};
    }
    Result<void> mask(const Context&) override {
        if (fileExists(marker())) return {};
        return writeFileAtomically(marker(), "this server must not be started\n");
    }
    Result<void> unmask(const Context&) override { return removeFile(marker()); }
    bool isRunning(const Context&) override { return find().has_value(); }
    bool isMasked(const Context&) override { return fileExists(marker()); }

  private:
    std::string marker() const { return server_.stateDirectory + "/masked"; }
    std::optional<ProcessIdentity> find() const { return findServer(server_.service.data, server_.service.socket); }
    ManagedServer server_;
};

bool worksIn(pid_t pid, const std::string& directory) {
    struct stat data {
    }, working{};
    return ::stat(directory.c_str(), &data) == 0 &&
           ::stat(("/proc/" + std::to_string(pid) + "/cwd").c_str(), &working) == 0 && data.st_dev == working.st_dev &&
           data.st_ino == working.st_ino;
}

}  // namespace

Result<std::unique_ptr<ServiceManager>> makeServiceManager(const ManagedServer& server) {
    switch (server.service.manage) {
        case Manage::direct:
            return std::make_unique<DirectManager>(server);
        case Manage::systemd:
            return makeSystemdManager(server.service.unit);
        case Manage::pg_ctlcluster:
            break;
    }
    return fail(ErrorCode::InvalidDefinition, "pg_ctlcluster does not manage MariaDB",
                "service.manage of this database is direct or systemd.");
}

std::optional<ProcessIdentity> findServer(const std::string& dataDirectory, const std::string& socket) {
    std::vector<std::string> directories = {dataDirectory};
    if (const size_t slash = socket.rfind('/'); slash != std::string::npos && slash > 0)
        directories.push_back(socket.substr(0, slash));
    for (const auto& directory : directories)
        for (const auto& name : directoryEntries(directory)) {
            if (name.size() < 5 || name.substr(name.size() - 4) != ".pid") continue;
            const auto text = readFile(directory + "/" + name, 64);
            if (!text) continue;
            pid_t pid = 0;
            std::from_chars(text->data(), text->data() + text->size(), pid);
            const auto process = pid > 0 ? processIdentity(pid) : std::nullopt;
            if (process && worksIn(pid, dataDirectory)) return process;
        }
    return std::nullopt;
}

}  // namespace swb::driver::mariadb
