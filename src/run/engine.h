// The run engine: apply(run, input) → new run + effects. No clock, no sockets, no store: the caller commits the new run
// with its effects before it performs any of them, so that a crash at any instruction is answered by Recover.
//
//      pending → running → done ─────────── next step …                          forward
//                   └─ failed ── before the point of no return: turn round
//      done/failed → undoing → undone ───── step before …                        backward, ends failed or aborted
//      after the point of no return a failed step is tried again, for ever, with growing pauses; an operator may skip
//      some.
//
// An outcome that is missing (agent gone, deadline passed, controller restarted) is never assumed: the agent's ledger
// is asked first. Command ids are derived from run, step, attempt: the same run computes the same ids.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "run/run.h"
#include "run/step_kind.h"

namespace swb::run {

struct Start {};
// The agent's word on a command, from an outcome message or from its ledger.
struct CommandOutcome {
    std::string id;
    CommandState state = CommandState::unknown;  // done, failed, or unknown: the agent itself cannot tell
    Json result;
    Error error;
};
struct CommandNeverArrived {
    std::string id;
};
// The sender's word on the sending of that time: there was no connection, nothing was sent.
struct CommandNotSent {
    std::string id;
    UnixMs sentAt = 0;
};
struct CommandStillRunning {
    std::string id;
};
struct ServerLost {
    std::string server;
};
struct ServerBack {
    std::string server;
};
struct Recover {};  // the controller restarted: nothing that was sent is known
struct Tick {};
struct Pause {};
struct Resume {};
struct Retry {};
struct Skip {
    std::string reason;
};
struct Abort {
    std::string reason;
};

using Input = std::variant<Start, CommandOutcome, CommandNeverArrived, CommandNotSent, CommandStillRunning, ServerLost,
                           ServerBack, Recover, Tick, Pause, Resume, Retry, Skip, Abort>;

struct Effect {
    enum class Kind { send, inquire, cancel } kind;
    std::string commandId;
};

struct Transition {
    Run run;
    std::vector<Effect> effects;
    std::vector<std::string> sentences;  // what happened, for the log and the event log
    bool changed = false;                // false: nothing to store
};

// Refused inputs (pause of a finished run, abort after the point of no return) are errors; stale ones are no change.
Result<Transition> apply(const StepCatalogue& catalogue, const Run& run, const Input& input, UnixMs now);

// When the engine wants a Tick at the latest; 0: never.
UnixMs nextTick(const Run& run);

// The command behind an id, with its arguments computed again from the run: what `send` sends.
struct Dispatchable {
    CommandSpec spec;
    std::string step;
};
Result<Dispatchable> commandOf(const StepCatalogue& catalogue, const Run& run, std::string_view commandId);

namespace timing {
constexpr int64_t retryFirstMs = 200, retryMostMs = 5000;
constexpr int64_t deadlineGraceMs = 1500;  // an agent reports its own deadline; this is for its word to arrive
constexpr int64_t askAgainMs = 1000;
}  // namespace timing

}  // namespace swb::run
