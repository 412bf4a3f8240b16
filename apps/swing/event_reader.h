// Reads a text/event-stream: bytes in, events out. No I/O.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swb::swing {

struct ServerEvent {
    std::string id, type, data;
};

class EventReader {
  public:
    // Takes the next bytes and calls `onEvent` for each event they complete. An event larger than the limit is an
    // error.
    Result<void> take(std::string_view bytes, const std::function<void(const ServerEvent&)>& onEvent);

  private:
    void takeLine(std::string_view line, const std::function<void(const ServerEvent&)>& onEvent);

    std::string pending_;  // a line that has not ended yet
    ServerEvent event_;
    bool hasData_ = false;
    bool endedWithReturn_ = false;  // a line feed right after belongs to that line end
};

}  // namespace swb::swing
