#include "lab/lab_processes.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <set>
#include <thread>

#include "base/file.h"
#include "driver/support/files.h"

namespace swb::lab {
namespace {

constexpr int64_t keepersMs = 2500;  // verbs that run may end
constexpr int64_t politeMs = 6000;   // a fast shutdown with its checkpoint, requests that are being answered
constexpr int64_t patienceMs = 9000;
constexpr int64_t lookMs = 20;

bool isInside(std::string_view path, const std::vector<std::string>& directories) {
    return std::any_of(directories.begin(), directories.end(), [&](const std::string& directory) {
        return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
    });
}

std::string linkTarget(const std::string& path) {
    char buffer[4096];
    const ssize_t size = ::readlink(path.c_str(), buffer, sizeof buffer);
    return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : std::string();
}

bool isServerProgram(std::string_view name) {
    for (const char* server : {"swingd", "swing-agent", "nginx", "postgres", "mariadbd", "redis-server"})
        if (name == server) return true;
    return false;
}

// /proc/PID/stat: pid (name) state parent group session …
bool readStat(const std::string& entry, LabProcess& process) {
    const auto stat = readFile(entry + "/stat", 4096);
    if (!stat) return false;
    const size_t open = stat->find('('), close = stat->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return false;
    process.name = stat->substr(open + 1, close - open - 1);
    char state = 0;
    int group = 0;
    return std::sscanf(stat->c_str() + close + 1, " %c %d %d %d", &state, &process.parent, &group, &process.session) ==
           4;
}

std::vector<LabProcess> allProcesses(const std::vector<std::string>& directories) {
    std::vector<LabProcess> all;
    for (const std::string& name : driver::directoryEntries("/proc")) {
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size()) continue;
        const std::string entry = "/proc/" + name;
        LabProcess process;
        const auto identity = driver::processIdentity(pid);
        if (!identity || !readStat(entry, process)) continue;
        process.identity = *identity;
        process.directory = linkTarget(entry + "/cwd");
        process.marked = isInside(linkTarget(entry + "/fd/2"), directories);
        if (!process.marked && isServerProgram(process.name))
            process.marked = isInside(process.directory, directories) ||
                             mentions(readFile(entry + "/cmdline", 64 << 10).value_or(""), directories);
        all.push_back(std::move(process));
    }
    return all;
}

std::set<pid_t> withAncestors(const std::vector<LabProcess>& all, pid_t self) {
    std::map<pid_t, pid_t> parents;
    for (const LabProcess& process : all) parents[process.identity.pid] = process.parent;
    std::set<pid_t> line;
    for (pid_t pid = self; pid > 0 && line.insert(pid).second;) {
        const auto found = parents.find(pid);
        pid = found == parents.end() ? 0 : found->second;
    }
    return line;
}

// The postmaster, not one of its children: they all work in its data directory, and it ends them.
bool isPostmaster(const LabProcess& process, const std::vector<LabProcess>& all) {
    return process.name == "postgres" && std::none_of(all.begin(), all.end(), [&](const LabProcess& other) {
               return other.identity.pid == process.parent && other.name == "postgres";
           });
}

// These start again what they find stopped: they end first.
bool isKeeper(const LabProcess& process) {
    return process.name == "swingd" || process.name == "swing-agent";
}

void signalAll(const std::vector<LabProcess>& processes, const std::vector<LabProcess>& all, bool politely) {
    for (const LabProcess& process : processes) {
        const bool server = process.name == "postgres";
        if (server && politely && !isPostmaster(process, all)) continue;
        driver::sendSignal(process.identity, !politely ? SIGKILL : server ? SIGINT : SIGTERM);
    }
}

}  // namespace

bool mentions(std::string_view arguments, const std::vector<std::string>& directories) {
    // A path begins a word, or follows '=' or a space (nginx's title is one word of several).
    const std::string_view before("\0 =", 3), after("\0 /", 3);
    for (const std::string& directory : directories)
        for (size_t at = arguments.find(directory); at != std::string_view::npos;
             at = arguments.find(directory, at + 1)) {
            const size_t end = at + directory.size();
            const bool begins = at == 0 || before.find(arguments[at - 1]) != std::string_view::npos;
            const bool ends = end == arguments.size() || after.find(arguments[end]) != std::string_view::npos;
            if (begins && ends) return true;
        }
    return false;
}

std::vector<LabProcess> belonging(const std::vector<LabProcess>& all, pid_t self) {
    const std::set<pid_t> spared = withAncestors(all, self);
    std::set<pid_t> mine;
    pid_t ownSession = 0;
    for (const LabProcess& process : all)
        if (process.identity.pid == self) ownSession = process.session;
    const auto isSpared = [&](const LabProcess& process) {
        return spared.count(process.identity.pid) > 0 || (process.session == ownSession && !process.marked);
    };
    std::set<pid_t> sessions;
    for (bool grown = true; grown;) {
        grown = false;
        for (const LabProcess& process : all) {
            const pid_t pid = process.identity.pid;
            if (mine.count(pid) || isSpared(process)) continue;
            const bool kin = mine.count(process.parent) > 0 || sessions.count(process.session) > 0;
            if (!process.marked && !kin) continue;
            mine.insert(pid);
            if (process.session == pid) sessions.insert(pid);
            grown = true;
        }
    }
    std::vector<LabProcess> out;
    for (const LabProcess& process : all)
        if (mine.count(process.identity.pid)) out.push_back(process);
    return out;
}

std::vector<LabProcess> processesOf(const std::vector<std::string>& directories) {
    return belonging(allProcesses(directories), ::getpid());
}

bool endProcesses(const std::vector<std::string>& directories, const std::function<void()>& reap) {
    const SystemClock clock;
    const MonotonicMs start = clock.monotonic();
    std::set<pid_t> asked;
    for (;;) {
        const auto left = processesOf(directories);
        if (left.empty()) return true;
        const MonotonicMs passed = clock.monotonic() - start;
        if (passed > patienceMs) return false;
        const bool keepers = passed < keepersMs && std::any_of(left.begin(), left.end(), isKeeper);
        std::vector<LabProcess> now;
        for (const LabProcess& process : left)
            if (passed > politeMs || ((!keepers || isKeeper(process)) && asked.insert(process.identity.pid).second))
                now.push_back(process);
        signalAll(now, left, passed <= politeMs);
        reap();
        std::this_thread::sleep_for(std::chrono::milliseconds(lookMs));
        reap();
    }
}

}  // namespace swb::lab
