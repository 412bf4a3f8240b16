#include "lab/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "driver/support/program.h"
#include "lab/addresses.h"
#include "lab/lab_processes.h"
#include "lab/state.h"

namespace swb::lab {
namespace {

constexpr int64_t lookMs = 50;
constexpr int64_t quickDeathMs = 1000;  // one that died sooner after its start is started again more slowly
constexpr int64_t slowestRestartMs = 1000;

std::string factsFile(const std::string& directory) {
    return directory + "/supervisor.json";
}

struct Program {
    std::string name;
    std::string readyFile;  // started once this is there
    std::vector<std::string> argv;
    pid_t pid = 0;
    int64_t starts = 0, quickDeaths = 0;
    MonotonicMs startedAt = 0, nextStart = 0;
};

class Supervisor {
  public:
    explicit Supervisor(const World& world) : world_(world) {
        const std::string& controller = world.controllerDirectory();
        programs_.push_back({"swingd",
                             controller + "/swingd.yaml",
                             {world.programs + "/swingd", "run", "--data", controller, "--ready-file",
                              world.directory + "/swingd.ready"}});
        for (const Site& site : world.sites)
            programs_.push_back(
                {"agent-" + site.server,
                 world.agentDirectory(site) + "/agent.json",
                 {world.programs + "/swing-agent", "run", "--data", world.agentDirectory(site), "--stop-ms", "2000"}});
    }

    void look() {
        reap();
        for (Program& program : programs_)
            if (program.pid == 0 && clock_.monotonic() >= program.nextStart && mayStart(program)) start(program);
        if (changed_) writeFacts();
    }

    // Everything that ended below us; programs of ours are noted.
    void reap() {
        int status = 0;
        for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
            for (Program& program : programs_)
                if (program.pid == pid) ended(program, status);
    }

  private:
    bool mayStart(const Program& program) const {
        return fileExists(program.readyFile) && !fileExists(holdFile(world_.directory, program.name));
    }

    void start(Program& program) {
        driver::DetachedProgram what;
        what.argv = program.argv;
        what.logFile = world_.logDirectory() + "/" + program.name + ".log";
        what.environment =
            parseEnvironment(readFile(environmentFile(world_.directory, program.name), 64 << 10).value_or(""));
        const auto pid = driver::spawnDetached(what);
        program.startedAt = clock_.monotonic();
        if (!pid) {
            logError("lab", "{} cannot be started: {}", program.name, describe(pid.error()));
            program.nextStart = program.startedAt + slowestRestartMs;
            return;
        }
        program.pid = *pid;
        ++program.starts;
        changed_ = true;
        logInfo("lab", "{} started with pid {}", program.name, *pid);
    }

    void ended(Program& program, int status) {
        const MonotonicMs now = clock_.monotonic();
        program.quickDeaths = now - program.startedAt < quickDeathMs ? program.quickDeaths + 1 : 0;
        const int64_t pause = std::min(slowestRestartMs, (program.quickDeaths - 1) * 100);
        program.nextStart = now + std::max<int64_t>(0, pause);
        logWarning("lab", "{} with pid {} ended ({} {})", program.name, program.pid,
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        program.pid = 0;
        changed_ = true;
    }

    void writeFacts() {
        const auto self = driver::processIdentity(::getpid());
        JsonObject programs, restarts;
        for (const Program& program : programs_) {
            if (program.pid != 0) programs[program.name] = program.pid;
            restarts[program.name] = std::max<int64_t>(0, program.starts - 1);
        }
        const JsonObject facts{{"pid", ::getpid()},
                               {"startTicks", self ? self->startTicks : 0},
                               {"programs", std::move(programs)},
                               {"restarts", std::move(restarts)}};
        if (auto written = writeFileAtomically(factsFile(world_.directory), toText(facts)); !written)
            logError("lab", "{}", describe(written.error()));
        else
            changed_ = false;
    }

    const World world_;
    const SystemClock clock_;
    std::vector<Program> programs_;
    bool changed_ = true;
};

bool sameOwner(pid_t pid, const std::string& directory) {
    struct stat process {
    }, lab{};
    return ::stat(("/proc/" + std::to_string(pid)).c_str(), &process) == 0 && ::stat(directory.c_str(), &lab) == 0 &&
           process.st_uid == lab.st_uid;
}

sigset_t blockedSignals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGTERM, SIGINT, SIGCHLD, SIGHUP}) ::sigaddset(&signals, number);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

}  // namespace

