#include "lab/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace swb::lab {
namespace {

// libcap would be one more library for these two calls. Both are allowed to fail: the priority is a convenience.
void keepOnlyNice() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    data[0].effective = data[0].permitted = data[0].inheritable = 1u << CAP_SYS_NICE;
    if (::syscall(SYS_capset, &header, data) != 0) {
        data[0] = {};
        (void)::syscall(SYS_capset, &header, data);
        return;
    }
    (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_NICE, 0, 0);
}

bool mayAccess(const driver::OsUser& user, const std::string& path, int mode) {
    const driver::ActAs as(user);
    return as.effective() && ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

}  // namespace

Result<driver::OsUser> labUser(const std::string& wanted) {
    if (::geteuid() != 0) {
        const auto self = TRY(driver::osUserById(::geteuid()));
        if (!wanted.empty() && wanted != self.name)
            return fail(ErrorCode::Forbidden, "only root can start a lab as another user", "leave --user out");
        return self;
    }
    if (!wanted.empty()) {
        const auto user = TRY(driver::osUserByName(wanted));
        if (user.uid == 0) return fail(ErrorCode::InvalidInput, "a lab does not run as root", "name another --user");
        return user;
    }
    for (const char* name : {"swingbridge-lab", "postgres", "nobody"})
        if (auto user = driver::osUserByName(name)) return user;
    return fail(ErrorCode::NotFound, "there is no unprivileged user to run a lab as", "name one with --user");
}

Result<void> becomeUser(const driver::OsUser& user) {
    if (::geteuid() != 0) return {};
    ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    const gid_t group = user.gid;
    if (::setgroups(1, &group) != 0 || ::setresgid(user.gid, user.gid, user.gid) != 0 ||
        ::setresuid(user.uid, user.uid, user.uid) != 0)
        return fail(ErrorCode::Forbidden, "cannot become the user " + user.name + ": " + std::strerror(errno));
    keepOnlyNice();
    // A change of user makes /proc/self root's; this program has no secrets that its own user may not see.
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    ::setenv("HOME", user.home.c_str(), 1);
    ::setenv("USER", user.name.c_str(), 1);
    if (::chdir("/") != 0) return fail(ErrorCode::StorageFailed, "cannot enter /");
    return {};
}

bool mayExecute(const driver::OsUser& user, const std::string& path) {
    return mayAccess(user, path, X_OK | R_OK);
}
bool mayEnter(const driver::OsUser& user, const std::string& directory) {
    return mayAccess(user, directory, X_OK);
}

}  // namespace swb::lab
