#include "swing/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/assert.h"

namespace swb::swing {
namespace {

std::atomic<bool> interrupted{false};
std::atomic<int> readEnd{-1}, writeEnd{-1};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void onInterrupt(int) {
    const int saved = errno;
    interrupted = true;
    const char byte = 1;
    if (::write(writeEnd, &byte, 1) < 0) {
        // The pipe is full: it is readable already.
    }
    errno = saved;
}

}  // namespace

InterruptGuard::InterruptGuard() {
    SWB_ASSERT(readEnd < 0, "two interrupt guards at once");
    int ends[2];
    SWB_ASSERT(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "no pipe for interrupts");
    interrupted = false;
    readEnd = ends[0];
    writeEnd = ends[1];
    struct sigaction action {};
    action.sa_handler = onInterrupt;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &before_);
}

InterruptGuard::~InterruptGuard() {
    ::sigaction(SIGINT, &before_, nullptr);
    ::close(readEnd.exchange(-1));
    ::close(writeEnd.exchange(-1));
}

bool InterruptGuard::requested() {
    return interrupted && readEnd >= 0;
}
int InterruptGuard::descriptor() {
    return readEnd;
}

bool InterruptGuard::waitFor(int64_t milliseconds) {
    pollfd entry{readEnd, POLLIN, 0};
    while (!requested()) {
        const int ready = ::poll(&entry, 1, static_cast<int>(milliseconds));
        if (ready == 0) break;
        if (ready < 0 && errno != EINTR) break;
    }
    return requested();
}

}  // namespace swb::swing
