// Fence and unfence: taking the right to be written to away from this site's databases, and giving it back.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "agent/verbs/arguments.h"
#include "agent/verbs/closing_gate.h"
#include "agent/verbs/parallel.h"
#include "agent/verbs/verbs.h"
#include "base/fault.h"
#include "base/log.h"
#include "model/copy.h"

namespace swb::agent {
namespace {

// Giving writes back must not fail for want of time that the fence used up.
constexpr int64_t undoMs = 10'000;
constexpr int64_t settleMs = 20'000;
constexpr int64_t fenceSeenMs = 1'000;

Result<Json> unfenceOne(VerbCall& call, DatabaseItem& item, BootGuard guard, MonotonicMs deadline) {
    guard.role = "primary";
    guard.fenced = false;
    // The permission first: a start that the guard does not allow would be refused after the next reboot.
    if (auto written = call.services.guards.write(item.key, guard); !written) {
        // A full disk kept the fence from beginning here: then the guard still allows the primary to run.
        const auto present = call.services.guards.read(item.key);
        if (!present || (*present && (*present)->role != "primary")) return fail(written.error());
    }
    driver::Context context = call.context(call.services.databaseState(item.spec));
    context.deadline = deadline;
    context.cancelled = [] { return false; };
    Json facts = TRY(item.driver->unfence(item.spec, context));
    if (facts.is_object()) {
        facts.as_object()["name"] = item.spec.name;
        facts.as_object()["guard"] = toJson(guard);
    }
    return facts;
}

Result<JsonArray> unfenceAll(VerbCall& call, std::vector<DatabaseItem>& items, const BootGuard& guard,
                             MonotonicMs deadline) {
    auto results = inParallel(items, [&](DatabaseItem& item) { return unfenceOne(call, item, guard, deadline); });
    JsonArray facts;
    for (size_t i = 0; i < items.size(); ++i) {
        if (!results[i]) return fail(results[i].error().within("database " + items[i].spec.name));
        facts.push_back(std::move(*results[i]));
    }
    return facts;
}

// Fences one; a failure of any stops the others at their next look.
Result<driver::Token> fenceOne(VerbCall& call, DatabaseItem& item, const BootGuard& guard, MonotonicMs deadline,
                               ClosingGate& gate, std::atomic<bool>& stop) {
    ClosingGate::Place place(gate);
    driver::Context context = call.contextFor(item.spec, deadline);
    context.cancelled = [&call, &stop] { return stop.load() || call.cancelled(); };
    context.beforeClosing = [&] { return place.pass(context.cancelled, deadline); };
    auto written = call.services.guards.write(item.key, guard);
    if (!written) {
        stop = true;
        return fail(written.error());
    }
    auto token = item.driver->fence(item.spec, call.command.epoch, context);
    if (!token) stop = true;
    return token;
}

Json tokensResult(const std::vector<Result<driver::Token>>& tokens, const BootGuard& guard) {
    JsonArray list;
    for (const auto& token : tokens) list.push_back(token->proof);
    return JsonObject{{"tokens", std::move(list)}, {"guard", toJson(guard)}};
}

// Before anything is done: no guard is of a newer epoch.
Result<void> checkGuards(VerbCall& call, const std::vector<DatabaseItem>& items) {
    for (const auto& item : items) {
        const auto present = TRY(call.services.guards.read(item.key));
        if (present && present->group == call.command.group && present->epoch > call.command.epoch)
            return fail(ErrorCode::EpochOld,
                        "the boot guard of " + item.key.text() + " is of epoch " + std::to_string(present->epoch));
    }
    return {};
}

// What was asked of a server goes on without its agent: a stop, for one.
bool awaitFenced(VerbCall& call, const DatabaseItem& item) {
    const MonotonicMs patience = SystemClock().monotonic() + fenceSeenMs;
    while (!booleanAt(inspectDatabase(call, item, nullptr, SystemClock().monotonic() + settleMs), "fenced")) {
        if (SystemClock().monotonic() >= patience) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace

Result<Json> databaseFence(VerbCall& call) {
    auto items = TRY(plainDatabases(call));
    BootGuard guard = TRY(guardArgument(call, "replica"));
    guard.fenced = true;
    const int64_t budgetMs = std::max<int64_t>(integerAt(call.args(), "budgetMs", call.deadline), 1);
    const MonotonicMs deadline = std::min(call.deadline, SystemClock().monotonic() + budgetMs);
    const auto held = TRY(lockDatabases(call, items, deadline));
    TRY_VOID(checkGuards(call, items));
    if (call.cancelled()) return fail(ErrorCode::NotDone, "cancelled before anything was fenced");

    std::atomic<bool> stop{false};
    ClosingGate gate(items.size());
    auto tokens =
        inParallel(items, [&](DatabaseItem& item) { return fenceOne(call, item, guard, deadline, gate, stop); });
    faultPoint("verb", call.command.verb, "fenced");
    const Error* first = firstError(tokens);
    // A fence that is complete stays, even when it was cancelled meanwhile: whoever cancelled unfences by a command.
    if (!first) return tokensResult(tokens, guard);

    // All or none. Cancelled siblings report the stop; the error to tell is the one that caused it.
    for (const auto& token : tokens)
        if (!token && token.error().code != ErrorCode::Interrupted) first = &token.error();
    const Error cause = *first;
    logWarning("fence", "giving writes back: {}", describe(cause));
    const auto back = unfenceAll(call, items, guard, std::max(call.deadline, SystemClock().monotonic() + undoMs));
    if (!back)
        return fail(ErrorCode::OutcomeUnknown,
                    "the fence failed (" + cause.message + ") and could not be undone: " + back.error().message,
                    "repeat database.unfence");
    if (codeClass(cause.code) == ErrorClass::unknown) return fail(ErrorCode::NotDone, cause.message, cause.hint);
    return fail(cause);
}

// The guard is written first, so without it nothing was begun. With every database fenced under the guard of this
// epoch the fence is complete, and fencing again only reads the token. In between, a look cannot tell what a stop will
// still do: repeating it or unfencing ends it.
Result<Json> settleFence(VerbCall& call) {
    auto items = TRY(plainDatabases(call));
    size_t guarded = 0, fenced = 0;
    BootGuard guard;
    for (auto& item : items) {
        const auto present = TRY(call.services.guards.read(item.key));
        if (!present || !present->fenced || present->epoch != call.command.epoch) continue;
        guard = *present;
        ++guarded;
        if (awaitFenced(call, item)) ++fenced;
    }
    if (guarded == 0) return notDone(call, "no database was fenced");
    if (fenced < items.size())
        return interrupted(call, std::to_string(fenced) + " of " + std::to_string(items.size()) +
                                     " databases are fenced behind their guard");
    auto tokens = inParallel(items, [&](DatabaseItem& item) {
        return item.driver->fence(item.spec, call.command.epoch, call.contextFor(item.spec));
    });
    if (const Error* error = firstError(tokens))
        return interrupted(call, "the token cannot be read: " + error->message);
    return tokensResult(tokens, guard);
}

Result<Json> databaseUnfence(VerbCall& call) {
    auto items = TRY(plainDatabases(call));
    const BootGuard guard = TRY(guardArgument(call, "primary"));
    const auto held = TRY(lockDatabases(call, items));
    JsonArray facts = TRY(unfenceAll(call, items, guard, call.deadline));
    return Json(JsonObject{{"databases", std::move(facts)}});
}

Result<Json> settleUnfence(VerbCall& call) {
    auto items = TRY(plainDatabases(call));
    JsonArray databases;
    for (auto& item : items) {
        const auto guard = TRY(call.services.guards.read(item.key));
        Json facts = inspectDatabase(call, item, nullptr, SystemClock().monotonic() + settleMs);
        if (!guard || guard->role != "primary" || textAt(facts, "role") != "primary" || booleanAt(facts, "fenced"))
            return notDone(call, "database " + item.spec.name + " does not run as primary yet");
        databases.push_back(std::move(facts));
    }
    return Json(JsonObject{{"databases", std::move(databases)}});
}

Result<Json> guardRead(VerbCall& call) {
    Arguments reader(call.args());
    const DatabaseKey key{reader.string("application"), reader.string("database")};
    TRY_VOID(reader.finish());
    TRY_VOID(checkedCopyName("application", key.application));
    TRY_VOID(checkedName("database", key.database));
    const auto guard = TRY(call.services.guards.read(key));
    return Json(JsonObject{{"guard", guard ? toJson(*guard) : Json(nullptr)}});
}

}  // namespace swb::agent
