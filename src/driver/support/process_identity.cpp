#include "driver/support/process_identity.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <string>

#include "base/fd.h"
#include "base/file.h"
#include "driver/support/files.h"

namespace swb::driver {

namespace {

// /proc files are read with one small read: readFile() would do three more calls, and this is on the outage path.
std::string readSmall(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return {};
    char buffer[4096];
    const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
    return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : std::string();
}

Fd openProcess(const ProcessIdentity& process) {
    Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    // The identity is checked after the handle was taken: from here on the handle cannot mean another process.
    if (handle.valid() && processIdentity(process.pid) != process) handle.reset();
    return handle;
}

}  // namespace

std::optional<ProcessIdentity> processIdentity(pid_t pid) {
    if (pid <= 0) return std::nullopt;
    const std::string text = readSmall("/proc/" + std::to_string(pid) + "/stat");
    // The command name in parentheses may hold anything, parentheses and spaces too: fields count from the last ')'.
    const size_t close = text.rfind(')');
    if (close == std::string::npos || close + 2 >= text.size()) return std::nullopt;
    const char state = text[close + 2];
    if (state == 'Z' || state == 'X') return std::nullopt;
    size_t position = close + 2;
    constexpr int startTimeField = 22, stateField = 3;
    for (int field = stateField; field < startTimeField; ++field) {
        position = text.find(' ', position);
        if (position == std::string::npos) return std::nullopt;
        ++position;
    }
    ProcessIdentity identity{pid, 0};
    const auto [end, error] = std::from_chars(text.data() + position, text.data() + text.size(), identity.startTicks);
    if (error != std::errc()) return std::nullopt;
    return identity;
}

namespace {

template <typename Visit>
void forEachProcess(Visit visit) {
    for (const auto& name : directoryEntries("/proc")) {
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size()) continue;
        if (const auto identity = processIdentity(pid)) visit(*identity);
    }
}

}  // namespace

std::vector<ProcessIdentity> childrenOf(const ProcessIdentity& process) {
    std::vector<ProcessIdentity> children;
    if (!isAlive(process)) return children;
    // The kernel keeps the list by thread; looking at every process of a busy server would take milliseconds.
    const std::string tasks = "/proc/" + std::to_string(process.pid) + "/task/";
    for (const auto& task : directoryEntries(tasks)) {
        const std::string list = readFile(tasks + task + "/children", 1 << 20).value_or("");
        const char* const end = list.data() + list.size();
        for (const char* at = list.data(); at < end;) {
            pid_t pid = 0;
            const auto [next, error] = std::from_chars(at, end, pid);
            if (error != std::errc()) break;
            if (const auto child = processIdentity(pid)) children.push_back(*child);
            at = next + 1;
        }
    }
    return children;
}

std::vector<ProcessIdentity> processesWithArgument(const std::string& argument) {
    std::vector<ProcessIdentity> found;
    forEachProcess([&](const ProcessIdentity& other) {
        const std::string text = '\0' + readSmall("/proc/" + std::to_string(other.pid) + "/cmdline");
        if (text.find('\0' + argument + '\0') != std::string::npos) found.push_back(other);
    });
    return found;
}

bool isAlive(const ProcessIdentity& process) {
    return processIdentity(process.pid) == process;
}

bool sendSignal(const ProcessIdentity& process, int signalNumber) {
    const Fd handle = openProcess(process);
    return handle.valid() && ::syscall(SYS_pidfd_send_signal, handle.get(), signalNumber, nullptr, 0) == 0;
}

bool awaitExit(const ProcessIdentity& process, MonotonicMs deadline) {
    const SystemClock clock;
    const Fd handle = openProcess(process);
    if (!handle.valid()) return !isAlive(process);
    for (;;) {
        const int64_t left = deadline - clock.monotonic();
        pollfd waited{handle.get(), POLLIN, 0};
        const int answer = ::poll(&waited, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
        if (answer > 0) return true;
        if (answer < 0 && errno != EINTR) return !isAlive(process);
        if (left <= 0) return false;
    }
}

int64_t startedAtSeconds(const ProcessIdentity& process) {
    const std::string text = readSmall("/proc/stat");
    const size_t line = text.find("\nbtime ");
    // A large machine's interrupt line may push btime out of the first page: fall back to the uptime then.
    timespec now{}, up{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    ::clock_gettime(CLOCK_BOOTTIME, &up);
    int64_t booted = now.tv_sec - up.tv_sec;
    if (line != std::string::npos) std::from_chars(text.data() + line + 7, text.data() + text.size(), booted);
    return booted + static_cast<int64_t>(process.startTicks) / ::sysconf(_SC_CLK_TCK);
}

}  // namespace swb::driver
