// What a verb is to the executor: a row of the verb table. Handlers do the work by the drivers and keep to the rules of
// docs/protocol/verbs.md; they know nothing of connections, the ledger or threads.
//
// A handler answers the result, or an error. An error of class `unknown` means just that and is reported so; every
// other error promises that the goal was not reached and that nothing is left that the same verb, or its undo, cannot
// finish.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_directory.h"
#include "agent/applications.h"
#include "agent/boot_guard.h"
#include "agent/drivers.h"
#include "agent/locks.h"
#include "agent/restart_pacing.h"
#include "link/message.h"

namespace swb::agent {

// Everything verbs work with; lives as long as the agent.
struct Services {
    AgentDirectory directory;
    std::string agentVersion;
    Drivers& drivers;
    BootGuards& guards;
    Applications& applications;
    Locks& locks;
    std::shared_ptr<RestartPacing> pacing = std::make_shared<RestartPacing>();  // of the applications' processes

    // Where a driver keeps its keys and records.
    std::string databaseState(const DatabaseSpec& spec) const;
    std::string webState(const WebSpec& web) const;
    std::string processState() const;
    // Whose file systems matter: the agent's own and those of the databases.
    std::vector<std::string> diskPaths() const;
};

// One execution.
struct VerbCall {
    const link::Command& command;
    Services& services;
    MonotonicMs deadline = 0;
    UnixMs startedAt = 0;  // of a command that is settled: when it was begun
    std::function<bool()> cancelled = [] { return false; };
    std::function<void(int64_t done, int64_t total, std::string_view sentence)> progress = [](int64_t, int64_t,
                                                                                              std::string_view) {};

    const Json& args() const { return command.args; }
    driver::Context context(std::string stateDirectory) const;
    // With the state directory of that database, web front or of the processes; ends at the earlier of both deadlines.
    driver::Context contextFor(const DatabaseSpec& spec) const;
    driver::Context contextFor(const DatabaseSpec& spec, MonotonicMs earlier) const;
    driver::Context contextFor(const WebSpec& web) const;
    driver::Context processContext() const;
};

using VerbHandler = Result<Json> (*)(VerbCall& call);

enum class VerbKind {
    reads,    // changes nothing: not written to the ledger, may run twice
    changes,  // written to the ledger, at most once per id
};

struct VerbRow {
    std::string_view name;
    std::string_view sentence;
    VerbKind kind;
    VerbHandler execute;
    // Says what became of an execution that was cut off, by looking; never acts. As a handler's answer: the result,
    // NotDone, or Interrupted when looking does not tell.
    VerbHandler settle;
    std::string_view settleSentence;
    // Writes wait for its end: its threads run before everything ordinary (driver/support/urgency.h).
    bool inOutage = false;
};

std::span<const VerbRow> verbTable();
const VerbRow* findVerb(std::string_view name);

}  // namespace swb::agent
