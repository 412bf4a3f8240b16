// What a node without a controller knows about its zones, in a file: it has no API.
//
//     node ─▶ StateFile::update ─▶ DATA/state.json ─▶ `swingd dns --status`, monitoring, the node's next start
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "dns/transfer/follower.h"

namespace swb {

struct NodeState {
    UnixMs at = 0;  // when it was written
    std::string version;
    std::vector<dns::transfer::FollowedState> zones;
};

// How often a node writes it when nothing changes, and when one that has not been written means that the node is gone.
constexpr int64_t stateEveryMs = 5'000;
constexpr int64_t stateGoneMs = 3 * stateEveryMs;

std::string stateFileOf(const std::string& directory);
Json toJson(const NodeState& state);
Result<NodeState> readNodeState(const std::string& directory);

class StateFile {
  public:
    StateFile(const std::string& directory, const Clock& clock) : path_(stateFileOf(directory)), clock_(clock) {}

    // Writes when something but the time of the last contact differs, and now and then. What cannot be written is
    // logged: answering goes on.
    void update(std::vector<dns::transfer::FollowedState> zones);

  private:
    const std::string path_;
    const Clock& clock_;
    std::string written_;
    MonotonicMs writtenAt_ = 0;
    bool failed_ = false;
};

}  // namespace swb
