// Inside the write outage, CPU time decides: the stop and the promotion wait for a processor against clients that
// reconnect. The processes that do them are put first for that moment.
//
// Only processes that end with the switch anyway are raised: the whole old server, and of the replica its startup and
// WAL receiver processes, which promotion ends. Children they fork later start at normal priority
// (SCHED_RESET_ON_FORK). Needs CAP_SYS_NICE; without it nothing changes and nothing is said: a switch is then only
// slower on a busy machine.
#pragma once

#include "driver/postgresql/instance.h"

namespace swb::driver::postgresql {

// The postmaster and every process of the server, which is about to be stopped.
void hurryStop(const ProcessIdentity& postmaster);

// The replica's recovery, until this object ends: then those of its processes that still live are as before.
class HurriedRecovery {
  public:
    explicit HurriedRecovery(const Instance& instance);
    ~HurriedRecovery();
    HurriedRecovery(const HurriedRecovery&) = delete;
    HurriedRecovery& operator=(const HurriedRecovery&) = delete;

  private:
    std::vector<ProcessIdentity> raised_;
};

}  // namespace swb::driver::postgresql
