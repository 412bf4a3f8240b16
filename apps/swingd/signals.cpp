#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>

namespace swb {

Result<Fd> blockSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC));
    if (!fd.valid()) return fail(ErrorCode::StorageFailed, "signalfd failed");
    return fd;
}

}  // namespace swb
