// Waits for a run's end: asks for it again and again, shows it, and outlives a controller that restarts meanwhile (the
// run is durable; losing sight of it for a while is no reason to give up). Ends at the run's end, the time-out or
// Ctrl-C; neither of the latter two touches the run.
#pragma once

#include "swing/api_client.h"
#include "swing/output.h"

namespace swb::swing {

enum class WatchEnd { finished, timedOut, interrupted };

struct Watched {
    WatchEnd end = WatchEnd::finished;
    Json run;            // as last seen
    std::string remark;  // why it was out of sight at the end; empty when it was not
};

class RunWatcher {
  public:
    // timeoutMs 0: no limit.
    RunWatcher(ApiClient& api, const Style& style, int64_t timeoutMs)
        : api_(api), style_(style), timeoutMs_(timeoutMs) {}

    // An error: the controller answers, but not with this run.
    Result<Watched> watch(Json run, bool eraseAtEnd);

    // How long to wait before the next look: often at first (a switch takes a second), then less.
    static int64_t pauseMs(int64_t elapsedMs);

  private:
    ApiClient& api_;
    Style style_;
    int64_t timeoutMs_;
};

}  // namespace swb::swing
