#include "node_state.h"

#include "base/file.h"
#include "base/log.h"

namespace swb {
namespace {

using dns::transfer::FollowedState;

constexpr size_t stateBytesMax = 4 << 20;

Json timeOrNull(UnixMs time) {
    return time ? Json(time) : Json(nullptr);
}

Json toJson(const FollowedState& zone) {
    return JsonObject{{"zone", zone.origin.toText()},
                      {"serial", zone.serial ? Json(*zone.serial) : Json(nullptr)},
                      {"lastContactAt", timeOrNull(zone.lastContactAt)},
                      {"lastChangeAt", timeOrNull(zone.lastChangeAt)},
                      {"lastError", zone.lastError.empty() ? Json(nullptr) : Json(zone.lastError)},
                      {"stale", zone.stale},
                      {"expired", zone.expired}};
}

Result<FollowedState> zoneFromJson(const Json& value) {
    FollowedState zone;
    zone.origin = TRY(dns::Name::fromText(textAt(value, "zone")));
    if (const Json* serial = memberAt(value, "serial"); serial && !serial->is_null())
        zone.serial = static_cast<uint32_t>(integerAt(value, "serial"));
    zone.lastContactAt = integerAt(value, "lastContactAt");
    zone.lastChangeAt = integerAt(value, "lastChangeAt");
    zone.lastError = textAt(value, "lastError");
    zone.stale = booleanAt(value, "stale");
    zone.expired = booleanAt(value, "expired");
    return zone;
}

}  // namespace

std::string stateFileOf(const std::string& directory) {
    return directory + "/state.json";
}

Json toJson(const NodeState& state) {
    JsonArray zones;
    for (const FollowedState& zone : state.zones) zones.push_back(toJson(zone));
    return JsonObject{{"at", state.at}, {"version", state.version}, {"zones", zones}};
}

Result<NodeState> readNodeState(const std::string& directory) {
    const Json document = TRY(parseJson(TRY(readFile(stateFileOf(directory), stateBytesMax)), stateBytesMax));
    NodeState state;
    state.at = integerAt(document, "at");
    state.version = textAt(document, "version");
    const Json* zones = memberAt(document, "zones");
    if (!zones || !zones->is_array())
        return fail(ErrorCode::InvalidInput, stateFileOf(directory) + " is not a node's state");
    for (const Json& zone : zones->get_array()) state.zones.push_back(TRY(zoneFromJson(zone)));
    return state;
}

void StateFile::update(std::vector<FollowedState> zones) {
    NodeState state{clock_.now(), SWB_VERSION, std::move(zones)};
    NodeState compared = state;
    compared.at = 0;
    for (FollowedState& zone : compared.zones) zone.lastContactAt = 0;
    std::string text = toText(toJson(compared));
    if (text == written_ && clock_.monotonic() - writtenAt_ < stateEveryMs) return;
    writtenAt_ = clock_.monotonic();
    written_ = std::move(text);
    const auto done = writeFileAtomically(path_, toPrettyText(toJson(state)) + "\n", 0644);
    if (!done && !failed_) logError("dns", "the state file is not written: {}", describe(done.error()));
    failed_ = !done;
}

}  // namespace swb
