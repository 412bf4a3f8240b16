#include "lab/progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <thread>

namespace swb::lab {

Result<void> Progress::step(const std::string& title, const std::function<Result<void>()>& work) {
    const double before = preciseMs();
    auto done = work();
    if (!quiet_)
        fmt::print(stderr, "  {:<6} {:<58} {:>6.2f} s\n", done ? "ok" : "FAILED", title, (preciseMs() - before) / 1000);
    return done;
}

Result<void> inParallel(const std::function<Result<void>()>& left, const std::function<Result<void>()>& right) {
    Result<void> leftDone, rightDone;
    std::thread other([&] { rightDone = right(); });
    leftDone = left();
    other.join();
    return leftDone ? rightDone : leftDone;
}

}  // namespace swb::lab
