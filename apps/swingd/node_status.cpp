// `swingd dns --status`
#include <algorithm>
#include <iostream>

#include "dns_node.h"
#include "node_config.h"
#include "node_state.h"

namespace swb {
namespace {

using dns::transfer::FollowedState;

std::string standingOf(const FollowedState& zone) {
    if (zone.expired) return "expired";
    if (!zone.serial) return "absent";
    return zone.stale ? "stale" : "current";
}

std::string timeText(UnixMs time) {
    return time ? isoTime(time) : "never";
}

}  // namespace

Result<bool> printNodeStatus(const std::string& configFile, bool json) {
    const NodeConfig config = TRY(readNodeConfig(configFile));
    auto state = readNodeState(config.directory);
    if (!state && state.error().code == ErrorCode::NotFound)
        return fail(ErrorCode::NotFound, "there is no " + stateFileOf(config.directory),
                    "the node writes it once it runs: `swingd dns --config " + configFile + "`");
    if (!state) return fail(std::move(state).error());
    const bool running = SystemClock().now() - state->at < stateGoneMs;
    const bool allCurrent = std::all_of(state->zones.begin(), state->zones.end(),
                                        [](const FollowedState& zone) { return standingOf(zone) == "current"; });
    if (json) {
        Json document = toJson(*state);
        document.as_object()["running"] = running;
        std::cout << toPrettyText(document) << "\n";
        return running && allCurrent;
    }
    std::cout << (running ? "the node runs" : "THE NODE DOES NOT RUN; this is how it was at " + isoTime(state->at))
              << "\n";
    for (const FollowedState& zone : state->zones) {
        std::cout << zone.origin.toText() << "  " << standingOf(zone) << "  serial "
                  << (zone.serial ? std::to_string(*zone.serial) : "-") << "  heard " << timeText(zone.lastContactAt)
                  << "  changed " << timeText(zone.lastChangeAt) << "\n";
        if (!zone.lastError.empty()) std::cout << "    " << zone.lastError << "\n";
    }
    return running && allCurrent;
}

}  // namespace swb
