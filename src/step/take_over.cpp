#include <algorithm>
#include <set>

#include "step/kind.h"

namespace swb::step {
namespace {

// What is left of the outage budget when this step began, less the time an undo needs to begin.
int64_t awaitMs(const Run& run, const Step& step) {
    const int64_t used = run.heldAt && step.startedAt ? step.startedAt - run.heldAt : 0;
    return std::max<int64_t>(100, run.outageBudgetMs - used - 200);
}

Commands act(const Run& run, const Step& step) {
    const Subject subject = subjectOf(run);
    const int64_t await = awaitMs(run, step);
    Commands commands;
    for (const auto& [server, databases] : databasesByServer(subject.to, subject.databases)) {
        JsonArray entries;
        for (const DatabaseSpec& spec : databases)
            entries.push_back(JsonObject{{"database", toJson(spec)}, {"token", tokenOf(run, spec.name)}});
        commands.push_back({server, server, "database.take-over",
                            JsonObject{{"databases", entries},
                                       {"awaitMs", await},
                                       {"group", run.group},
                                       {"epoch", run.epoch},
                                       {"mode", textAt(step.params, "mode")}},
                            await + 15'000});
    }
    return commands;
}

bool hasTimeline(const Json& token) {
    const Json* timeline = memberAt(token, "timeline");
    return timeline && !timeline->is_null();
}

// The last position of the old primary is the first of the new one; where the engine counts promotions, by one more.
bool isAtToken(const Json& promoted, const Json& token) {
    return textAt(promoted, "switchPoint") == textAt(token, "end") &&
           (!hasTimeline(token) || integerAt(promoted, "timeline") == integerAt(token, "timeline") + 1);
}

Result<Json> verify(const Run& run, const Step& step) {
    if (textAt(step.params, "mode") == "await") return detail("every replica is at its token");
    std::string sentence;
    std::set<std::string> missing;
    for (const Subject subject = subjectOf(run); const std::string& name : subject.databases) missing.insert(name);
    for (const run::CommandRecord& record : step.commands) {
        if (record.undo || record.attempt != step.attempts) continue;
        const Json* list = memberAt(record.result, "databases");
        if (!list || !list->is_array())
            return fail(ErrorCode::VerificationFailed, record.server + " reported no databases");
        for (const Json& database : list->get_array()) {
            const std::string name = textAt(database, "name");
            const Json token = tokenOf(run, name);
            if (token.is_null() || !isAtToken(database, token))
                return fail(ErrorCode::VerificationFailed, name + " was not promoted exactly at its token");
            missing.erase(name);
            sentence += (sentence.empty() ? "" : ", ") + name + " from " + textAt(database, "switchPoint");
            if (hasTimeline(token)) sentence += " on timeline " + std::to_string(integerAt(database, "timeline"));
        }
    }
    if (!missing.empty())
        return fail(ErrorCode::VerificationFailed, "nobody reported the promotion of " + *missing.begin());
    return detail(sentence);
}

}  // namespace

std::unique_ptr<run::StepKind> takeOverStep() {
    return kind("take-over", act, verify);
}

}  // namespace swb::step
