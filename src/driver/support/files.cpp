#include "driver/support/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fd.h"
#include "base/file.h"

namespace swb::driver {

namespace {

Result<void> removeEntry(int directory, const char* name);

// Takes `directory` (an open descriptor) and removes what is in it.
Result<void> emptyDirectory(int directory) {
    DIR* stream = ::fdopendir(directory);
    if (!stream) {
        ::close(directory);
        return fail(ErrorCode::StorageFailed, std::string("a directory cannot be read: ") + std::strerror(errno));
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream)) names.emplace_back(entry->d_name);
    Result<void> result;
    for (const auto& name : names) {
        if (name == "." || name == "..") continue;
        result = removeEntry(::dirfd(stream), name.c_str());
        if (!result) break;
    }
    ::closedir(stream);
    return result;
}

Result<void> removeEntry(int directory, const char* name) {
    if (::unlinkat(directory, name, 0) == 0 || errno == ENOENT) return {};
    if (errno == EISDIR || errno == EPERM) {
        const int inner = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0) {
            TRY_VOID(emptyDirectory(inner));
            if (::unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
        }
    }
    return fail(ErrorCode::StorageFailed, std::string(name) + " cannot be removed: " + std::strerror(errno));
}

int64_t bytesBelow(int directory) {
    DIR* stream = ::fdopendir(directory);
    if (!stream) {
        ::close(directory);
        return 0;
    }
    int64_t bytes = 0;
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        struct stat status {};
        if (name == "." || name == ".." || ::fstatat(::dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(status.st_mode)) bytes += status.st_size;
        if (!S_ISDIR(status.st_mode)) continue;
        const int inner = ::openat(::dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0) bytes += bytesBelow(inner);
    }
    ::closedir(stream);
    return bytes;
}

}  // namespace

Result<void> writeFileAs(const OsUser& user, const std::string& path, std::string_view content, mode_t mode) {
    const ActAs acting(user);
    if (!acting.effective()) return fail(ErrorCode::StorageFailed, path + " cannot be written as " + user.name);
    return writeFileAtomically(path, content, mode);
}

Result<void> flushDirectory(const std::string& path) {
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::fsync(directory.get()) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be flushed: " + std::strerror(errno));
    return {};
}

Result<void> removeTree(const std::string& path) {
    const std::filesystem::path whole(path);
    const std::string parent = whole.has_parent_path() ? whole.parent_path().string() : ".";
    const Fd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) {
        if (errno == ENOENT) return {};
        return fail(ErrorCode::StorageFailed, parent + " cannot be opened: " + std::strerror(errno));
    }
    auto removed = removeEntry(directory.get(), whole.filename().c_str());
    if (!removed) return fail(removed.error().within(path));
    return flushDirectory(parent);
}

int64_t treeBytes(const std::string& path) {
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory >= 0 ? bytesBelow(directory) : 0;
}

int64_t freeBytes(const std::string& path) {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) return -1;
    return static_cast<int64_t>(status.f_bavail) * static_cast<int64_t>(status.f_frsize);
}

bool directoryExists(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> directoryEntries(const std::string& path) {
    std::vector<std::string> names;
    DIR* stream = ::opendir(path.c_str());
    if (!stream) return names;
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(stream);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace swb::driver
