#include "agent/agent_directory.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace swb::agent {

Result<void> AgentDirectory::make() const {
    // Services of other users reach their keys below drivers/, hence the x bits; nothing can be listed.
    for (const std::string& path : {root, drivers()}) TRY_VOID(makeDirectories(path, 0711));
    for (const std::string& path : {root + "/ledger", guards(), applications()}) TRY_VOID(makeDirectories(path));
    return {};
}

Result<Fd> AgentDirectory::acquireLock() const {
    Fd file(::open(lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.valid()) return fail(ErrorCode::StorageFailed, "cannot open " + lock() + ": " + std::strerror(errno));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(ErrorCode::InUse, "another agent works in " + root, "stop it, or give this one another --data");
    return file;
}

}  // namespace swb::agent
