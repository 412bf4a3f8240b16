// Work in a process of its own, which may be killed at a fault point (base/fault.h).
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

namespace swb::test {

// Its exit status: 0 when the work succeeded; -1 when it was killed. faultPoint: null for none.
inline int inChild(const char* faultPoint, const std::function<bool()>& work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (faultPoint) ::setenv("SWINGBRIDGE_FAULT", faultPoint, 1);
        ::_exit(work() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace swb::test
