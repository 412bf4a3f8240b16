#include "driver/support/seed_places.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/fault.h"
#include "driver/support/files.h"

namespace swb::driver {

SeedPlaces SeedPlaces::of(const DatabaseHome& home) {
    const std::string& data = home.data();
    const size_t slash = data.rfind('/');
    return {data, data + std::string(freshDataSuffix), data + std::string(formerDataSuffix),
            slash == 0 ? "/" : data.substr(0, slash)};
}

Result<void> SeedPlaces::check(bool seedBegun) const {
    struct stat dataStatus {
    }, parentStatus{};
    if (::stat(parent.c_str(), &parentStatus) != 0 || ::access(parent.c_str(), W_OK) != 0)
        return fail(ErrorCode::StorageFailed, "the agent cannot write to " + parent,
                    "The copy is made beside the data directory.");
    if (::stat(data.c_str(), &dataStatus) == 0 && dataStatus.st_dev != parentStatus.st_dev)
        return fail(ErrorCode::Unsupported, data + " is a mount point",
                    "Let the data directory be one below the mount point.");
    if (directoryExists(old) && !seedBegun)
        return fail(ErrorCode::AlreadyExists, old + " exists, and no seed of ours left it",
                    "Look at it, and remove or rename it.");
    return {};
}

Result<void> SeedPlaces::requireRoom(int64_t wantedBytes) const {
    const int64_t free = freeBytes(parent);
    if (free < 0 || free >= wantedBytes) return {};
    return fail(ErrorCode::StorageFailed,
                "the copy needs about " + std::to_string(wantedBytes >> 20) + " MiB, " + parent + " has " +
                    std::to_string(free >> 20) + " MiB free",
                "Make room; the old data directory stays until the copy serves.");
}

Result<void> SeedPlaces::make(const std::string& path, const OsUser& user) const {
    TRY_VOID(makeDirectoryFor(user, path));
    return flushDirectory(parent);
}

Result<void> SeedPlaces::swap(std::string_view database) const {
    if (!directoryExists(fresh)) return {};
    if (directoryExists(data)) {
        // An earlier copy of ours that never came up is not worth keeping; the site's own old data is in `old`.
        if (directoryExists(old))
            TRY_VOID(removeTree(data));
        else
            TRY_VOID(rename(data, old));
    }
    faultPoint("seed", database, "between");
    return rename(fresh, data);
}

Result<void> SeedPlaces::setAside() const {
    if (!directoryExists(data)) return {};
    TRY_VOID(removeTree(fresh));
    return rename(data, fresh);
}

Result<void> SeedPlaces::putBack() const {
    return directoryExists(fresh) && !directoryExists(data) ? rename(fresh, data) : Result<void>();
}

Result<void> SeedPlaces::rename(const std::string& from, const std::string& to) const {
    if (::rename(from.c_str(), to.c_str()) != 0)
        return fail(
            ErrorCode::StorageFailed, from + " cannot be renamed to " + to + ": " + std::strerror(errno),
            "The agent must be able to write to " + parent + ", and the data directory must not be a mount point.");
    return flushDirectory(parent);
}

}  // namespace swb::driver
