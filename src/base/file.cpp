#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fd.h"

namespace swb {
namespace {

tl::unexpected<Error> storageError(std::string_view what, const std::string& path) {
    return fail(ErrorCode::StorageFailed, std::string(what) + " " + path + ": " + std::strerror(errno));
}

Result<void> writeAll(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return storageError("cannot write", path);
        content.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

}  // namespace

Result<std::string> readFile(const std::string& path, size_t maxBytes) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        if (errno == ENOENT) return fail(ErrorCode::NotFound, "there is no file " + path);
        return storageError("cannot open", path);
    }
    std::string content;
    char buffer[16384];
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return storageError("cannot read", path);
        if (got == 0) return content;
        if (content.size() + static_cast<size_t>(got) > maxBytes)
            return fail(ErrorCode::TooLarge, path + " is larger than " + std::to_string(maxBytes) + " bytes");
        content.append(buffer, static_cast<size_t>(got));
    }
}

Result<void> flushDirectoryOf(const std::string& path) {
    auto parent = std::filesystem::path(path).parent_path();
    if (parent.empty()) parent = ".";
    const Fd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) return storageError("cannot open", parent);
    if (::fsync(directory.get()) != 0) return storageError("cannot flush", parent);
    return {};
}

Result<void> writeFlushed(const std::string& path, std::string_view content, mode_t mode) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file.valid()) return storageError("cannot create", path);
    ::fchmod(file.get(), mode);
    TRY_VOID(writeAll(file.get(), content, path));
    if (::fsync(file.get()) != 0) return storageError("cannot flush", path);
    return {};
}

Result<void> replaceFile(const std::string& from, const std::string& path) {
    if (::rename(from.c_str(), path.c_str()) != 0) return storageError("cannot rename to", path);
    return {};
}

Result<void> writeFileAtomically(const std::string& path, std::string_view content, mode_t mode) {
    const std::string temporary = path + ".new";
    TRY_VOID(writeFlushed(temporary, content, mode));
    TRY_VOID(replaceFile(temporary, path));
    return flushDirectoryOf(path);
}

Result<void> appendAndFlush(const std::string& path, std::string_view content, mode_t mode) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode));
    if (!file.valid()) return storageError("cannot open", path);
    TRY_VOID(writeAll(file.get(), content, path));
    if (::fdatasync(file.get()) != 0) return storageError("cannot flush", path);
    return {};
}

Result<void> makeDirectories(const std::string& path, mode_t mode) {
    std::error_code failure;
    if (std::filesystem::is_directory(path, failure)) return {};
    const auto parent = std::filesystem::path(path).parent_path();
    if (!parent.empty() && parent != path) TRY_VOID(makeDirectories(parent, mode));
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return storageError("cannot create", path);
    return {};
}

Result<void> removeFile(const std::string& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return storageError("cannot remove", path);
    }
    return flushDirectoryOf(path);
}

bool fileExists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace swb
