#include "swing/run_watcher.h"

#include "base/clock.h"
#include "swing/context.h"
#include "swing/interrupt.h"
#include "swing/run_progress.h"
#include "swing/run_view.h"

namespace swb::swing {
namespace {

// The controller is away, restarting or overloaded: the run may still be there a moment later.
bool isPassing(const Error& error) {
    switch (error.code) {
        case ErrorCode::Unreachable:
        case ErrorCode::DeadlineExceeded:
        case ErrorCode::OutcomeUnknown:
        case ErrorCode::Busy:
            return true;
        default:
            return false;
    }
}

}  // namespace

int64_t RunWatcher::pauseMs(int64_t elapsedMs) {
    if (elapsedMs < 3000) return 50;
    if (elapsedMs < 30'000) return 200;
    return 500;
}

Result<Watched> RunWatcher::watch(Json run, bool eraseAtEnd) {
    InterruptGuard interrupt;
    const SystemClock clock;
    const MonotonicMs start = clock.monotonic();
    const std::string id = textAt(run, "id");
    RunProgress progress(style_);
    Watched watched{WatchEnd::finished, std::move(run), ""};
    for (;;) {
        const int64_t elapsed = clock.monotonic() - start;
        progress.remark(watched.remark);
        progress.show(watched.run, elapsed);
        if (isFinished(watched.run)) break;
        if (timeoutMs_ > 0 && elapsed >= timeoutMs_) watched.end = WatchEnd::timedOut;
        if (interrupt.waitFor(pauseMs(elapsed))) watched.end = WatchEnd::interrupted;
        if (watched.end != WatchEnd::finished) break;
        auto answer = api_.get(Path("runs") / id);
        if (interrupt.requested()) {
            watched.end = WatchEnd::interrupted;
            break;
        }
        if (answer) {
            watched.run = unwrapped(*answer, "run");
            watched.remark.clear();
        } else if (isPassing(answer.error())) {
            watched.remark = "the controller is out of sight, looking again: " + answer.error().message;
        } else {
            progress.finish(false);
            return fail(answer.error());
        }
    }
    progress.finish(eraseAtEnd && watched.end == WatchEnd::finished);
    return watched;
}

}  // namespace swb::swing
