#include "run/table.h"

#include <array>

namespace swb::run {
namespace {

using enum RunState;

constexpr std::array table = {
    StateRow{planned, "start", running, "the plan is accepted and its first step begins"},
    StateRow{planned, "abort", aborted, "nothing had begun"},
    StateRow{running, "pause", paused, "an operator asked, and no writes are away"},
    StateRow{running, "outcome missing", waiting, "an agent is away or does not know what happened; it will be asked"},
    StateRow{running, "retry later", waiting, "a step failed where the run may only go forward, or an undo failed"},
    StateRow{running, "complete", done, "every step is done and verified"},
    StateRow{running, "rolled back", failed, "a step failed before the point of no return; everything is as it was"},
    StateRow{running, "rolled back", aborted,
             "an operator asked before the point of no return; everything is as it was"},
    StateRow{paused, "resume", running, "an operator resumed it"},
    StateRow{paused, "abort", running, "an operator aborted it: the undo begins"},
    StateRow{waiting, "outcome", running, "the missing outcome arrived"},
    StateRow{waiting, "retry", running, "the time or an operator asked for another attempt"},
    StateRow{waiting, "skip", running, "an operator skipped the step, with a reason"},
    StateRow{waiting, "abort", running, "an operator aborted it: the undo begins"},
    StateRow{waiting, "budget", running, "the outage budget is used up: the undo begins"},
};

}  // namespace

std::span<const StateRow> stateTable() {
    return table;
}

bool isRow(RunState from, std::string_view cause, RunState to) {
    for (const StateRow& row : table)
        if (row.from == from && row.cause == cause && row.to == to) return true;
    return false;
}

std::string stateTableMermaid() {
    std::string out = "stateDiagram-v2\n    [*] --> planned\n";
    for (const StateRow& row : table)
        out += "    " + std::string(nameOf(row.from)) + " --> " + std::string(nameOf(row.to)) + ": " +
               std::string(row.cause) + "\n";
    for (const RunState end : {done, failed, aborted}) out += "    " + std::string(nameOf(end)) + " --> [*]\n";
    return out;
}

}  // namespace swb::run
