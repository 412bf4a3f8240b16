#include "driver/postgresql/urgency.h"

#include <string>

#include "base/file.h"
#include "driver/support/urgency.h"

namespace swb::driver::postgresql {

namespace {

bool isRecovery(const ProcessIdentity& process) {
    // PostgreSQL's titles: "postgres: startup recovering …", "postgres: walreceiver streaming …".
    const auto title = readFile("/proc/" + std::to_string(process.pid) + "/cmdline", 4096);
    return title && (title->find("startup") != std::string::npos || title->find("walreceiver") != std::string::npos);
}

}  // namespace

void hurryStop(const ProcessIdentity& postmaster) {
    // Children first: when they are told to end, they may.
    for (const ProcessIdentity& child : childrenOf(postmaster)) hurry(child);
    hurry(postmaster);
}

HurriedRecovery::HurriedRecovery(const Instance& instance) {
    const auto postmaster = instance.postmaster();
    if (!postmaster) return;
    for (const ProcessIdentity& child : childrenOf(*postmaster))
        if (isRecovery(child) && hurry(child)) raised_.push_back(child);
}

HurriedRecovery::~HurriedRecovery() {
    for (const ProcessIdentity& process : raised_) endHurry(process);
}

}  // namespace swb::driver::postgresql
