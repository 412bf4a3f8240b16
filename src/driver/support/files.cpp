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

Result<void> replaceFileFor(const OsUser& user, const std::string& path, std::string_view content, mode_t mode) {
    const std::string temporary = path + ".new";
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.valid() || ::fchmod(file.get(), mode) != 0 ||
        (::geteuid() == 0 && ::fchown(file.get(), user.uid, user.gid) != 0) ||
        ::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
        ::rename(temporary.c_str(), path.c_str()) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be written: " + std::strerror(errno));
    return {};
}

Result<void> flushFile(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid() || ::fsync(file.get()) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be flushed: " + std::strerror(errno));
    return flushDirectory(std::filesystem::path(path).parent_path().string());
}

Result<void> flushFileSystem(const std::string& path) {
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::syncfs(directory.get()) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be flushed: " + std::strerror(errno));
    return {};
}

Result<void> flushDirectory(const std::string& path) {
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::fsync(directory.get()) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be flushed: " + std::strerror(errno));
    return {};
}

Result<void> makeDirectoryFor(const OsUser& user, const std::string& path) {
    TRY_VOID(removeTree(path));
    if (::mkdir(path.c_str(), 0700) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be made: " + std::strerror(errno));
    if (::geteuid() == 0 && ::lchown(path.c_str(), user.uid, user.gid) != 0)
        return fail(ErrorCode::StorageFailed, path + " cannot be given away: " + std::strerror(errno));
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

Result<void> openTheWay(const std::string& path, const OsUser& user) {
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        bool passable;
        {
            const ActAs acting(user);
            passable = ::faccessat(AT_FDCWD, part.c_str(), X_OK, AT_EACCESS) == 0;
        }
        struct stat status {};
        if (!passable && (::stat(part.c_str(), &status) != 0 || status.st_uid != ::geteuid() ||
                          ::chmod(part.c_str(), (status.st_mode & 07777) | 0011) != 0))
            return fail(ErrorCode::StorageFailed,
                        "the user " + user.name + " cannot reach " + path + " through " + part,
                        "Permit it to search that directory (chmod o+x): the server reads files of ours there.");
        if (slash == std::string::npos) return {};
    }
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
