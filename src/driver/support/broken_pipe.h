// A write to a program or a peer that has gone must be an error, not a signal that ends the agent: blocked in this
// thread while the object lives.
#pragma once

#include <signal.h>

#include <ctime>

namespace swb::driver {

class IgnoreBrokenPipe {
  public:
    IgnoreBrokenPipe() {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    IgnoreBrokenPipe(const IgnoreBrokenPipe&) = delete;
    IgnoreBrokenPipe& operator=(const IgnoreBrokenPipe&) = delete;
    ~IgnoreBrokenPipe() {
        const timespec none{};
        if (!::sigismember(&before_, SIGPIPE)) ::sigtimedwait(&pipe_, nullptr, &none);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

  private:
    sigset_t pipe_{}, before_{};
};

}  // namespace swb::driver
