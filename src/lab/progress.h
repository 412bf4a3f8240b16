// What `lab up` and `lab down` say while they work: one line per step with its time, on stderr.
#pragma once

#include <functional>
#include <mutex>
#include <string>

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

// Both at once, each on a thread of its own; the first error of the two.
Result<void> inParallel(const std::function<Result<void>()>& left, const std::function<Result<void>()>& right);

}  // namespace swb::lab
