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

Result<void> inParallel(const std::vector<std::function<Result<void>()>>& works) {
    std::vector<Result<void>> done(works.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < works.size(); ++i) threads.emplace_back([&, i] { done[i] = works[i](); });
    for (std::thread& thread : threads) thread.join();
    for (Result<void>& one : done) TRY_VOID(std::move(one));
    return {};
}

}  // namespace swb::lab
