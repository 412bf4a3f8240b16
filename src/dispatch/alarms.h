// Calls back at a time: for steps that only wait. One thread, made with the first alarm.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"

namespace swb::dispatch {

class Alarms {
  public:
    explicit Alarms(const Clock& clock) : clock_(clock) {}
    ~Alarms();

    // The same id again replaces the former alarm. Called back from the alarms' thread, without locks held.
    void set(const std::string& id, UnixMs at, std::function<void()> ring);
    // Whether there was one; it does not ring any more.
    bool cancel(const std::string& id);

  private:
    struct Alarm {
        UnixMs at = 0;
        std::function<void()> ring;
    };
    void run();

    const Clock& clock_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<std::string, Alarm> alarms_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace swb::dispatch
