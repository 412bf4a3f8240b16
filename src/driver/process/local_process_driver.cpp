#include "driver/process/local_process_driver.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/file.h"
#include "base/ids.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "driver/process/launch.h"
#include "driver/process/log_file.h"
#include "driver/process/session.h"
#include "driver/support/http_probe.h"
#include "driver/support/os_user.h"

namespace swb::driver {
namespace {

constexpr int64_t inspectHealthMs = 250;  // an inspection is part of a sample taken every second
constexpr int64_t healthRequestMs = 1000;
constexpr int64_t steadyMs = 200;  // without a health URL: up for so long counts as healthy
constexpr int64_t silentMs = 300;  // what is healthy so soon needs no words
constexpr int64_t killMs = 2000;   // the kernel's part of ending what was sent SIGKILL

struct Paths {
    std::string directory, environment, ownEnvironment, record, log;

    Paths(std::string_view application, std::string_view process, const Context& context) {
        directory = context.stateDirectory + "/" + std::string(application);
        environment = directory + "/environment";
        ownEnvironment = directory + "/" + std::string(process) + ".environment";
        record = directory + "/" + std::string(process) + ".json";
        log = directory + "/" + std::string(process) + ".log";
    }
};

struct Record {
    ProcessIdentity process;
    std::string boot;  // start times count from the boot: another boot's record means nothing
    std::string environmentHash, commandHash;
    int64_t startedAt = 0;  // UnixMs
};

std::string currentBoot() {
    static const std::string boot = readFile("/proc/sys/kernel/random/boot_id", 64).value_or("");
    return boot;
}

Record readRecord(const Paths& paths) {
    Record record;
    const auto text = readFile(paths.record, 64 << 10);
    const auto json = text ? parseJson(*text) : Result<Json>(Json{});
    if (!json) return record;
    record.process.pid = static_cast<pid_t>(integerAt(*json, "pid"));
    record.process.startTicks = static_cast<uint64_t>(integerAt(*json, "startTicks"));
    record.boot = textAt(*json, "boot");
    record.environmentHash = textAt(*json, "environmentHash");
    record.commandHash = textAt(*json, "commandHash");
    record.startedAt = integerAt(*json, "startedAt");
    return record;
}

Result<void> writeRecord(const Paths& paths, const Record& record) {
    const Json json = JsonObject{{"pid", record.process.pid},
                                 {"startTicks", static_cast<int64_t>(record.process.startTicks)},
                                 {"boot", record.boot},
                                 {"environmentHash", record.environmentHash},
                                 {"commandHash", record.commandHash},
                                 {"startedAt", record.startedAt}};
    return writeFileAtomically(paths.record, toPrettyText(json), 0600);
}

bool runs(const Record& record) {
    return record.process.pid > 0 && record.boot == currentBoot() && isAlive(record.process);
}

// What SIGHUP cannot bring to a running process: its command, and the variables that are not in the file.
std::string commandHash(const ProcessSpec& spec) {
    std::string text = spec.directory;
    for (const std::string& word : spec.command) (text += '\0') += word;
    if (!spec.runAs.empty()) (text += std::string_view("\0user\0", 6)) += spec.runAs;
    return crypto::sha256Hex(text + '\0' + environmentHash(spec.environment));
}

const std::string& ownUserName() {
    static const std::string name = currentOsUser().map([](const OsUser& user) { return user.name; }).value_or("");
    return name;
}

// Whom the process must become; nothing when it runs as this program's own user.
Result<std::optional<OsUser>> userOf(const ProcessSpec& spec) {
    if (spec.runAs.empty()) return std::optional<OsUser>();
    OsUser user = TRY(osUserByName(spec.runAs));
    if (user.uid == ::geteuid()) return std::optional<OsUser>();
    if (::geteuid() != 0)
        return fail(ErrorCode::Unsupported,
                    "process " + spec.name + " is to run as " + spec.runAs + ", but this agent is not root but " +
                        ownUserName(),
                    "run the agent as root or as " + spec.runAs + ", or leave run_as out");
    return std::optional<OsUser>(std::move(user));
}

// The application's environment file is the agent's own. A process that is another user reads a copy that is its own.
Result<void> giveEnvironment(const Paths& paths, const OsUser& user, const Environment& environment) {
    const std::string fresh = paths.ownEnvironment + ".new";
    // The way there is open to it; the files beside it are not.
    for (const std::string& path : {paths.directory, paths.directory.substr(0, paths.directory.rfind('/'))})
        if (::chmod(path.c_str(), 0711) != 0)
            return fail(ErrorCode::StorageFailed, "cannot open " + path + " to " + user.name);
    TRY_VOID(writeFileAtomically(fresh, renderEnvironmentFile(environment), 0400));
    if (::chown(fresh.c_str(), user.uid, user.gid) == 0 && ::rename(fresh.c_str(), paths.ownEnvironment.c_str()) == 0)
        return {};
    return fail(ErrorCode::StorageFailed,
                "cannot give " + paths.ownEnvironment + " to " + user.name + ": " + std::strerror(errno));
}

ProcessState stateOf(const ProcessSpec& spec, const Record& record) {
    ProcessState state;
    state.name = spec.name;
    state.running = runs(record);
    state.pid = state.running ? record.process.pid : 0;
    state.environmentHash = record.environmentHash;
    state.user = spec.runAs.empty() ? ownUserName() : spec.runAs;
    return state;
}

// Why it does not run, from what is known: the log's end says most.
std::string downSentence(const Record& record, const Paths& paths) {
    if (record.process.pid == 0) return "it was never started";
    const std::string ended = howItEnded(record.process), tail = logTail(paths.log);
    return (ended.empty() ? "it does not run" : "it " + ended) + (tail.empty() ? "" : "; its log ends: " + tail);
}

struct Health {
    bool healthy = false;
    std::string problem;
};

Health healthOf(HttpProbe& client, const ProcessSpec& spec, const Record& record, int64_t timeoutMs) {
    if (spec.health.empty()) {
        const bool steady = SystemClock().now() - record.startedAt >= steadyMs;
        return {steady, steady ? "" : "it has only just been started"};
    }
    const HttpAnswer answer = client.get({spec.health, {}, {}, timeoutMs});
    if (answer.successful()) return {true, ""};
    return {false, spec.health + (answer.status ? " answers " + std::to_string(answer.status)
                                                : " does not answer: " + answer.error)};
}

// The same words while it is waited for and when it is given up.
std::string waitingSentence(const ProcessSpec& spec, const std::string& problem, UnixMs since) {
    return "process " + spec.name + " is not healthy: " + problem + ", waited for since " + isoTime(since);
}

Result<void> checkNames(std::string_view application, const ProcessSpec& spec, const Environment& environment) {
    TRY(checkedName("application", application));
    TRY(checkedName("process", spec.name));
    if (spec.command.empty() || spec.command.front().empty())
        return fail(ErrorCode::InvalidDefinition, "process " + spec.name + " has no command");
    TRY_VOID(checkEnvironment(environment));
    return checkEnvironment(spec.environment);
}

Result<ProcessState> start(const Paths& paths, const ProcessSpec& spec, const Environment& environment) {
    const std::optional<OsUser> user = TRY(userOf(spec));
    TRY_VOID(makeDirectories(paths.directory));
    if (user) TRY_VOID(giveEnvironment(paths, *user, environment));
    Environment own = spec.environment;
    if (user)
        for (const auto& [name, value] : {std::pair{"HOME", user->home}, {"USER", user->name}, {"LOGNAME", user->name}})
            own.try_emplace(name, environment.count(name) ? environment.at(name) : value);
    TRY_VOID(limitLog(paths.log));
    Record record{{}, currentBoot(), environmentHash(environment), commandHash(spec), SystemClock().now()};
    const Launch what{spec.command, spec.directory.empty() ? "/" : spec.directory,
                      processEnvironment(environment, own, user ? paths.ownEnvironment : paths.environment), paths.log,
                      user};
    record.process = TRY(launch(what, [&](const ProcessIdentity& process) {
        record.process = process;
        return writeRecord(paths, record);
    }));
    logInfo("process", "started {} as pid {}", spec.name, record.process.pid);
    return stateOf(spec, record);
}

Result<void> end(const Paths& paths, const ProcessSpec& spec, const Record& record, const Context& context) {
    if (record.process.pid == 0 || record.boot != currentBoot()) return {};
    // The leader may be gone while helpers of its session are left: they belong to the process.
    const MonotonicMs limit = std::min(context.deadline, SystemClock().monotonic() + spec.stopMs + killMs);
    if (!endSession(record.process, spec.stopSignal, spec.stopMs, limit))
        return fail(ErrorCode::DeadlineExceeded, "process " + spec.name + " did not end",
                    "see " + paths.log + "; give it more time by stop_ms");
    return {};
}

}  // namespace

std::shared_ptr<std::mutex> LocalProcessDriver::lockFor(const std::string& record) {
    const std::scoped_lock lock(mutex_);
    auto& entry = locks_[record];
    if (!entry) entry = std::make_shared<std::mutex>();
    return entry;
}

Result<std::string> LocalProcessDriver::writeEnvironment(std::string_view application, const Environment& environment,
                                                         const Context& context) {
    TRY(checkedName("application", application));
    TRY_VOID(checkEnvironment(environment));
    const Paths paths(application, "", context);
    TRY_VOID(makeDirectories(paths.directory));
    TRY_VOID(writeFileAtomically(paths.environment, renderEnvironmentFile(environment), 0600));
    return paths.environment;
}

Result<ProcessState> LocalProcessDriver::apply(std::string_view application, const ProcessSpec& spec,
                                               const Environment& environment, const Context& context) {
    TRY_VOID(checkNames(application, spec, environment));
    const Paths paths(application, spec.name, context);
    const auto mutex = lockFor(paths.record);
    const std::scoped_lock lock(*mutex);
    Record record = readRecord(paths);
    if (!runs(record)) {
        // Helpers that a crashed process left behind would hold its port.
        TRY_VOID(end(paths, spec, record, context));
        return start(paths, spec, environment);
    }
    const bool otherCommand = record.commandHash != commandHash(spec);
    const bool otherEnvironment = record.environmentHash != environmentHash(environment);
    if (otherCommand || (otherEnvironment && spec.onChange == OnChange::restart)) {
        TRY_VOID(end(paths, spec, record, context));
        return start(paths, spec, environment);
    }
    if (otherEnvironment && spec.onChange == OnChange::reload) {
        if (const auto user = TRY(userOf(spec))) TRY_VOID(giveEnvironment(paths, *user, environment));
        if (!sendSignal(record.process, SIGHUP)) return start(paths, spec, environment);  // it ended this moment
        record.environmentHash = environmentHash(environment);
        TRY_VOID(writeRecord(paths, record));
    }
    return stateOf(spec, record);
}

Result<ProcessState> LocalProcessDriver::restart(std::string_view application, const ProcessSpec& spec,
                                                 const Environment& environment, const Context& context) {
    TRY_VOID(checkNames(application, spec, environment));
    const Paths paths(application, spec.name, context);
    const auto mutex = lockFor(paths.record);
    const std::scoped_lock lock(*mutex);
    TRY_VOID(end(paths, spec, readRecord(paths), context));
    return start(paths, spec, environment);
}

Result<ProcessState> LocalProcessDriver::stop(std::string_view application, const ProcessSpec& spec,
                                              const Context& context) {
    TRY(checkedName("application", application));
    TRY(checkedName("process", spec.name));
    const Paths paths(application, spec.name, context);
    const auto mutex = lockFor(paths.record);
    const std::scoped_lock lock(*mutex);
    const Record record = readRecord(paths);
    TRY_VOID(end(paths, spec, record, context));
    return stateOf(spec, record);
}

ProcessState LocalProcessDriver::inspect(std::string_view application, const ProcessSpec& spec,
                                         const Context& context) {
    const Paths paths(application, spec.name, context);
    if (const auto limited = limitLog(paths.log); !limited) logWarning("process", "{}", limited.error().message);
    const Record record = readRecord(paths);
    ProcessState state = stateOf(spec, record);
    if (!state.running) {
        state.error = downSentence(record, paths);
        return state;
    }
    HttpProbe client;
    const Health health = healthOf(client, spec, record, inspectHealthMs);
    state.healthy = health.healthy;
    state.error = health.problem;
    return state;
}

Result<ProcessState> LocalProcessDriver::awaitHealthy(std::string_view application, const ProcessSpec& spec,
                                                      const Context& context) {
    const Paths paths(application, spec.name, context);
    HttpProbe client;
    const UnixMs since = SystemClock().now();
    std::string problem;
    for (int64_t pauseMs = 5;; pauseMs = std::min<int64_t>(pauseMs * 2, 100)) {
        const Record record = readRecord(paths);
        ProcessState state = stateOf(spec, record);
        if (!state.running)
            return fail(ErrorCode::CommandFailed, "process " + spec.name + " is down: " + downSentence(record, paths),
                        "see " + paths.log);
        // A last request with no time for an answer would only hide what the one before said.
        const int64_t left = context.remainingMs();
        if ((left <= pauseMs && !problem.empty()) || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded, waitingSentence(spec, problem, since), "see " + paths.log);
        const Health health = healthOf(client, spec, record, std::clamp<int64_t>(left, 1, healthRequestMs));
        state.healthy = health.healthy;
        // It may have ended while it was asked, and another process may have answered on its port.
        if (health.healthy && isAlive(record.process)) return state;
        problem = health.healthy ? "it ended" : health.problem;
        if (SystemClock().now() - since >= silentMs) context.progress(0, 0, waitingSentence(spec, problem, since));
        std::this_thread::sleep_for(std::chrono::milliseconds(pauseMs));
    }
}

std::unique_ptr<ProcessDriver> makeProcessDriver() {
    return std::make_unique<LocalProcessDriver>();
}

}  // namespace swb::driver