Result<void> supervise(const std::string& directory) {
    setUpLogging("lab", LogLevel::info);
    const sigset_t signals = blockedSignals();
    const World world = TRY(loadWorld(directory));
    const Fd claim = TRY(joinClaim(world));
    if (findSupervisor(directory)) return fail(ErrorCode::AlreadyExists, "a supervisor runs in " + directory);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Supervisor supervisor(world);
    for (bool stop = false; !stop;) {
        supervisor.look();
        const timespec wait{0, lookMs * 1'000'000};
        const int number = ::sigtimedwait(&signals, nullptr, &wait);
        stop = number == SIGTERM || number == SIGINT;
    }
    logInfo("lab", "told to stop: everything is ended");
    const bool ended = endProcesses(ownDirectories(world), [&supervisor] { supervisor.reap(); });
    return ended ? Result<void>() : fail(ErrorCode::DeadlineExceeded, "processes of the lab do not end");
}

Result<void> startSupervisor(const World& world) {
    driver::DetachedProgram what;
    what.argv = {world.programs + "/swing", "lab", "supervise", "--dir", world.directory};
    what.logFile = world.logDirectory() + "/supervisor.log";
    TRY(driver::spawnDetached(what));
    const SystemClock clock;
    for (const MonotonicMs deadline = clock.monotonic() + 5000; clock.monotonic() < deadline;) {
        if (findSupervisor(world.directory)) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return fail(ErrorCode::DeadlineExceeded, "the supervisor does not start", "see " + what.logFile);
}

std::optional<SupervisorFacts> findSupervisor(const std::string& directory) {
    const auto text = readFile(factsFile(directory), 64 << 10);
    const auto value = text ? parseJson(*text) : Result<Json>(fail(text.error()));
    if (!value) return std::nullopt;
    SupervisorFacts facts;
    facts.identity = {static_cast<pid_t>(integerAt(*value, "pid")),
                      static_cast<uint64_t>(integerAt(*value, "startTicks"))};
    // Root believes the file only as far as its owner could have signalled that process too.
    if (facts.identity.pid <= 0 || !driver::isAlive(facts.identity) || !sameOwner(facts.identity.pid, directory))
        return std::nullopt;
    for (const auto& [member, numbers] : {std::pair{"programs", false}, {"restarts", true}})
        if (const Json* object = memberAt(*value, member); object && object->is_object())
            for (const auto& [name, number] : object->as_object()) {
                if (!number.is_int64()) continue;
                if (numbers)
                    facts.restarts[std::string(name)] = number.as_int64();
                else
                    facts.programs[std::string(name)] = static_cast<pid_t>(number.as_int64());
            }
    return facts;
}

Result<void> hold(const World& world, const std::string& program) {
    return writeFileAtomically(holdFile(world.directory, program), "");
}
Result<void> release(const World& world, const std::string& program) {
    return removeFile(holdFile(world.directory, program));
}

std::map<std::string, std::string> parseEnvironment(std::string_view text) {
    std::map<std::string, std::string> out;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const size_t equals = line.find('=');
        if (equals == std::string_view::npos || equals == 0 || line.front() == '#') continue;
        out[std::string(line.substr(0, equals))] = std::string(line.substr(equals + 1));
    }
    return out;
}

}  // namespace swb::lab
