#include "step/kind.h"

namespace swb::step {
namespace {

JsonArray specsOf(const std::vector<DatabaseSpec>& databases) {
    JsonArray out;
    for (const DatabaseSpec& spec : databases) out.push_back(toJson(spec));
    return out;
}

Commands act(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const auto& [server, databases] : databasesByServer(subject.from, subject.databases))
        commands.push_back({server, server, "database.fence",
                            JsonObject{{"databases", specsOf(databases)},
                                       {"guard", guardOf(run, "replica")},
                                       {"budgetMs", run.outageBudgetMs}},
                            run.outageBudgetMs});
    return commands;
}

Result<Json> verify(const Run& run, const Step&) {
    std::string ends;
    for (const Subject subject = subjectOf(run); const std::string& name : subject.databases) {
        const Json token = tokenOf(run, name);
        if (token.is_null() || textAt(token, "end").empty())
            return fail(ErrorCode::VerificationFailed, "the fence brought no promotion token for " + name);
        if (integerAt(token, "epoch") != run.epoch)
            return fail(ErrorCode::VerificationFailed, "the promotion token of " + name + " is of another epoch");
        ends += (ends.empty() ? "" : ", ") + name + " ends at " + textAt(token, "end");
    }
    return detail(ends);
}

Commands undo(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const auto& [server, databases] : databasesByServer(subject.from, subject.databases))
        commands.push_back({server, server, "database.unfence",
                            JsonObject{{"databases", specsOf(databases)}, {"guard", guardOf(run, "primary")}}, 30'000});
    return commands;
}

// No command of its own: the fence wrote and read back the guard in the same round trip.
Result<Json> verifyGuard(const Run& run, const Step&) {
    const Step* fence = run.find("fence");
    size_t guards = 0;
    for (const run::CommandRecord& record : fence->commands) {
        if (record.undo || record.attempt != fence->attempts) continue;
        const Json* guard = memberAt(record.result, "guard");
        if (!guard || integerAt(*guard, "epoch") != run.epoch || textAt(*guard, "role") != "replica")
            return fail(ErrorCode::VerificationFailed, record.server + " did not read back its boot guard");
        ++guards;
    }
    return detail(std::to_string(guards) + (guards == 1 ? " server" : " servers") + " at epoch " +
                  std::to_string(run.epoch));
}

}  // namespace

std::unique_ptr<run::StepKind> fenceStep() {
    return kind("fence", act, verify, undo);
}
std::unique_ptr<run::StepKind> bootGuardStep() {
    return kind("boot-guard", nothing, verifyGuard);
}

}  // namespace swb::step
