#include "driver/process/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "base/file_limit.h"

namespace swb::driver {
namespace {

struct Pipe {
    Fd readEnd, writeEnd;
};

// Above the standard descriptors, which the child replaces.
Fd raised(Fd low) {
    return low.valid() ? Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10)) : Fd();
}

Result<Pipe> makePipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fail(ErrorCode::CommandFailed, std::string("no pipe: ") + std::strerror(errno));
    Pipe pipe{raised(Fd(ends[0])), raised(Fd(ends[1]))};
    if (!pipe.readEnd.valid() || !pipe.writeEnd.valid()) return fail(ErrorCode::CommandFailed, "no descriptors left");
    return pipe;
}

// Everything the child needs, made before the fork: in the copy of a threaded program only system calls are safe.
struct Prepared {
    std::string path;
    std::vector<std::string> environmentText;
    std::vector<char*> argv, environment;
    const char* directory = nullptr;
    const OsUser* user = nullptr;
    rlim_t fileLimit = 0;  // 0: as it is
    int input = -1, log = -1, go = -1, failure = -1;
};

std::string pathOf(const Launch& what) {
    const std::string& name = what.command.front();
    if (name.find('/') != std::string::npos) return name;
    const auto variable = what.environment.find("PATH");
    std::string_view left = variable == what.environment.end() ? "/usr/bin:/bin" : std::string_view(variable->second);
    while (!left.empty()) {
        const size_t colon = left.find(':');
        const std::string candidate = std::string(left.substr(0, colon)) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        if (colon == std::string_view::npos) break;
        left.remove_prefix(colon + 1);
    }
    return {};
}

// For good: real, effective and saved ids, and no group of ours is left. System calls, because the C library's wrappers
// would wait for threads that are not in this copy.
bool becomeUser(const OsUser& user) {
    const gid_t* groups = user.groups.empty() ? &user.gid : user.groups.data();
    const size_t count = user.groups.empty() ? 1 : user.groups.size();
    return ::syscall(SYS_setgroups, count, groups) == 0 &&
           ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
           ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

// In the child; answers only when it failed.
int becomeCommand(const Prepared& prepared) {
    ::setsid();
    char go = 0;
    ssize_t got;
    do got = ::read(prepared.go, &go, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1) ::_exit(0);
    if (::dup2(prepared.input, 0) < 0 || ::dup2(prepared.log, 1) < 0 || ::dup2(prepared.log, 2) < 0) return errno;
    // Descriptors of ours that somebody forgot to mark: closed by exec, which must still be able to report.
    constexpr unsigned closeOnExec = 4;  // CLOSE_RANGE_CLOEXEC
    ::syscall(SYS_close_range, 3, ~0U, closeOnExec);
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // What we raised for ourselves is not for programs that may use select().
    if (rlimit limit{}; prepared.fileLimit && ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = prepared.fileLimit;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (prepared.user && !becomeUser(*prepared.user)) return errno;
    if (::chdir(prepared.directory) != 0) return errno;
    ::execve(prepared.path.c_str(), prepared.argv.data(), prepared.environment.data());
    return errno;
}

// How children ended. Bounded: what was asked for long ago is not asked again.
class Ends {
  public:
    void add(const ProcessIdentity& process, int status) {
        const std::scoped_lock lock(mutex_);
        ends_.emplace_back(process, status);
        if (ends_.size() > 256) ends_.pop_front();
    }
    std::string find(const ProcessIdentity& process) {
        const std::scoped_lock lock(mutex_);
        for (const auto& [known, status] : ends_) {
            if (!(known == process)) continue;
            if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
            return "ended with exit status " + std::to_string(WEXITSTATUS(status));
        }
        return {};
    }
    // Outlives the threads that use it, which outlive main().
    static Ends& instance() {
        static Ends* ends = new Ends;
        return *ends;
    }

  private:
    std::mutex mutex_;
    std::deque<std::pair<ProcessIdentity, int>> ends_;
};

// A thread of its own waits for each child: no zombie stays, and no SIGCHLD handling is imposed on the program.
void reap(ProcessIdentity process) {
    Ends& ends = Ends::instance();
    std::thread([process, &ends] {
        int status = 0;
        pid_t got;
        do got = ::waitpid(process.pid, &status, 0);
        while (got < 0 && errno == EINTR);
        if (got == process.pid) ends.add(process, status);
    }).detach();
}

tl::unexpected<Error> cannotStart(const Launch& what, int number) {
    return fail(ErrorCode::CommandFailed, what.command.front() + " cannot be started: " + std::strerror(number),
                "check the process's command and directory (" + what.directory + ")");
}

}  // namespace

Result<ProcessIdentity> launch(const Launch& what, const std::function<Result<void>(const ProcessIdentity&)>& record) {
    Prepared prepared;
    prepared.path = pathOf(what);
    if (prepared.path.empty()) return cannotStart(what, ENOENT);
    for (const std::string& word : what.command) prepared.argv.push_back(const_cast<char*>(word.c_str()));
    prepared.argv.push_back(nullptr);
    for (const auto& [name, value] : what.environment) prepared.environmentText.push_back(name + "=" + value);
    for (std::string& line : prepared.environmentText) prepared.environment.push_back(line.data());
    prepared.environment.push_back(nullptr);
    prepared.directory = what.directory.c_str();
    prepared.fileLimit = fileLimitAtStart();
    prepared.user = what.user ? &*what.user : nullptr;
    const Fd input = raised(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
    const Fd log = raised(Fd(::open(what.logFile.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)));
    if (!input.valid() || !log.valid())
        return fail(ErrorCode::StorageFailed, "cannot open " + what.logFile + ": " + std::strerror(errno));
    // One at a time: a child that inherited another child's pipe would keep that one waiting when we die.
    static std::mutex oneAtATime;
    const std::scoped_lock lock(oneAtATime);
    Pipe go = TRY(makePipe());
    Pipe failure = TRY(makePipe());
    prepared.input = input.get();
    prepared.log = log.get();
    prepared.go = go.readEnd.get();
    prepared.failure = failure.writeEnd.get();
    const int goWrite = go.writeEnd.get();

    const pid_t pid = ::fork();
    if (pid < 0) return cannotStart(what, errno);
    if (pid == 0) {
        ::close(goWrite);  // else the child would keep the pipe open that tells it of our death
        const int number = becomeCommand(prepared);
        (void)!::write(prepared.failure, &number, sizeof number);
        ::_exit(127);
    }
    go.readEnd.reset();
    failure.writeEnd.reset();
    const auto identity = processIdentity(pid);
    if (identity) reap(*identity);
    const Result<void> recorded =
        identity ? record(*identity) : Result<void>(fail(ErrorCode::CommandFailed, "a new process vanished"));
    if (!recorded) return fail(recorded.error());  // the closing pipe ends the child
    if (::write(goWrite, "g", 1) != 1) return cannotStart(what, errno);
    int number = 0;
    ssize_t got;
    do got = ::read(failure.readEnd.get(), &number, sizeof number);
    while (got < 0 && errno == EINTR);
    if (got == sizeof number) {
        constexpr int64_t exitMs = 1000;  // it has nothing left to do but to end
        awaitExit(*identity, SystemClock().monotonic() + exitMs);
        return cannotStart(what, number);
    }
    return *identity;
}

std::string howItEnded(const ProcessIdentity& process) {
    return Ends::instance().find(process);
}

}  // namespace swb::driver
