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

// The calling thread, until this object ends; in the same thread. Where it is not wanted, or is so already: nothing.
class HurriedThread {
  public:
    explicit HurriedThread(bool wanted = true);
    ~HurriedThread();
    HurriedThread(const HurriedThread&) = delete;
    HurriedThread& operator=(const HurriedThread&) = delete;

    // Whether the calling thread is: for those that it starts to help it.
    static bool isHurried();

  private:
    bool raised_;
};

}  // namespace swb::driver
