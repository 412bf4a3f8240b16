#include "driver/mariadb/managers.h"

#include <signal.h>
#include <sys/stat.h>

#include <charconv>

#include "base/file.h"
#include "driver/support/direct_manager.h"
#include "driver/support/files.h"

namespace swb::driver::mariadb {

namespace {

DetachedProgram programOf(const ManagedServer& server) {
    DetachedProgram program;
    program.argv = {server.program};
    if (!server.service.config.empty())
        program.argv.push_back("--defaults-file=" + server.service.config);
    else if (fileExists(server.ownOptions))
        program.argv.push_back("--defaults-file=" + server.ownOptions);
    else
        program.argv.push_back("--no-defaults");
    program.argv.push_back("--datadir=" + server.service.data);
    program.argv.push_back("--pid-file=" + server.service.data + "/" + pidFileName);
    if (!server.service.socket.empty()) program.argv.push_back("--socket=" + server.service.socket);
    if (server.service.config.empty()) {
        program.argv.push_back("--port=" + std::to_string(server.address.port));
        program.argv.push_back("--bind-address=" + server.address.host);
    }
    program.user = server.user;
    program.logFile = server.logFile;
    return program;
}

pid_t pidIn(const std::string& path) {
    const auto text = readFile(path, 64);
    pid_t pid = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), pid);
    return pid;
}

// MySQL does not start while the process that its socket's lock names is listed, and one that was killed is until its
// parent has asked for it: in a container that may take long.
void forgetDeadHolder(const std::string& lock) {
    if (const pid_t pid = pidIn(lock); pid > 0 && !processIdentity(pid)) (void)removeFile(lock);
}

DirectService directService(const ManagedServer& server) {
    DirectService direct;
    direct.data = server.service.data;
    direct.stateDirectory = server.stateDirectory;
    direct.stopHint = "A large transaction that is rolled back can hold it; see its log.";
    direct.stopSignal = SIGTERM;
    direct.reloadSignal = SIGHUP;
    direct.find = [service = server.service] { return findServer(service.data, service.socket); };
    direct.program = [server] {
        if (!server.service.socket.empty()) forgetDeadHolder(server.service.socket + ".lock");
        return programOf(server);
    };
    return direct;
}

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
            return makeDirectManager(directService(server));
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
            const pid_t pid = pidIn(directory + "/" + name);
            const auto process = pid > 0 ? processIdentity(pid) : std::nullopt;
            if (process && worksIn(pid, dataDirectory)) return process;
        }
    // MySQL writes that file when it is ready: one that recovers after a crash has none for a while.
    for (const auto& process : processesWithArgument("--datadir=" + dataDirectory))
        if (worksIn(process.pid, dataDirectory)) return process;
    return std::nullopt;
}

}  // namespace swb::driver::mariadb
