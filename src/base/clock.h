// Time comes in through this interface, so that engines and sessions can be run by hand in tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace swb {

using UnixMs = int64_t;       // milliseconds since 1970-01-01T00:00:00Z
using MonotonicMs = int64_t;  // milliseconds of a clock that never steps; only differences mean something

class Clock {
  public:
    virtual ~Clock() = default;
    virtual UnixMs now() const = 0;
    virtual MonotonicMs monotonic() const = 0;
};

class SystemClock final : public Clock {
  public:
    UnixMs now() const override;
    MonotonicMs monotonic() const override;
};

class ManualClock final : public Clock {
  public:
    explicit ManualClock(UnixMs start = 1'700'000'000'000) : now_(start) {}
    UnixMs now() const override { return now_; }
    MonotonicMs monotonic() const override { return monotonic_; }
    void advance(int64_t ms) {
        now_ += ms;
        monotonic_ += ms;
    }

  private:
    UnixMs now_;
    MonotonicMs monotonic_ = 1000;
};

// "2026-11-22T10:15:30.123Z"; empty for 0.
std::string isoTime(UnixMs time);
// Milliseconds of a monotonic clock with microsecond resolution, for measurements.
double preciseMs();

}  // namespace swb
