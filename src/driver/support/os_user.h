// Operating-system users. The agent often runs as root while the servers it drives do not: programs are started, files
// are written and sockets are connected as the service's own user, so that a hostile service user gains nothing from
// us.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace swb::driver {

struct OsUser {
    std::string name;
    std::string home;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // supplementary ones, the primary included
};

Result<OsUser> osUserByName(const std::string& name);
Result<OsUser> osUserById(uid_t uid);
// The owner of a file or directory, which must exist.
Result<OsUser> ownerOf(const std::string& path);
// The user this process was started as (its real uid).
Result<OsUser> currentOsUser();

// The calling *thread* acts as the user while this lives: effective uid and gid, hence new files, file permissions and
// the peer credentials of unix sockets. Nothing happens unless the process runs as root. Aborts if it cannot go back.
// Never start a thread inside: it would stay that user.
class ActAs {
  public:
    explicit ActAs(const OsUser& user);
    ~ActAs();
    ActAs(const ActAs&) = delete;
    ActAs& operator=(const ActAs&) = delete;
    // False: the kernel refused; the thread is still root and the caller must give up.
    bool effective() const { return effective_; }

  private:
    bool switched_ = false;
    bool effective_ = true;
    uid_t previousUser_ = 0;
    gid_t previousGroup_ = 0;
};

}  // namespace swb::driver
