#include "driver/support/program.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "driver/support/broken_pipe.h"

namespace swb::driver {

// All descriptors of pipes are above 2, so that dup2() in the child cannot overwrite one that is still needed.
Result<std::pair<Fd, Fd>> makePipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fail(ErrorCode::CommandFailed, std::string("no pipe: ") + std::strerror(errno));
    Fd raised[2];
    for (int i = 0; i < 2; ++i) {
        const Fd low(ends[i]);
        raised[i] = Fd(::fcntl(ends[i], F_DUPFD_CLOEXEC, 10));
    }
    if (!raised[0].valid() || !raised[1].valid()) return fail(ErrorCode::CommandFailed, "no descriptors left");
    return std::pair(std::move(raised[0]), std::move(raised[1]));
}

namespace {

// Everything the child needs, made before the fork: after it only calls that are safe in a copy of a threaded process.
struct Prepared {
    std::string path;
    std::vector<char*> argv;
    std::vector<std::string> environmentText;
    std::vector<char*> environment;
    const OsUser* user = nullptr;  // null: stay
    const char* directory = "/";
};

std::vector<std::string> environmentOf(const std::map<std::string, std::string>& wanted, const OsUser* user) {
    std::map<std::string, std::string> all = {
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C"}, {"LC_ALL", "C"}};
    for (const char* kept : {"PATH", "TZ", "HOME", "USER"})
        if (const char* value = ::getenv(kept)) all[kept] = value;
    if (user) {
        all["HOME"] = user->home;
        all["USER"] = user->name;
    }
    for (const auto& [key, value] : wanted) all[key] = value;
    std::vector<std::string> lines;
    for (const auto& [key, value] : all) lines.push_back(key + "=" + value);
    return lines;
}

Result<Prepared> prepare(const std::vector<std::string>& argv, const std::optional<OsUser>& user,
                         const std::map<std::string, std::string>& environment, const std::string& directory) {
    if (argv.empty()) return fail(ErrorCode::Bug, "a program call without a program");
    Prepared prepared;
    prepared.path = argv[0].find('/') != std::string::npos ? argv[0] : findProgram(argv[0]);
    if (prepared.path.empty())
        return fail(ErrorCode::CommandFailed, "the program " + argv[0] + " is not installed",
                    "Install it, or correct the service's bin directory.");
    for (const auto& argument : argv) prepared.argv.push_back(const_cast<char*>(argument.c_str()));
    prepared.argv.push_back(nullptr);
    prepared.user = user && ::geteuid() == 0 && user->uid != 0 ? &*user : nullptr;
    prepared.environmentText = environmentOf(environment, prepared.user);
    for (auto& line : prepared.environmentText) prepared.environment.push_back(line.data());
    prepared.environment.push_back(nullptr);
    prepared.directory = directory.c_str();
    return prepared;
}

// In the child. Raw system calls: the C library's set*id() would signal threads that a forked copy does not have.
bool becomeUser(const OsUser& user) {
    return ::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
           ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
           ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

// In the child; answers only when it failed: the errno.
int execute(const Prepared& prepared, int input, int output, int errors, int keep) {
    if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(errors, 2) < 0) return errno;
    // `keep` (the pipe that tells the parent of a failure) is closed by a successful exec itself.
    if (keep > 3) ::syscall(SYS_close_range, 3, keep - 1, 0);
    ::syscall(SYS_close_range, std::max(3, keep + 1), ~0U, 0);
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (prepared.user && !becomeUser(*prepared.user)) return errno;
    if (::chdir(prepared.directory) != 0) return errno;
    ::execve(prepared.path.c_str(), prepared.argv.data(), prepared.environment.data());
    return errno;
}

Fd openRaised(const char* path, int flags, mode_t mode = 0) {
    const Fd low(::open(path, flags | O_CLOEXEC, mode));
    return low.valid() ? Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10)) : Fd();
}

tl::unexpected<Error> startFailed(const std::string& path, int number) {
    return fail(ErrorCode::CommandFailed, path + " cannot be started: " + std::strerror(number),
                "Check that the program exists and that the agent may run it as the service's user.");
}

void keepLast(std::string& kept, std::string_view piece, size_t maximum) {
    kept.append(piece);
    if (kept.size() > 2 * maximum) kept.erase(0, kept.size() - maximum);
}

