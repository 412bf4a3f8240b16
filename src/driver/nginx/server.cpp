#include "driver/nginx/server.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "driver/nginx/site.h"
#include "driver/support/files.h"
#include "driver/support/os_user.h"
#include "driver/support/program.h"

namespace swb::driver::nginx {
namespace {

constexpr size_t dumpBytesMax = 32 << 20;

pid_t pidIn(const std::string& file) {
    const auto text = readFile(file, 64);
    if (!text) return 0;
    pid_t pid = 0;
    std::from_chars(text->data(), text->data() + text->size(), pid);
    return pid;
}

// Fields of /proc/PID/stat that the search for orphans needs.
struct ProcessLine {
    std::string command;
    pid_t session = 0;
};

std::optional<ProcessLine> processLine(const std::string& pid) {
    const auto text = readFile("/proc/" + pid + "/stat", 4096);
    if (!text) return std::nullopt;
    const size_t open = text->find('('), close = text->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
    ProcessLine line{text->substr(open + 1, close - open - 1), 0};
    size_t at = close + 2;  // state, then parent, group, session
    for (int field = 0; field < 3; ++field) {
        at = text->find(' ', at);
        if (at == std::string::npos) return std::nullopt;
        ++at;
    }
    std::from_chars(text->data() + at, text->data() + text->size(), line.session);
    return line;
}

// nginx says "nginx: [emerg] …" and "nginx: configuration file … test failed"; the first is the reason.
std::string reasonIn(const std::string& errors) {
    size_t at = errors.find("[emerg]");
    if (at == std::string::npos) at = errors.find("[alert]");
    if (at == std::string::npos) return errors.substr(0, 500);
    return errors.substr(at, std::min<size_t>(errors.find('\n', at) - at, 500));
}

// A directory in which nginx's workers, another user than ours when we are root, look for files.
Result<void> makeReadable(const std::string& path) {
    if (directoryExists(path)) return {};
    TRY_VOID(makeDirectories(path, 0755));
    ::chmod(path.c_str(), 0755);  // whatever our umask says
    return {};
}

bool maySearch(const OsUser& user, const struct stat& status) {
    if (user.uid == 0) return true;
    if (status.st_uid == user.uid) return status.st_mode & S_IXUSR;
    const bool member = status.st_gid == user.gid ||
                        std::find(user.groups.begin(), user.groups.end(), status.st_gid) != user.groups.end();
    return status.st_mode & (member ? S_IXGRP : S_IXOTH);
}

std::string configuredUser(const std::string& dump) {
    size_t start = 0;
    while (start < dump.size()) {
        const size_t end = std::min(dump.find('\n', start), dump.size());
        std::string_view line(dump.data() + start, end - start);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (line.starts_with("user ") || line.starts_with("user\t")) {
            line.remove_prefix(5);
            line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
            return std::string(line.substr(0, line.find_first_of(" \t;")));
        }
        start = end + 1;
    }
    return {};
}

}  // namespace

Server::Server(Layout layout) : layout_(std::move(layout)) {
    if (!layout_.direct) systemd_ = makeSystemdManager(layout_.unit);
}

Result<std::string> Server::workerUser() const {
    if (::geteuid() != 0) return std::string();
    if (!layout_.runAs.empty()) return TRY(osUserByName(layout_.runAs)).name;
    for (const char* name : {"www-data", "nginx"})
        if (osUserByName(name)) return std::string(name);
    return std::string("nobody");
}

Result<void> Server::prepareFiles() const {
    TRY_VOID(makeReadable(layout_.dataDirectory));
    if (!layout_.direct) return {};
    TRY_VOID(makeReadable(layout_.directory));
    TRY_VOID(makeReadable(layout_.siteDirectory));
    if (fileExists(layout_.mainConfig)) return {};
    TRY_VOID(makeReadable(layout_.directory + "/temp"));
    return writeFileAtomically(layout_.mainConfig, renderMain(layout_, TRY(workerUser())), 0644);
}

Result<Tested> Server::testConfiguration(const Context& context) const {
    ProgramCall call;
    call.argv = {layout_.program, "-T"};
    if (layout_.direct) call.argv.insert(call.argv.end(), {"-p", layout_.directory, "-c", layout_.mainConfig});
    call.outputBytesMax = dumpBytesMax;
    ProgramOutcome outcome = TRY(runProgram(call, context));
    if (!outcome.succeeded())
        return fail(ErrorCode::CommandFailed, "nginx refuses the configuration: " + reasonIn(outcome.errors),
                    "correct the definition, or nginx's other configuration files, and try again");
    return Tested{std::move(outcome.output), std::move(outcome.errors)};
}

std::optional<ProcessIdentity> Server::master() const {
    const pid_t pid = pidIn(layout_.pidFile());
    const auto identity = processIdentity(pid);
    if (!identity) return std::nullopt;
    // The pid may have become another's: nginx's title holds its arguments.
    const auto title = readFile("/proc/" + std::to_string(pid) + "/cmdline", 64 << 10);
    if (!title || !title->starts_with("nginx: master process") || title->find(layout_.mainConfig) == std::string::npos)
        return std::nullopt;
    return identity;
}

bool Server::isRunning(const Context& context) const {
    return layout_.direct ? master().has_value() : systemd_->isRunning(context);
}

Result<void> Server::endOrphans(const Context& context) const {
    const pid_t session = pidIn(layout_.pidFile());
    if (session <= 0) return {};
    // A session's number is not given to a new process while the session has members, so what is found here was
    // started by the master that is gone, unless the leader's number lives: then it is somebody else's session.
    if (processIdentity(session)) return {};
    std::vector<ProcessIdentity> orphans;
    for (const std::string& entry : directoryEntries("/proc")) {
        if (entry.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto line = processLine(entry);
        if (!line || line->session != session || line->command != "nginx") continue;
        if (const auto identity = processIdentity(std::stoi(entry))) orphans.push_back(*identity);
    }
    const MonotonicMs now = SystemClock().monotonic();
    for (const int signalNumber : {SIGTERM, SIGKILL}) {
        for (const ProcessIdentity& orphan : orphans) sendSignal(orphan, signalNumber);
        const MonotonicMs limit = std::min(context.deadline, now + (signalNumber == SIGTERM ? 2000 : 4000));
        bool gone = true;
        for (const ProcessIdentity& orphan : orphans) gone = awaitExit(orphan, limit) && gone;
        if (gone) return {};
    }
    return fail(ErrorCode::DeadlineExceeded, "workers of an nginx that was killed do not end",
                "end the processes of session " + std::to_string(session));
}

Result<bool> Server::start(const Context& context) const {
    if (isRunning(context)) return false;
    if (!layout_.direct) {
        TRY_VOID(systemd_->start(context));
        return true;
    }
    TRY_VOID(endOrphans(context));
    ProgramCall call;
    call.argv = {layout_.program, "-p", layout_.directory, "-c", layout_.mainConfig};
    const ProgramOutcome outcome = TRY(runProgram(call, context));
    if (!outcome.succeeded())
        return fail(ErrorCode::CommandFailed, "nginx does not start: " + reasonIn(outcome.errors),
                    "see error.log beside " + layout_.mainConfig);
    // The starter ends before the daemon has written its pid.
    while (!master()) {
        if (context.remainingMs() == 0 || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded, "nginx was started but wrote no pid to " + layout_.pidFile(),
                        "the main configuration needs: pid \"" + layout_.pidFile() + "\";");
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

Result<void> Server::reload(const Context& context) const {
    if (!layout_.direct) return systemd_->reload(context);
    const auto process = master();
    if (!process || !sendSignal(*process, SIGHUP))
        return fail(ErrorCode::CommandFailed, "nginx does not run, so it cannot be reloaded",
                    "try again: it is started");
    return {};
}

Result<void> Server::stop(const Context& context) const {
    if (!layout_.direct) return systemd_->stop(context);
    if (const auto process = master()) {
        sendSignal(*process, SIGTERM);
        const MonotonicMs soon = std::min(context.deadline, SystemClock().monotonic() + 5000);
        if (!awaitExit(*process, soon)) {
            sendSignal(*process, SIGKILL);
            awaitExit(*process, context.deadline);
        }
    }
    return endOrphans(context);
}

Result<void> checkReadable(const std::string& configurationDump, const std::string& directory) {
    if (::geteuid() != 0) return {};  // the workers are the user we are
    const std::string configured = configuredUser(configurationDump);
    const auto user = osUserByName(configured.empty() ? "nobody" : configured);
    if (!user) return {};
    std::error_code failure;
    const auto real = std::filesystem::weakly_canonical(directory, failure);
    for (std::filesystem::path path = real; !path.empty(); path = path.parent_path()) {
        struct stat status {};
        if (::stat(path.c_str(), &status) == 0 && !maySearch(*user, status))
            return fail(ErrorCode::NotReady,
                        "nginx's workers (user " + user->name + ") cannot look into " + path.string() +
                            ", so they could not see the maintenance flag",
                        "chmod o+x " + path.string() + ", or place the web front's data elsewhere");
        if (path == path.root_path()) break;
    }
    return {};
}

bool includes(const std::string& configurationDump, const std::string& file) {
    constexpr std::string_view mark = "# configuration file ";
    std::error_code failure;
    const auto wanted = std::filesystem::weakly_canonical(file, failure);
    for (size_t at = configurationDump.find(mark); at != std::string::npos; at = configurationDump.find(mark, at + 1)) {
        const size_t start = at + mark.size(), end = configurationDump.find(":\n", start);
        if (end == std::string::npos) return false;
        const std::string name = configurationDump.substr(start, end - start);
        if (name == file || std::filesystem::weakly_canonical(name, failure) == wanted) return true;
    }
    return false;
}

}  // namespace swb::driver::nginx
