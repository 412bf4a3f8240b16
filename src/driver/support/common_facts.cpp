#include "driver/support/common_facts.h"

#include <sys/utsname.h>

namespace swb::driver {

JsonObject emptyFacts(const DatabaseSpec& spec, std::initializer_list<std::string_view> own) {
    JsonObject facts{{"name", spec.name},      {"engine", nameOf(spec.engine)},
                     {"running", false},       {"fenced", true},
                     {"reachable", false},     {"role", "unknown"},
                     {"replicas", JsonArray{}}};
    for (const std::string_view name : {"version",
                                        "majorVersion",
                                        "systemId",
                                        "timeline",
                                        "position",
                                        "receivedPosition",
                                        "replayPaused",
                                        "receiverStatus",
                                        "receiverSlot",
                                        "primaryHost",
                                        "primaryPort",
                                        "preparedTransactions",
                                        "longestTransactionSeconds",
                                        "connections",
                                        "maxConnections",
                                        "settings",
                                        "diskFreeBytes",
                                        "dataBytes",
                                        "guard",
                                        "canConnectToPeer",
                                        "peerError",
                                        "certificate",
                                        "error"})
        facts[name] = nullptr;
    for (const std::string_view name : own) facts[name] = nullptr;
    utsname system{};
    facts["architecture"] = ::uname(&system) == 0 ? system.machine : "";
    return facts;
}

Json factsOfNothing(JsonObject empty, const Error& error) {
    empty["role"] = "stopped";
    empty["error"] = describe(error);
    return empty;
}

}  // namespace swb::driver
