#include "driver/redis/managers.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "driver/redis/dialect.h"
#include "driver/support/direct_manager.h"
#include "driver/support/files.h"

namespace swb::driver::redis {

namespace {

DetachedProgram programOf(const ManagedServer& server) {
    DetachedProgram program;
    program.argv = {server.program, server.configFile};
    program.user = server.user;
    program.directory = server.service.data;
    program.logFile = server.logFile;
    return program;
}

DirectService directService(const ManagedServer& server) {
    DirectService direct;
    direct.data = server.service.data;
    direct.stateDirectory = server.stateDirectory;
    direct.stopHint = "It does not stop while its snapshot cannot be written: see its log.";
    direct.stopSignal = SIGTERM;  // saves what the configuration says is to be saved, as SHUTDOWN does
    direct.find = [data = server.service.data] { return findServer(data); };
    direct.program = [server] { return programOf(server); };
    return direct;
}

std::string nameOfProcess(pid_t pid) {
    auto name = readFile("/proc/" + std::to_string(pid) + "/comm", 256).value_or("");
    while (!name.empty() && name.back() == '\n') name.pop_back();
    return name;
}

}  // namespace

Result<std::unique_ptr<ServiceManager>> makeServiceManager(const ManagedServer& server) {
    switch (server.service.manage) {
        case Manage::direct:
            return makeDirectManager(directService(server));
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
