// Waiting and deadlines, as drivers use them.
#pragma once

#include "driver/database_driver.h"

namespace swb::driver {

// Milliseconds between polls of a running server or its files, on the outage path.
constexpr int64_t pollMs = 1;
void pause(int64_t milliseconds);
// A deadline in at most this many milliseconds, and never after the context's.
MonotonicMs within(const Context& context, int64_t milliseconds);
Context withDeadline(const Context& context, MonotonicMs deadline);

}  // namespace swb::driver
