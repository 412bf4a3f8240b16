// Ctrl-C while waiting. As long as one of these exists SIGINT only sets a flag and makes a descriptor readable, so that
// a wait ends at once and the command can say what goes on without it. One at a time; not for use by several threads.
#pragma once

#include <csignal>
#include <cstdint>

namespace swb::swing {

class InterruptGuard {
  public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;

    static bool requested();
    // Readable once interrupted; -1 while no guard exists.
    static int descriptor();
    // True when interrupted within that time.
    bool waitFor(int64_t milliseconds);

  private:
    struct sigaction before_ {};
};

}  // namespace swb::swing
