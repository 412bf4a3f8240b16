#include "driver/process/session.h"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/file.h"
#include "driver/support/files.h"

namespace swb::driver {
namespace {

pid_t sessionOf(const std::string& pid) {
    const auto text = readFile("/proc/" + pid + "/stat", 4096);
    if (!text) return 0;
    size_t at = text->rfind(')');
    if (at == std::string::npos) return 0;
    // ") state parent group session"
    for (int blank = 0; blank < 4; ++blank) {
        at = text->find(' ', at + 1);
        if (at == std::string::npos) return 0;
    }
    pid_t session = 0;
    std::from_chars(text->data() + at + 1, text->data() + text->size(), session);
    return session;
}

int numberOf(StopSignal signal) {
    switch (signal) {
        case StopSignal::interrupt:
            return SIGINT;
        case StopSignal::quit:
            return SIGQUIT;
        case StopSignal::hangup:
            return SIGHUP;
        case StopSignal::user1:
            return SIGUSR1;
        case StopSignal::user2:
            return SIGUSR2;
        case StopSignal::windowChange:
            return SIGWINCH;
        case StopSignal::term:
            break;
    }
    return SIGTERM;
}

}  // namespace

std::vector<ProcessIdentity> sessionMembers(const ProcessIdentity& leader) {
    std::vector<ProcessIdentity> members;
    const auto now = processIdentity(leader.pid);
    if (leader.pid <= 0 || (now && !(*now == leader))) return members;
    for (const std::string& entry : directoryEntries("/proc")) {
        if (entry.find_first_not_of("0123456789") != std::string::npos || sessionOf(entry) != leader.pid) continue;
        if (const auto identity = processIdentity(std::stoi(entry))) members.push_back(*identity);
    }
    return members;
}

bool endSession(const ProcessIdentity& leader, StopSignal signal, int64_t stopMs, MonotonicMs deadline) {
    const SystemClock clock;
    const MonotonicMs patience = std::min(deadline, clock.monotonic() + stopMs);
    std::vector<ProcessIdentity> members = sessionMembers(leader);
    for (const ProcessIdentity& member : members) sendSignal(member, numberOf(signal));
    for (const ProcessIdentity& member : members) awaitExit(member, patience);
    // Members may have started others meanwhile, and a killed one cannot any more.
    while (!(members = sessionMembers(leader)).empty()) {
        for (const ProcessIdentity& member : members) sendSignal(member, SIGKILL);
        for (const ProcessIdentity& member : members) awaitExit(member, deadline);
        if (clock.monotonic() >= deadline) return sessionMembers(leader).empty();
    }
    return true;
}

}  // namespace swb::driver
