// Where the fences of several databases meet: each says that nothing hinders it any more, and none takes writes away
// before all have said so. So one that refuses costs the others no outage, and the outage of all is the longest one's.
//
//   PostgreSQL  look, connect ───────► ready ║ stop ───────────► token
//   MariaDB     look ─► ready ···············║ lock ─► token
//   Redis       look ─► ready ···············║ pause ─► token
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/clock.h"
#include "base/result.h"

namespace swb::agent {

class ClosingGate {
  public:
    explicit ClosingGate(size_t places) : missing_(places) {}

    // One database's part in it, to be made before its fence begins and kept until it has ended.
    class Place {
      public:
        explicit Place(ClosingGate& gate) : gate_(gate) {}
        // One that has ended, also because it was closed already, keeps nobody waiting.
        ~Place() { arrive(); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

        // Returns when every database is ready. Interrupted when `cancelled` says so, also after the last one came, or
        // when one is not ready in time: the error to tell is that one's.
        Result<void> pass(const std::function<bool()>& cancelled, MonotonicMs deadline);

      private:
        void arrive();
        ClosingGate& gate_;
        bool arrived_ = false;
    };

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    size_t missing_;
};

}  // namespace swb::agent
