// Assertions that stay in release builds: a controller that contradicts itself must stop, not guess.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace swb {
[[noreturn]] inline void assertionFailed(const char* condition, const char* why, const char* file, int line) {
    std::fprintf(stderr, "SWB-BUG: %s (%s) at %s:%d\n", why, condition, file, line);
    std::abort();
}
}  // namespace swb

#define SWB_ASSERT(condition, why) \
    ((condition) ? static_cast<void>(0) : ::swb::assertionFailed(#condition, why, __FILE__, __LINE__))
