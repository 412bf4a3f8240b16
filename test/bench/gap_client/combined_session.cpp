#include "gap_client/combined_session.h"

#include <algorithm>

namespace swb::bench {

bool CombinedSession::connected() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->connected(); });
}

Trouble CombinedSession::connect() {
    // Every part gets its attempt: none waits for another to be found.
    Trouble first;
    for (const auto& part : parts_) {
        if (part->connected()) continue;
        const Trouble trouble = part->connect();
        if (first.empty()) first = trouble;
    }
    return first;
}

Trouble CombinedSession::insert(const std::string& tag) {
    for (const auto& part : parts_)
        if (const Trouble trouble = part->insert(tag); !trouble.empty()) return trouble;
    return {};
}

}  // namespace swb::bench
