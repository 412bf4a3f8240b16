// A run: one execution of a plan, made of steps. This is the durable record; engine.h moves it from state to state.
//
//   Run ── Step ── CommandRecord          a step acts by commands to agents (or to the controller itself),
//    │      │                             each with an id that the agent's ledger knows
//    │      └─ kind → StepKind            which commands, what proves them, how they are undone
//    └─ subject                           the definitions it works on, as they were when the plan was made
//
// Pure values. Written to the store before any effect happens; read back after a crash.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace swb::run {

enum class RunState { planned, running, paused, waiting, done, failed, aborted };
enum class StepState { pending, running, done, failed, undoing, undone, skipped };
enum class CommandState { sent, unknown, done, failed };
enum class Direction { forward, backward };
// Why a run goes backward: decides whether it ends failed or aborted.
enum class Turn { none, failure, abort };

// What a step wants done. server empty: the controller itself.
struct CommandSpec {
    std::string key;  // unique within the step and direction: "fra-1"
    std::string server;
    std::string verb;
    Json args;
    int64_t deadlineMs = 30'000;
};

struct CommandRecord {
    std::string id;
    std::string key, server, verb;
    bool undo = false;
    int attempt = 1;
    CommandState state = CommandState::sent;
    int64_t deadlineMs = 0;
    UnixMs sentAt = 0, finishedAt = 0;
    UnixMs askedAt = 0;      // when the agent's ledger was last asked
    bool neverLeft = false;  // there was no connection to send it over: it has certainly not begun
    Json result;
    Error error;
    std::string progress;  // newest progress sentence; kept in memory with the run, not worth a commit of its own
};

struct Step {
    std::string name;                  // unique within the run: "fence"
    std::string kind;                  // StepKind's name; often the same
    std::string title;                 // sentence for people
    std::string reason, verify, undo;  // texts of the plan
    std::string server;                // servers it works on, comma separated; "controller"
    Json params;
    bool pointOfNoReturn = false;  // done: the run only goes forward
    bool inOutage = false;         // writes are away while it runs; counted into writeOutageMs
    bool holdsTraffic = false;     // users are held from the first such step to the last: no pause between, budget runs
    bool overlaps = false;         // its commands are sent together with those of the step before
    bool skippable = false;
    StepState state = StepState::pending;
    int attempts = 0;
    UnixMs startedAt = 0, finishedAt = 0, retryAt = 0;
    std::string detail;
    Json result;
    Error error;
    std::vector<CommandRecord> commands;
};

struct Run {
    std::string id, kind, group, from, to;
    int64_t epoch = 0;
    RunState state = RunState::planned;
    Direction direction = Direction::forward;
    Turn turn = Turn::none;
    bool pauseRequested = false;
    bool abortRequested = false;
    int64_t outageBudgetMs = 0;  // 0: no budget
    UnixMs createdAt = 0, startedAt = 0, finishedAt = 0;
    UnixMs heldAt = 0;  // start of the first step that holds traffic: the outage budget counts from here
    UnixMs outageStartedAt = 0, outageEndedAt = 0, pointOfNoReturnAt = 0;
    std::string actor, reason, detail;
    Json subject;  // definitions and options the steps work on
    Json checks;   // readiness result the plan stands on
    Json lost;     // null, or the loss report
    std::vector<Step> steps;

    bool finished() const { return state == RunState::done || state == RunState::failed || state == RunState::aborted; }
    bool pointOfNoReturnPassed() const { return pointOfNoReturnAt != 0; }
    const Step* find(std::string_view step) const;
    int64_t writeOutageMs() const;  // -1 while unknown
};

std::string_view nameOf(RunState state);
std::string_view nameOf(StepState state);
std::string_view nameOf(CommandState state);

// The stored form: everything, times in milliseconds.
Json toStored(const Run& run);
Result<Run> fromStored(const Json& value);
// The published form (DESIGN.md §10): ISO times, no internals.
Json toPublic(const Run& run);

}  // namespace swb::run
