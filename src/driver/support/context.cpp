#include <algorithm>
#include <chrono>
#include <thread>

#include "driver/database_driver.h"
#include "driver/support/timing.h"

namespace swb::driver {

int64_t Context::remainingMs() const {
    return std::max<int64_t>(0, deadline - SystemClock().monotonic());
}

void pause(int64_t milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

MonotonicMs within(const Context& context, int64_t milliseconds) {
    return std::min(context.deadline, SystemClock().monotonic() + milliseconds);
}

Context withDeadline(const Context& context, MonotonicMs deadline) {
    Context shorter = context;
    shorter.deadline = std::min(context.deadline, deadline);
    return shorter;
}

}  // namespace swb::driver