struct Running {
    pid_t pid = 0;
    Fd input, output, errors;  // our ends
};

// errno of a failed exec, as the child wrote it; 0 when the pipe was closed by a successful one.
int failureFrom(int fd) {
    int number = 0;
    ssize_t size;
    do size = ::read(fd, &number, sizeof number);
    while (size < 0 && errno == EINTR);
    return size == sizeof number ? number : 0;
}

Result<Running> launch(const ProgramCall& call) {
    const Prepared prepared = TRY(prepare(call.argv, call.user, call.environment, call.directory));
    auto [inputRead, inputWrite] = TRY(makePipe());
    auto [outputRead, outputWrite] = TRY(makePipe());
    auto [errorsRead, errorsWrite] = TRY(makePipe());
    auto [failureRead, failureWrite] = TRY(makePipe());
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return startFailed(prepared.path, errno);
    if (pid == 0) {
        ::setpgid(0, 0);
        int number = 0;
        // Changing users clears the death signal, so execute() cannot come after it alone: it is asked for twice.
        if (prepared.user && !becomeUser(*prepared.user)) number = errno;
        Prepared unchanged = prepared;
        unchanged.user = nullptr;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (number == 0 && ::getppid() == parent)
            number = execute(unchanged, call.standardInput >= 0 ? call.standardInput : inputRead.get(),
                             call.standardOutput >= 0 ? call.standardOutput : outputWrite.get(), errorsWrite.get(),
                             failureWrite.get());
        (void)!::write(failureWrite.get(), &number, sizeof number);
        ::_exit(127);
    }
    failureWrite.reset();
    ::setpgid(pid, pid);
    if (const int number = failureFrom(failureRead.get())) {
        ::waitpid(pid, nullptr, 0);
        return startFailed(prepared.path, number);
    }
    return Running{pid, std::move(inputWrite), std::move(outputRead), std::move(errorsRead)};
}

// Reads once; closes at the end of the stream.
void drain(Fd& stream, std::string& kept, const ProgramCall& call) {
    char buffer[16 << 10];
    const ssize_t size = ::read(stream.get(), buffer, sizeof buffer);
    if (size > 0) {
        const std::string_view piece(buffer, static_cast<size_t>(size));
        keepLast(kept, piece, call.outputBytesMax);
        if (call.onOutput) call.onOutput(piece);
    } else if (size == 0 || (errno != EINTR && errno != EAGAIN)) {
        stream.reset();
    }
}

void feed(Fd& stream, std::string_view& left) {
    const ssize_t size = left.empty() ? 0 : ::write(stream.get(), left.data(), left.size());
    if (size > 0) left.remove_prefix(static_cast<size_t>(size));
    if (left.empty() || (size < 0 && errno != EINTR && errno != EAGAIN)) stream.reset();
}

// Exchanges data until both output streams end. False: deadline or cancel.
bool exchange(Running& running, ProgramOutcome& outcome, const ProgramCall& call, const Context& context) {
    std::string_view left = call.input;
    ::fcntl(running.input.get(), F_SETFL, O_NONBLOCK);
    if (left.empty()) running.input.reset();
    while (running.output.valid() || running.errors.valid()) {
        if (context.remainingMs() == 0 || context.cancelled()) return false;
        pollfd waited[3] = {{running.output.get(), POLLIN, 0},
                            {running.errors.get(), POLLIN, 0},
                            {running.input.valid() ? running.input.get() : -1, POLLOUT, 0}};
        if (::poll(waited, 3, static_cast<int>(std::min<int64_t>(100, context.remainingMs()))) < 0) continue;
        if (waited[0].revents) drain(running.output, outcome.output, call);
        if (waited[1].revents) drain(running.errors, outcome.errors, call);
        if (waited[2].revents) feed(running.input, left);
    }
    return true;
}

// Both streams may be closed before the program ends.
bool awaitEnd(pid_t pid, int& status, const Context& context) {
    const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    for (;;) {
        if (::waitpid(pid, &status, WNOHANG) == pid) return true;
        if (context.remainingMs() == 0 || context.cancelled()) return false;
        pollfd waited{handle.get(), POLLIN, 0};
        ::poll(&waited, 1, static_cast<int>(std::min<int64_t>(handle.valid() ? 100 : 5, context.remainingMs())));
    }
}

}  // namespace

