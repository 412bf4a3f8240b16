// What `lab up` and `lab down` say while they work: one line per step with its time, on stderr.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace swb::lab {

class Progress {
  public:
    explicit Progress(bool quiet) : quiet_(quiet) {}
    // Does the step and says so, with the time it took.
    Result<void> step(const std::string& title, const std::function<Result<void>()>& work);
    double totalSeconds() const { return (preciseMs() - startedAt_) / 1000; }

  private:
    const bool quiet_;
    const double startedAt_ = preciseMs();
};

// All at once, each on a thread of its own; the first error in their order.
Result<void> inParallel(const std::vector<std::function<Result<void>()>>& works);

}  // namespace swb::lab
