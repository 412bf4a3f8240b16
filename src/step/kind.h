// A step kind from three functions, and what they share. Internal to src/step.
#pragma once

#include "model/application.h"
#include "model/group.h"
#include "run/step_kind.h"

namespace swb::step {

using run::CommandSpec;
using run::Run;
using run::Step;

using Commands = std::vector<CommandSpec>;
using ActFunction = Commands (*)(const Run&, const Step&);
using VerifyFunction = Result<Json> (*)(const Run&, const Step&);

// Defaults: nothing to undo; verified by the verb's own success.
Commands nothing(const Run& run, const Step& step);
Result<Json> succeeded(const Run& run, const Step& step);
std::unique_ptr<run::StepKind> kind(std::string_view name, ActFunction act, VerifyFunction verify = succeeded,
                                    ActFunction undo = nothing);
inline Json detail(std::string sentence) {
    return JsonObject{{"detail", std::move(sentence)}};
}

struct Subject {
    Application from, to;  // empty name when the run has none
    std::vector<std::string> databases;
    bool hasFrom() const { return !from.name.empty(); }
};
Subject subjectOf(const Run& run);

// The chosen databases of an application by server.
std::map<std::string, std::vector<DatabaseSpec>> databasesByServer(const Application& application,
                                                                   const std::vector<std::string>& names);
std::map<std::string, std::vector<WebSpec>> frontsByServer(const Application& application);
// PEER: where the database of that name is reached at the other application.
Json peerOf(const Application& other, const std::string& database);
// Command key of one database of one application: "main@shop-fra".
std::string keyOf(const Application& application, const std::string& database);
JsonArray toJsonArray(const std::vector<WebSpec>& fronts);
// database.prepare-source: databases of `source` take `replica` as their peer; with a slot for it unless that is empty.
Commands prepareSourceCommands(const Run& run, const Application& source, const Application& replica,
                               const std::vector<std::string>& databases, const std::string& slot, int64_t deadlineMs);
// database.end-switch at both sides: puts back what catch-up lowered.
Commands endSwitch(const Subject& subject);
// {group, epoch, role}
Json guardOf(const Run& run, std::string_view role);
// The promotion token that the fence step brought for a database; null when there is none.
Json tokenOf(const Run& run, const std::string& database);

std::unique_ptr<run::StepKind> lockStep();
std::unique_ptr<run::StepKind> catchUpStep();
std::unique_ptr<run::StepKind> maintenanceOnStep();
std::unique_ptr<run::StepKind> maintenanceOffStep();
std::unique_ptr<run::StepKind> fenceStep();
std::unique_ptr<run::StepKind> bootGuardStep();
std::unique_ptr<run::StepKind> takeOverStep();
std::unique_ptr<run::StepKind> activateStep();
std::unique_ptr<run::StepKind> publishAddressStep();
std::unique_ptr<run::StepKind> lowerTtlStep();
std::unique_ptr<run::StepKind> waitTtlStep();
std::unique_ptr<run::StepKind> restoreTtlStep();
std::unique_ptr<run::StepKind> publishElsewhereStep();
std::unique_ptr<run::StepKind> confirmElsewhereStep();
std::unique_ptr<run::StepKind> reverseLinkStep();
std::unique_ptr<run::StepKind> rejoinStep();
std::unique_ptr<run::StepKind> settleStep();
std::unique_ptr<run::StepKind> reportStep();
std::unique_ptr<run::StepKind> requestCertificatesStep();
std::unique_ptr<run::StepKind> signCertificatesStep();
std::unique_ptr<run::StepKind> installCertificatesStep();
std::unique_ptr<run::StepKind> prepareSourceStep();
std::unique_ptr<run::StepKind> prepareTargetStep();
std::unique_ptr<run::StepKind> testSourceStep();
std::unique_ptr<run::StepKind> testReverseStep();
std::unique_ptr<run::StepKind> seedStep();
std::unique_ptr<run::StepKind> linkStep();
std::unique_ptr<run::StepKind> unlinkStep();
std::unique_ptr<run::StepKind> promoteStandaloneStep();
std::unique_ptr<run::StepKind> releaseSourceStep();
std::unique_ptr<run::StepKind> configureStep();
std::unique_ptr<run::StepKind> prepareWebStep();
std::unique_ptr<run::StepKind> applyProcessesStep();
std::unique_ptr<run::StepKind> removeStep();
std::unique_ptr<run::StepKind> forgetStep();
std::unique_ptr<run::StepKind> configureReplicasStep();
std::unique_ptr<run::StepKind> prepareFollowersStep();
std::unique_ptr<run::StepKind> environmentStep();

}  // namespace swb::step
