// All processes of one session: what a launched process became, with the helpers it started.
#pragma once

#include <vector>

#include "driver/support/process_identity.h"
#include "model/application.h"

namespace swb::driver {

// Living members of the session that `leader` led, the leader included. A session's number is not given away while it
// has members; when another process has the leader's pid by now, nothing of the session is left.
std::vector<ProcessIdentity> sessionMembers(const ProcessIdentity& leader);
// `signal` to all, SIGKILL to those left after stopMs. False: some are left at the deadline.
bool endSession(const ProcessIdentity& leader, StopSignal signal, int64_t stopMs, MonotonicMs deadline);

}  // namespace swb::driver
