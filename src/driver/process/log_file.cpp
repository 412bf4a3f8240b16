#include "driver/process/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/file.h"

namespace swb::driver {
namespace {

std::string lastBytes(int fd, int64_t size, int64_t wanted) {
    std::string text(static_cast<size_t>(std::min(size, wanted)), '\0');
    size_t have = 0;
    while (have < text.size()) {
        const off_t at = static_cast<off_t>(std::max<int64_t>(0, size - wanted)) + static_cast<off_t>(have);
        const ssize_t got = ::pread(fd, text.data() + have, text.size() - have, at);
        if (got <= 0) break;
        have += static_cast<size_t>(got);
    }
    text.resize(have);
    return text;
}

int64_t sizeOf(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_size : 0;
}

}  // namespace

Result<void> limitLog(const std::string& path, int64_t bytesMax) {
    const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file.valid()) return {};  // nothing was written yet
    const int64_t size = sizeOf(file.get());
    if (size <= bytesMax) return {};
    TRY_VOID(writeFileAtomically(path + ".1", lastBytes(file.get(), size, bytesMax), 0600));
    if (::ftruncate(file.get(), 0) != 0)
        return fail(ErrorCode::StorageFailed, "cannot cut " + path + ": " + std::strerror(errno));
    return {};
}

std::string logTail(const std::string& path, size_t bytesMax) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return {};
    std::string text = lastBytes(file.get(), sizeOf(file.get()), static_cast<int64_t>(bytesMax));
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    for (char& c : text) {
        if (c == '\n') c = '|';
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return text;
}

}  // namespace swb::driver
