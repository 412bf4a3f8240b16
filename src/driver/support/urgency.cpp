#include "driver/support/urgency.h"

#include <sched.h>

namespace swb::driver {

namespace {

constexpr pid_t callingThread = 0;

bool raise(pid_t task) {
    sched_param parameters{};
    parameters.sched_priority = 1;
    return ::sched_setscheduler(task, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0;
}

void lower(pid_t task) {
    const sched_param parameters{};
    (void)::sched_setscheduler(task, SCHED_OTHER, &parameters);
}

}  // namespace

bool hurry(const ProcessIdentity& process) {
    return isAlive(process) && raise(process.pid);
}

void endHurry(const ProcessIdentity& process) {
    if (isAlive(process)) lower(process.pid);
}

HurriedThread::HurriedThread(bool wanted) : raised_(wanted && !isHurried() && raise(callingThread)) {}

HurriedThread::~HurriedThread() {
    if (raised_) lower(callingThread);
}

bool HurriedThread::isHurried() {
    return ::sched_getscheduler(callingThread) != SCHED_OTHER;
}

}  // namespace swb::driver
