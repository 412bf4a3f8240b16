// The verbs of one database outside the outage.
#include <algorithm>
#include <thread>

#include "agent/verbs/arguments.h"
#include "agent/verbs/verbs.h"
#include "model/copy.h"

namespace swb::agent {
namespace {

constexpr int64_t settleMs = 20'000;
constexpr int64_t promotionSeenMs = 6'000;  // a promotion asked for has happened by then, or never will

// Of a copy: an application, or replicas inside one.
Result<std::string> nameArgument(VerbCall& call, std::string_view key) {
    const std::string name = textAt(call.args(), key);
    TRY_VOID(checkedCopyName(key, name));
    return name;
}

// The guard of a database that changes its role outside a switch: the newest epoch that is known for it.
Result<BootGuard> guardOutsideSwitch(VerbCall& call, const DatabaseKey& key, std::string role) {
    BootGuard guard{call.command.group, call.command.epoch, std::move(role), false, SystemClock().now()};
    const auto present = TRY(call.services.guards.read(key));
    if (present && (guard.group.empty() || guard.group == present->group)) {
        guard.group = present->group;
        guard.epoch = std::max(guard.epoch, present->epoch);
    }
    return guard;
}

}  // namespace

Result<Json> databaseInspect(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const Json* peer = memberAt(call.args(), "peer");
    if (!peer || peer->is_null()) return inspectDatabase(call, item, nullptr, call.deadline);
    const driver::Peer other = TRY(peerFromJson(*peer));
    return inspectDatabase(call, item, &other, call.deadline);
}

Result<Json> databaseCertificateRequest(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto held = TRY(lockDatabases(call, {item}));
    const auto requests = TRY(item.driver->certificateRequests(item.spec, call.contextFor(item.spec)));
    return Json(JsonObject{
        {"serverRequest", requests.server}, {"clientRequest", requests.client}, {"verifier", requests.verifier}});
}

Result<Json> databaseInstallCertificates(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    Arguments reader(call.args());
    const driver::Certificates certificates{reader.string("authority"), reader.string("serverCertificate"),
                                            reader.string("clientCertificate")};
    TRY_VOID(reader.finish());
    const auto held = TRY(lockDatabases(call, {item}));
    return item.driver->installCertificates(item.spec, certificates, call.contextFor(item.spec));
}

Result<Json> databasePrepareSource(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto peer = TRY(requiredPeer(call));
    const std::string application = TRY(nameArgument(call, "application"));
    const auto held = TRY(lockDatabases(call, {item}));
    return item.driver->prepareSource(item.spec, application, peer, textAt(call.args(), "slot"),
                                      call.contextFor(item.spec));
}

Result<Json> databaseTestSource(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto peer = TRY(requiredPeer(call));
    return item.driver->testSource(item.spec, peer, call.contextFor(item.spec));
}

Result<Json> databaseSeed(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto peer = TRY(requiredPeer(call));
    const std::string application = TRY(nameArgument(call, "application"));
    const std::string word = "replace:" + application + "/" + item.spec.name;
    if (textAt(call.args(), "consent") != word)
        return fail(ErrorCode::ConsentRequired, "seeding database " + item.spec.name + " replaces its data",
                    "consent must be the word " + word);
    const auto held = TRY(lockDatabases(call, {item}));
    // A fence is a promise to a run; only that run's own verbs end it.
    const auto present = TRY(call.services.guards.read(item.key));
    if (present && present->fenced && present->group != call.command.group)
        return fail(ErrorCode::GuardRefused, "database " + item.spec.name + " is fenced by group " + present->group);
    // Saved first, and given up only when the plan knew of it (I7).
    const Json onlyHere = TRY(item.driver->saveOnlyHere(item.spec, peer, call.contextFor(item.spec)));
    if (integerAt(onlyHere, "commits") > 0 && !booleanAt(call.args(), "acceptDataLoss"))
        return fail(ErrorCode::ConsentRequired,
                    "database " + item.spec.name + " has what its source has not: " + textAt(onlyHere, "sentence"),
                    "Nothing was changed. Apply what matters at the source, then resync with --accept-data-loss.");
    Json result =
        TRY(item.driver->seed(item.spec, application, peer, textAt(call.args(), "slot"), call.contextFor(item.spec)));
    const BootGuard guard = TRY(guardOutsideSwitch(call, item.key, "replica"));
    TRY_VOID(call.services.guards.write(item.key, guard));
    return result;
}

Result<Json> settleSeed(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto peer = TRY(requiredPeer(call));
    const auto guard = TRY(call.services.guards.read(item.key));
    const Json facts = inspectDatabase(call, item, nullptr, SystemClock().monotonic() + settleMs);
    const bool streams = textAt(facts, "role") == "replica" && textAt(facts, "receiverStatus") == "streaming" &&
                         textAt(facts, "receiverSlot") == textAt(call.args(), "slot") &&
                         textAt(facts, "primaryHost") == peer.host;
    // The guard is written last: with it and a stream from that peer the seed was through.
    // One that streamed all along from its earlier copy proves nothing: the driver notes when a copy was through.
    if (integerAt(facts, "seededAt", INT64_MAX) < call.startedAt)
        return interrupted(call,
                           "database " + item.spec.name + " was not copied yet: the copy goes on, or begins anew");
    // Not "not done": the run would take everything back. Repeating it goes on where the engine can, or copies anew.
    if (!streams || !guard || guard->role != "replica")
        return interrupted(call, "database " + item.spec.name +
                                     " is not a streaming replica of its peer yet: the copy goes on, or begins anew");
    return Json(JsonObject{{"bytes", nullptr},
                           {"seconds", nullptr},
                           {"systemId", textAt(facts, "systemId")},
                           {"position", textAt(facts, "position")}});
}

Result<Json> databaseReleaseSource(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    Arguments reader(call.args());
    const auto slots = reader.strings("slots");
    TRY_VOID(reader.finish());
    const auto held = TRY(lockDatabases(call, {item}));
    return item.driver->releaseSource(item.spec, slots, call.contextFor(item.spec));
}

Result<Json> databasePromoteStandalone(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto held = TRY(lockDatabases(call, {item}));
    const auto before = TRY(call.services.guards.read(item.key));
    const BootGuard guard = TRY(guardOutsideSwitch(call, item.key, "primary"));
    if (call.cancelled()) return fail(ErrorCode::NotDone, "cancelled before the promotion");
    TRY_VOID(call.services.guards.write(item.key, guard));
    auto facts =
        item.driver->promoteStandalone(item.spec, booleanAt(call.args(), "allowLagging"), call.contextFor(item.spec));
    if (!facts) {
        // Refused by a check: nothing was asked of the server, and the permission goes back.
        if (codeClass(facts.error().code) == ErrorClass::refused)
            TRY_VOID(call.services.guards.restore(item.key, before));
        return fail(facts.error());
    }
    if (facts->is_object()) facts->as_object()["guard"] = toJson(guard);
    return facts;
}

Result<Json> settlePromoteStandalone(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto guard = TRY(call.services.guards.read(item.key));
    if (!guard || guard->role != "primary") return notDone(call, "no promotion was allowed");
    const MonotonicMs patience = SystemClock().monotonic() + promotionSeenMs;
    for (;;) {
        Json facts = inspectDatabase(call, item, nullptr, SystemClock().monotonic() + settleMs);
        if (textAt(facts, "role") == "primary") return facts;
        if (SystemClock().monotonic() >= patience)
            return interrupted(call, "database " + item.spec.name + " is not a primary");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

Result<Json> databasePrepareSwitch(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const std::string side = textAt(call.args(), "side");
    if (side != "source" && side != "replica") return fail(ErrorCode::InvalidInput, "side must be source or replica");
    const auto peer = TRY(requiredPeer(call));
    const auto held = TRY(lockDatabases(call, {item}));
    auto facts =
        side == "source"
            ? item.driver->prepareSwitchSource(item.spec, textAt(call.args(), "slot"), call.contextFor(item.spec))
            : item.driver->prepareSwitchReplica(item.spec, peer, integerAt(call.args(), "lagBytesMax"),
                                                call.contextFor(item.spec));
    if (facts && facts->is_object()) facts->as_object()["guard"] = call.services.guards.facts(item.key);
    return facts;
}

Result<Json> databaseEndSwitch(VerbCall& call) {
    const DatabaseItem item = TRY(oneDatabase(call));
    const auto held = TRY(lockDatabases(call, {item}));
    return item.driver->endSwitch(item.spec, call.contextFor(item.spec));
}

}  // namespace swb::agent
