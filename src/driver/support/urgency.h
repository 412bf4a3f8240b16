// Inside the write outage CPU time decides: what ends it waits for a processor against clients that reconnect. What
// does the work is put first for that moment, by the lowest real-time priority: ahead of everything ordinary, behind
// everything that is real-time on purpose. Whatever it starts meanwhile has the ordinary priority
// (SCHED_RESET_ON_FORK).
//
// Needs CAP_SYS_NICE; without it nothing changes and nothing is said: a switch is then only slower on a busy machine.
#pragma once

#include "driver/support/process_identity.h"

namespace swb::driver {

// False when it has ended or may not be raised.
bool hurry(const ProcessIdentity& process);
void endHurry(const ProcessIdentity& process);

// The calling thread, until this object ends; in the same thread.
class HurriedThread {
  public:
    HurriedThread();
    ~HurriedThread();
    HurriedThread(const HurriedThread&) = delete;
    HurriedThread& operator=(const HurriedThread&) = delete;

  private:
    bool raised_;
};

}  // namespace swb::driver
