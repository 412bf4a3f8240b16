// `swing lab supervise`, in the background: keeps swingd and the two agents running, and ends the world when told to.
//
//     lab.json ─► what to run     hold/NAME: do not start NAME while this file is there
//                                 environment/NAME: KEY=VALUE lines added to NAME's environment at its next start
//     supervisor.json ◄─ pids     log/NAME.log ◄─ what they say
//
// The two control files are for tests and rehearsals: what happens while a part is away, or dies at a fault point.
// Databases, web fronts and processes are the agents' to keep; the supervisor only collects their ends when they die
// (it is the reaper of everything below it), so that nothing stays behind as a zombie.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "driver/support/process_identity.h"
#include "lab/world.h"

namespace swb::lab {

// Runs until SIGTERM or SIGINT, and then ends everything of the lab.
Result<void> supervise(const std::string& directory);
// Starts one in the background. Returns when it is at work.
Result<void> startSupervisor(const World& world);

struct SupervisorFacts {
    driver::ProcessIdentity identity;
    std::map<std::string, pid_t> programs;  // those that run
    std::map<std::string, int64_t> restarts;
};
// Nothing when none is alive.
std::optional<SupervisorFacts> findSupervisor(const std::string& directory);

// While held, a program is not started; one that runs goes on.
Result<void> hold(const World& world, const std::string& program);
Result<void> release(const World& world, const std::string& program);

// KEY=VALUE lines; empty ones and those beginning with # are passed over.
std::map<std::string, std::string> parseEnvironment(std::string_view text);

}  // namespace swb::lab
