// Take-over: the standby site's databases become primaries, all or none.
//
//   await tokens ──all──► guards say primary ──all──► promote ──all──► done
//        │ any not                 │
//        └► failed, nothing done   └ point of no return: from here on the verb never says "failed"
//
// The guards are written before the first promotion is asked for. So a guard that still says "replica" proves that no
// promotion is on its way, and only then may an interrupted take-over be called not done: the controller gives writes
// back to the old site on that word.
#include <algorithm>
#include <atomic>
#include <thread>

#include "agent/verbs/arguments.h"
#include "agent/verbs/parallel.h"
#include "agent/verbs/verbs.h"
#include "base/fault.h"
#include "base/log.h"

namespace swb::agent {
namespace {

constexpr int64_t alreadyReachedMs = 1'000;  // mode promote: the tokens were reached before
constexpr int64_t settleMs = 20'000;
// A promotion that was asked for takes some 60 ms. Waiting longer would lengthen the write outage: "unknown" makes the
// controller repeat the take-over, which completes it.
constexpr int64_t promotionSeenMs = 300;

struct Replica {
    DatabaseItem item;
    int64_t reachedAfterMs = 0;
    std::optional<BootGuard> before;
};

// The guards of this epoch say primary: an earlier take-over of this epoch got past its barrier.
Result<bool> promotionWasAllowed(VerbCall& call, const std::vector<DatabaseItem>& items) {
    for (const auto& item : items) {
        const auto guard = TRY(call.services.guards.read(item.key));
        if (guard && guard->role == "primary" && guard->epoch == call.command.epoch &&
            guard->group == call.command.group)
            return true;
    }
    return false;
}

Result<void> awaitTokens(VerbCall& call, std::vector<Replica>& replicas, MonotonicMs deadline) {
    const MonotonicMs begun = SystemClock().monotonic();
    std::atomic<bool> stop{false};
    auto results = inParallel(replicas, [&](Replica& replica) -> Result<Json> {
        driver::Context context = call.contextFor(replica.item.spec, deadline);
        context.cancelled = [&call, &stop] { return stop.load() || call.cancelled(); };
        auto reached = replica.item.driver->awaitToken(replica.item.spec, replica.item.token, context);
        if (!reached) stop = true;
        replica.reachedAfterMs = SystemClock().monotonic() - begun;
        return reached;
    });
    const Error* cause = firstError(results);
    if (!cause) return {};
    for (const auto& result : results)  // the one that stopped the others
        if (!result && result.error().code != ErrorCode::Interrupted) cause = &result.error();
    // Nothing was promoted, whatever a driver calls its failure.
    if (codeClass(cause->code) == ErrorClass::unknown)
        return fail(ErrorCode::NotDone, "nothing was promoted: " + cause->message, cause->hint);
    return fail(*cause);
}

// The guards that will allow it are written beside the present ones while the tokens are awaited.
std::future<Result<void>> preparedGuards(VerbCall& call, const std::vector<DatabaseKey>& keys, const BootGuard& guard) {
    return std::async(std::launch::async, [&call, &keys, &guard]() -> Result<void> {
        for (const auto& key : keys) TRY_VOID(call.services.guards.prepare(key, guard));
        return {};
    });
}

// All guards, or as before.
Result<void> allowPromotion(VerbCall& call, std::vector<Replica>& replicas, const std::vector<DatabaseKey>& keys,
                            const BootGuard& guard) {
    for (auto& replica : replicas) replica.before = TRY(call.services.guards.read(replica.item.key));
    const auto committed = call.services.guards.commit(keys, guard);
    if (committed) return {};
    for (auto& replica : replicas)
        if (auto back = call.services.guards.restore(replica.item.key, replica.before); !back)
            return fail(ErrorCode::OutcomeUnknown,
                        "the boot guards are neither as before nor written: " + back.error().message);
    return fail(committed.error());
}

Result<Json> promoteAll(VerbCall& call, std::vector<Replica>& replicas) {
    auto results = inParallel(replicas, [&](Replica& replica) {
        driver::Context context = call.contextFor(replica.item.spec);
        context.cancelled = [] { return false; };
        return replica.item.driver->promote(replica.item.spec, replica.item.token, context);
    });
    JsonArray databases;
    for (size_t i = 0; i < replicas.size(); ++i) {
        if (!results[i])
            return fail(ErrorCode::OutcomeUnknown,
                        "the promotion of " + replicas[i].item.key.text() +
                            " was allowed and is not verified: " + describe(results[i].error()),
                        "repeat the take-over: after this point a run only goes forward");
        JsonObject entry{{"name", replicas[i].item.spec.name}};
        if (results[i]->is_object())
            for (const auto& member : results[i]->get_object()) entry[member.key()] = member.value();
        entry["reachedAfterMs"] = replicas[i].reachedAfterMs;
        databases.push_back(std::move(entry));
    }
    return Json(JsonObject{{"databases", std::move(databases)}, {"promotedAt", SystemClock().now()}});
}

Json awaitedResult(const std::vector<Replica>& replicas) {
    JsonArray databases;
    for (const auto& replica : replicas)
        databases.push_back(JsonObject{{"name", replica.item.spec.name}, {"reachedAfterMs", replica.reachedAfterMs}});
    return JsonObject{{"databases", std::move(databases)}, {"promotedAt", nullptr}};
}

Result<std::vector<Replica>> replicasOf(VerbCall& call) {
    std::vector<Replica> replicas;
    auto items = TRY(describedDatabases(call));
    for (auto& item : items) {
        if (item.token.proof.is_null())
            return fail(ErrorCode::InvalidInput, "database " + item.spec.name + " comes without its token");
        if (integerAt(item.token.proof, "epoch", -1) != call.command.epoch)
            return fail(ErrorCode::EpochOld, "the token of database " + item.spec.name + " is of another epoch");
        replicas.push_back(Replica{std::move(item), 0, std::nullopt});
    }
    return replicas;
}

Result<void> checkOwnEpoch(VerbCall& call) {
    Arguments reader(call.args());
    const std::string group = reader.string("group", call.command.group);
    const int64_t epoch = reader.integer("epoch", call.command.epoch);
    TRY_VOID(reader.finish());
    if (group != call.command.group || epoch != call.command.epoch)
        return fail(ErrorCode::InvalidInput, "group and epoch must be the command's own");
    return {};
}

}  // namespace

Result<Json> databaseTakeOver(VerbCall& call) {
    TRY_VOID(checkOwnEpoch(call));
    auto replicas = TRY(replicasOf(call));
    std::vector<DatabaseItem> items;
    std::vector<DatabaseKey> keys;
    for (const auto& replica : replicas) {
        items.push_back(replica.item);
        keys.push_back(replica.item.key);
    }
    const std::string mode = textAt(call.args(), "mode", "all");
    if (mode != "all" && mode != "await" && mode != "promote")
        return fail(ErrorCode::InvalidInput, "mode must be all, await or promote");
    const int64_t awaitMs =
        mode == "promote" ? alreadyReachedMs : std::max<int64_t>(integerAt(call.args(), "awaitMs", 0), 1);

    const MonotonicMs awaitDeadline = std::min(call.deadline, SystemClock().monotonic() + awaitMs);
    // A server that hangs keeps those who look at it, and the old site waits for writes: no longer than for the token.
    const auto held = lockDatabases(call, items, mode == "promote" ? call.deadline : awaitDeadline);
    if (!held) {
        const auto wasAllowed = promotionWasAllowed(call, items);
        if (!wasAllowed || *wasAllowed)
            return fail(ErrorCode::OutcomeUnknown,
                        "the promotion was allowed and is not verified: " + held.error().message,
                        "repeat the take-over: after this point a run only goes forward");
        return fail(ErrorCode::NotDone, "nothing was promoted: " + held.error().message, held.error().hint);
    }
    const bool allowed = TRY(promotionWasAllowed(call, items));
    if (!allowed) {
        const BootGuard guard{call.command.group, call.command.epoch, "primary", false, SystemClock().now()};
        auto prepared = mode == "await" ? std::future<Result<void>>() : preparedGuards(call, keys, guard);
        TRY_VOID(awaitTokens(call, replicas, awaitDeadline));
        faultPoint("verb", call.command.verb, "reached");
        if (mode == "await") return awaitedResult(replicas);
        if (call.cancelled()) return fail(ErrorCode::NotDone, "cancelled before anything was promoted");
        TRY_VOID(prepared.get());
        TRY_VOID(allowPromotion(call, replicas, keys, guard));
        faultPoint("verb", call.command.verb, "allowed");
    } else if (mode == "await") {
        return awaitedResult(replicas);
    }
    return promoteAll(call, replicas);
}

Result<Json> settleTakeOver(VerbCall& call) {
    auto replicas = TRY(replicasOf(call));
    std::vector<DatabaseItem> items;
    for (const auto& replica : replicas) items.push_back(replica.item);
    const auto allowed = promotionWasAllowed(call, items);
    if (!allowed) return interrupted(call, allowed.error().message);
    if (!*allowed) return notDone(call, "nothing was promoted");
    // A promotion that was asked for may still be on its way, so a replica seen in recovery proves nothing.
    const MonotonicMs patience = SystemClock().monotonic() + promotionSeenMs;
    for (const auto& item : items)
        while (textAt(inspectDatabase(call, item, nullptr, call.deadline), "role") != "primary") {
            if (SystemClock().monotonic() >= patience)
                return interrupted(call,
                                   "the promotion was allowed; database " + item.spec.name + " is no primary yet");
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    // Every one is a primary: promote() of a primary verifies and promotes nothing.
    auto verified = promoteAll(call, replicas);
    if (!verified) return interrupted(call, verified.error().message);
    return verified;
}

Result<Json> databaseRejoin(VerbCall& call) {
    auto items = TRY(describedDatabases(call));
    const std::string application = textAt(call.args(), "application");
    TRY_VOID(checkedName("application", application));
    for (const auto& item : items)
        if (item.peer.host.empty() || item.token.proof.is_null())
            return fail(ErrorCode::InvalidInput, "database " + item.spec.name + " needs its peer and its token");
    const auto held = TRY(lockDatabases(call, items));
    auto results = inParallel(items, [&](DatabaseItem& item) -> Result<Json> {
        // Whatever the guard said before, from now on this server's copy is a replica of that epoch.
        BootGuard guard{call.command.group, call.command.epoch, "replica", true, SystemClock().now()};
        TRY_VOID(call.services.guards.write(item.key, guard));
        Json joined = TRY(
            item.driver->rejoin(item.spec, application, item.peer, item.slot, item.token, call.contextFor(item.spec)));
        guard.fenced = false;
        TRY_VOID(call.services.guards.write(item.key, guard));
        if (joined.is_object()) joined.as_object()["name"] = item.spec.name;
        return joined;
    });
    JsonArray databases;
    for (size_t i = 0; i < items.size(); ++i) {
        if (!results[i]) return fail(results[i].error().within("database " + items[i].spec.name));
        databases.push_back(std::move(*results[i]));
    }
    return Json(JsonObject{{"databases", std::move(databases)}});
}

// The guard is freed last, so a replica whose guard is of this epoch and not fenced has rejoined.
Result<Json> settleRejoin(VerbCall& call) {
    auto items = TRY(describedDatabases(call));
    JsonArray databases;
    for (auto& item : items) {
        const auto guard = TRY(call.services.guards.read(item.key));
        const Json facts = inspectDatabase(call, item, nullptr, SystemClock().monotonic() + settleMs);
        if (!guard || guard->fenced || guard->epoch != call.command.epoch || textAt(facts, "role") != "replica")
            return notDone(call, "database " + item.spec.name + " has not rejoined");
        databases.push_back(JsonObject{{"name", item.spec.name}, {"streamingAfterMs", nullptr}, {"rewound", false}});
    }
    return Json(JsonObject{{"databases", std::move(databases)}});
}

}  // namespace swb::agent
