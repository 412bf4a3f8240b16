#include <algorithm>

#include "driver/database_driver.h"

namespace swb::driver {

int64_t Context::remainingMs() const {
    return std::max<int64_t>(0, deadline - SystemClock().monotonic());
}

}  // namespace swb::driver
