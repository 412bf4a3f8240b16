#include "base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/log.h"

namespace swb {

void faultPoint(std::string_view area, std::string_view subject, std::string_view moment) {
    // Asked each time: a test's child process sets it after the fork, whatever its parent has passed.
    const char* const wanted = std::getenv("SWINGBRIDGE_FAULT");
    if (!wanted || !*wanted) [[likely]]
        return;
    std::string point(area);
    point.append(".").append(subject).append(".").append(moment);
    if (point != wanted) return;
    if (const char* once = std::getenv("SWINGBRIDGE_FAULT_ONCE"); once && *once) {
        const int fd = ::open(once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) return;
        ::close(fd);
    }
    logWarning("fault", "killed at fault point {}", point);
    ::kill(::getpid(), SIGKILL);
    ::pause();
}

}  // namespace swb
