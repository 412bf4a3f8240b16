#include "driver/postgresql/urgency.h"

#include <sched.h>

#include <string>

#include "base/file.h"

namespace swb::driver::postgresql {

namespace {

// The lowest real-time priority: ahead of everything ordinary, behind everything that is real-time on purpose.
bool raise(const ProcessIdentity& process) {
    sched_param parameters{};
    parameters.sched_priority = 1;
    return isAlive(process) && ::sched_setscheduler(process.pid, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0;
}

void lower(const ProcessIdentity& process) {
    const sched_param parameters{};
    if (isAlive(process)) ::sched_setscheduler(process.pid, SCHED_OTHER, &parameters);
}

bool isRecovery(const ProcessIdentity& process) {
    // PostgreSQL's titles: "postgres: startup recovering …", "postgres: walreceiver streaming …".
    const auto title = readFile("/proc/" + std::to_string(process.pid) + "/cmdline", 4096);
    return title && (title->find("startup") != std::string::npos || title->find("walreceiver") != std::string::npos);
}

}  // namespace

void hurryStop(const ProcessIdentity& postmaster) {
    // Children first: when they are told to end, they may.
    for (const ProcessIdentity& child : childrenOf(postmaster)) raise(child);
    raise(postmaster);
}

HurriedRecovery::HurriedRecovery(const Instance& instance) {
    const auto postmaster = instance.postmaster();
    if (!postmaster) return;
    for (const ProcessIdentity& child : childrenOf(*postmaster))
        if (isRecovery(child) && raise(child)) raised_.push_back(child);
}

HurriedRecovery::~HurriedRecovery() {
    for (const ProcessIdentity& process : raised_) lower(process);
}

}  // namespace swb::driver::postgresql