Result<ProgramOutcome> runProgram(const ProgramCall& call, const Context& context) {
    const IgnoreBrokenPipe guard;
    const double start = preciseMs();
    auto running = TRY(launch(call));
    ProgramOutcome outcome;
    int status = 0;
    const bool ended = exchange(running, outcome, call, context) && awaitEnd(running.pid, status, context);
    if (!ended) {
        ::kill(-running.pid, SIGKILL);
        ::waitpid(running.pid, &status, 0);
        const bool cancelled = context.remainingMs() > 0;
        return fail(cancelled ? ErrorCode::Interrupted : ErrorCode::DeadlineExceeded,
                    call.argv[0] + (cancelled ? " was cancelled" : " did not end in time and was killed"));
    }
    for (std::string* stream : {&outcome.output, &outcome.errors})
        if (stream->size() > call.outputBytesMax) stream->erase(0, stream->size() - call.outputBytesMax);
    if (WIFEXITED(status)) outcome.exitCode = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    outcome.milliseconds = preciseMs() - start;
    return outcome;
}

Result<ProgramOutcome> runChecked(const ProgramCall& call, const Context& context) {
    auto outcome = TRY(runProgram(call, context));
    if (outcome.succeeded()) return outcome;
    std::string said = outcome.errors.empty() ? outcome.output : outcome.errors;
    while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.pop_back();
    constexpr size_t saidBytesMax = 600;
    if (said.size() > saidBytesMax) said.erase(0, said.size() - saidBytesMax);
    const std::string how = outcome.signal ? "was ended by signal " + std::to_string(outcome.signal)
                                           : "ended with status " + std::to_string(outcome.exitCode);
    return fail(ErrorCode::CommandFailed, call.argv[0] + " " + how + (said.empty() ? "" : ": " + said));
}

namespace {

// As the program's user where that user may write; in a directory of our own we open the file and give it away.
Result<Fd> openLog(const std::string& file, const OsUser* user) {
    const std::string path = file.empty() ? "/dev/null" : file;
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
    Fd log;
    if (user) {
        const ActAs acting(*user);
        log = openRaised(path.c_str(), flags, 0600);
    }
    if (!log.valid()) {
        log = openRaised(path.c_str(), flags, 0600);
        if (log.valid() && user && ::fchown(log.get(), user->uid, user->gid) != 0) log.reset();
    }
    if (!log.valid()) return fail(ErrorCode::StorageFailed, path + " cannot be opened: " + std::strerror(errno));
    return log;
}

}  // namespace

Result<pid_t> spawnDetached(const DetachedProgram& program) {
    const Prepared prepared = TRY(prepare(program.argv, program.user, program.environment, program.directory));
    const Fd input = openRaised("/dev/null", O_RDONLY);
    const Fd log = TRY(openLog(program.logFile, prepared.user));
    auto [failureRead, failureWrite] = TRY(makePipe());
    auto [pidRead, pidWrite] = TRY(makePipe());
    const pid_t between = ::fork();
    if (between < 0) return startFailed(prepared.path, errno);
    if (between == 0) {
        ::setsid();
        const pid_t child = ::fork();
        if (child > 0) (void)!::write(pidWrite.get(), &child, sizeof child);
        if (child != 0) ::_exit(child < 0 ? 1 : 0);
        const int number = execute(prepared, input.get(), log.get(), log.get(), failureWrite.get());
        (void)!::write(failureWrite.get(), &number, sizeof number);
        ::_exit(127);
    }
    failureWrite.reset();
    pidWrite.reset();
    ::waitpid(between, nullptr, 0);
    pid_t pid = 0;
    if (::read(pidRead.get(), &pid, sizeof pid) != sizeof pid) return startFailed(prepared.path, EAGAIN);
    if (const int number = failureFrom(failureRead.get())) return startFailed(prepared.path, number);
    return pid;
}

std::string findProgram(const std::string& name) {
    if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : std::string();
    const char* path = ::getenv("PATH");
    std::string_view left = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
    while (!left.empty()) {
        const size_t colon = left.find(':');
        const std::string candidate = std::string(left.substr(0, colon)) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        if (colon == std::string_view::npos) break;
        left.remove_prefix(colon + 1);
    }
    return {};
}

}  // namespace swb::driver
