#include "driver/redis/managers.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "driver/redis/dialect.h"
#include "driver/support/files.h"
#include "driver/support/program.h"

namespace swb::driver::redis {

namespace {

class DirectManager final : public ServiceManager {
  public:
    explicit DirectManager(ManagedServer server) : server_(std::move(server)) {}

    Result<void> start(const Context& context) override {
        if (isMasked(context))
            return fail(ErrorCode::GuardRefused, "the server in " + server_.service.data + " is masked",
                        "It is unmasked by the run that masked it.");
        if (isRunning(context)) return {};
        DetachedProgram program;
        program.argv = {server_.program, server_.configFile};
        program.user = server_.user;
        program.directory = server_.service.data;
        program.logFile = server_.logFile;
        TRY_VOID(spawnDetached(program));
        return {};
    }
    // SIGTERM saves what the configuration says is to be saved, as SHUTDOWN does.
    Result<void> stop(const Context& context) override {
        const auto process = findServer(server_.service.data);
        if (!process) return {};
        sendSignal(*process, SIGTERM);
        if (!awaitExit(*process, context.deadline))
            return fail(ErrorCode::DeadlineExceeded, "the server in " + server_.service.data + " did not stop in time",
                        "It does not stop while its snapshot cannot be written: see its log.");
        return {};
    }
    Result<void> reload(const Context&) override { return {}; }  // settings are changed in the running server
    Result<void> mask(const Context&) override {
        if (fileExists(marker())) return {};
        return writeFileAtomically(marker(), "a fence holds this server\n");
    }
    Result<void> unmask(const Context&) override { return removeFile(marker()); }
    bool isRunning(const Context&) override { return findServer(server_.service.data).has_value(); }
    bool isMasked(const Context&) override { return fileExists(marker()); }

  private:
    std::string marker() const { return server_.stateDirectory + "/masked"; }
    ManagedServer server_;
};

std::string nameOfProcess(pid_t pid) {
    auto name = readFile("/proc/" + std::to_string(pid) + "/comm", 256).value_or("");
    while (!name.empty() && name.back() == '\n') name.pop_back();
    return name;
}

}  // namespace

Result<std::unique_ptr<ServiceManager>> makeServiceManager(const ManagedServer& server) {
    switch (server.service.manage) {
        case Manage::direct:
            return std::unique_ptr<ServiceManager>(std::make_unique<DirectManager>(server));
        case Manage::systemd:
            return makeSystemdManager(server.service.unit);
        case Manage::pg_ctlcluster:
            break;
    }
    return fail(ErrorCode::Unsupported, "pg_ctlcluster manages PostgreSQL only", "Use manage: systemd or direct.");
}

std::optional<ProcessIdentity> findServer(const std::string& dataDirectory) {
    struct stat data {};
    if (::stat(dataDirectory.c_str(), &data) != 0) return std::nullopt;
    std::vector<ProcessIdentity> found;
    for (const auto& entry : directoryEntries("/proc")) {
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), pid);
        if (error != std::errc() || end != entry.data() + entry.size()) continue;
        struct stat working {};
        if (::stat(("/proc/" + entry + "/cwd").c_str(), &working) != 0 || working.st_dev != data.st_dev ||
            working.st_ino != data.st_ino || !isServerProcessName(nameOfProcess(pid)))
            continue;
        if (const auto identity = processIdentity(pid)) found.push_back(*identity);
    }
    // The oldest is the parent of the others.
    const auto oldest = std::min_element(found.begin(), found.end(), [](const auto& left, const auto& right) {
        return left.startTicks != right.startTicks ? left.startTicks < right.startTicks : left.pid < right.pid;
    });
    return oldest != found.end() ? std::optional(*oldest) : std::nullopt;
}

}  // namespace swb::driver::redis
