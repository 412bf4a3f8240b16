// The processes of a PostgreSQL that end with the switch anyway, put first while it keeps writes waiting: the whole old
// server, and of the replica its startup and WAL receiver processes, which promotion ends.
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
