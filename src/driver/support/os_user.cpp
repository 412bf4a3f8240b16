#include "driver/support/os_user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace swb::driver {

namespace {

OsUser fromEntry(const passwd& entry) {
    OsUser user{entry.pw_name, entry.pw_dir, entry.pw_uid, entry.pw_gid, {}};
    int count = 64;
    user.groups.resize(static_cast<size_t>(count));
    if (::getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count) < 0) count = 0;
    user.groups.resize(static_cast<size_t>(count));
    return user;
}

// The C library's wrappers change every thread of the process; these change the calling thread only.
bool setThreadGroup(gid_t gid) {
    return ::syscall(SYS_setresgid, -1, gid, -1) == 0;
}
bool setThreadUser(uid_t uid) {
    return ::syscall(SYS_setresuid, -1, uid, -1) == 0;
}

}  // namespace

Result<OsUser> osUserByName(const std::string& name) {
    char buffer[16 << 10];
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, buffer, sizeof buffer, &found) != 0 || !found)
        return fail(ErrorCode::NotFound, "there is no operating-system user " + name,
                    "Create it on this server, or correct run_as.");
    return fromEntry(entry);
}

Result<OsUser> osUserById(uid_t uid) {
    char buffer[16 << 10];
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found) return fromEntry(entry);
    // A uid without a name is usual in containers.
    return OsUser{std::to_string(uid), "/", uid, static_cast<gid_t>(uid), {}};
}

Result<OsUser> ownerOf(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be inspected: " + std::strerror(errno));
    auto user = TRY(osUserById(status.st_uid));
    if (user.groups.empty()) user.gid = status.st_gid;
    return user;
}

Result<OsUser> currentOsUser() {
    return osUserById(::getuid());
}

ActAs::ActAs(const OsUser& user) : previousUser_(::geteuid()), previousGroup_(::getegid()) {
    if (previousUser_ != 0 || user.uid == previousUser_) return;
    if (!setThreadGroup(user.gid)) {
        effective_ = false;
        return;
    }
    if (!setThreadUser(user.uid)) {
        SWB_ASSERT(setThreadGroup(previousGroup_), "a thread must get its own group back");
        effective_ = false;
        return;
    }
    switched_ = true;
}

ActAs::~ActAs() {
    if (!switched_) return;
    SWB_ASSERT(setThreadUser(previousUser_) && setThreadGroup(previousGroup_), "a thread must get its own user back");
}

}  // namespace swb::driver
