// A copy of a server's files by mariadb-backup, while it runs: the source's agent runs it and hands its stream out at
// the address that the definition names (`copy`), the replica's agent unpacks and prepares it. For databases that a
// dump would take hours for. The channel is driver/support/copy_channel.h.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "driver/mariadb/instance.h"
#include "driver/support/copy_channel.h"

namespace swb::driver::mariadb {

// Of one agent: who may be copied from here. A server is from its preparation as a source until its last replica is
// released.
class CopyDesk {
  public:
    // Listens while the definition names an address and the server has replicas; again where it names another now.
    void offer(const Instance& instance, const Context& context, std::shared_ptr<Sessions> sessions);

  private:
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<CopyService>> services_;  // by state directory
};

struct PhysicalCopy {
    std::string position;
    int64_t bytes = 0;  // of the stream
};

// Into the empty directory, prepared: a server can start on it. Progress in bytes.
Result<PhysicalCopy> takePhysicalCopy(const Instance& instance, const Peer& peer, const std::string& directory,
                                      const Context& context);
// The file of options that a server needs to open what was taken.
std::string copiedOptionFile(const std::string& directory);
// Programs of a former attempt that still work there.
void endCopyLeftovers(const std::string& directory);

// The GTID position in the file that mariadb-backup leaves beside its copy ("file<TAB>offset<TAB>gtids"); empty: none.
std::string positionInBackup(std::string_view text);

}  // namespace swb::driver::mariadb
