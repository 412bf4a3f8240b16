// The file of acknowledged writes, shared by the writers. Lines are in the order of their times.
#pragma once

#include <cstdio>
#include <mutex>
#include <string>

#include "base/result.h"

namespace swb::bench {

class AcknowledgementLog {
  public:
    AcknowledgementLog() = default;
    AcknowledgementLog(const AcknowledgementLog&) = delete;
    AcknowledgementLog& operator=(const AcknowledgementLog&) = delete;
    ~AcknowledgementLog();

    Result<void> open(const std::string& path);
    // The time is taken inside the lock: that is what keeps the file in order.
    void add(int writer, const std::string& tag);
    Result<size_t> close();  // number of lines

  private:
    std::mutex mutex_;
    FILE* file_ = nullptr;
    size_t lines_ = 0;
    bool failed_ = false;
};

}  // namespace swb::bench
