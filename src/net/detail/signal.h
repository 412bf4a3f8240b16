// A wake-up for one waiting coroutine, used on the net thread only; other threads post raise() to it. A raise before
// the wait is remembered, several count as one: the waiter looks at its condition again after each.
#pragma once

#include "net/detail/asio.h"

namespace swb::net::detail {

class Signal {
  public:
    explicit Signal(const asio::any_io_executor& executor) : timer_(executor) {}

    void raise() {
        raised_ = true;
        timer_.cancel();
    }
    asio::awaitable<void> wait() { return waitUntil(std::chrono::steady_clock::time_point::max()); }
    asio::awaitable<void> waitUntil(std::chrono::steady_clock::time_point deadline) {
        if (!raised_) {
            IoError ignored;
            timer_.expires_at(deadline);
            co_await timer_.async_wait(into(ignored));
        }
        raised_ = false;
    }

  private:
    asio::steady_timer timer_;
    bool raised_ = false;
};

}  // namespace swb::net::detail
