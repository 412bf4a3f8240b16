#include "step/kind.h"

namespace swb::step {
namespace {

constexpr int64_t prepareMs = 60'000;  // a first time makes keys and may wait for a reload

Commands test(const Application& here, const Application& there, const std::vector<std::string>& databases) {
    Commands commands;
    for (const std::string& name : databases) {
        const DatabaseSpec& spec = here.databases.at(name);
        commands.push_back({keyOf(here, name), spec.server, "database.test-source",
                            JsonObject{{"database", toJson(spec)}, {"peer", peerOf(there, name)}}, 20'000});
    }
    return commands;
}

Commands release(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    if (!subject.hasFrom()) return commands;
    for (const std::string& name : subject.databases) {
        const DatabaseSpec& spec = subject.from.databases.at(name);
        commands.push_back(
            {keyOf(subject.from, name), spec.server, "database.release-source",
             JsonObject{{"database", toJson(spec)}, {"slots", JsonArray{Json(Link::slotFor(subject.to.name))}}},
             30'000});
    }
    return commands;
}

Commands prepareSource(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    return prepareSourceCommands(run, subject.from, subject.to, subject.databases, Link::slotFor(subject.to.name),
                                 prepareMs);
}

Commands prepareTarget(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    return prepareSourceCommands(run, subject.to, subject.from, subject.databases, "", prepareMs);
}

Commands testSource(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    return test(subject.to, subject.from, subject.databases);
}

Commands testReverse(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    return test(subject.from, subject.to, subject.databases);
}

Commands seed(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const std::string& name : subject.databases) {
        const DatabaseSpec& spec = subject.to.databases.at(name);
        commands.push_back({keyOf(subject.to, name), spec.server, "database.seed",
                            JsonObject{{"database", toJson(spec)},
                                       {"application", subject.to.name},
                                       {"peer", peerOf(subject.from, name)},
                                       {"slot", Link::slotFor(subject.to.name)},
                                       {"consent", "replace:" + subject.to.name + "/" + name},
                                       {"acceptDataLoss", booleanAt(run.subject, "acceptDataLoss")}},
                            7 * 24 * 3600'000LL});
    }
    return commands;
}

// What replicates from the target found its slot and its right gone with the old data.
Commands prepareFollowers(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    const Json* followers = memberAt(run.subject, "followers");
    if (!followers || !followers->is_array()) return commands;
    for (const Json& value : followers->get_array()) {
        const auto follower = copyFromJson(value);
        if (!follower) continue;
        std::vector<std::string> databases;
        for (const std::string& name : subject.databases)
            if (follower->databases.count(name)) databases.push_back(name);
        for (CommandSpec& command :
             prepareSourceCommands(run, subject.to, *follower, databases, Link::slotFor(follower->name), prepareMs)) {
            command.key += ">" + follower->name;
            commands.push_back(std::move(command));
        }
    }
    return commands;
}

// What happened to the old data where there was a choice, and what was lost with it: the run's loss report.
Result<Json> verifySeed(const Run&, const Step& step) {
    std::string sentence;
    JsonArray lost;
    for (const run::CommandRecord& record : step.commands) {
        if (record.undo || record.attempt != step.attempts) continue;
        const std::string reason = textAt(record.result, "copiedBecause");
        const Json* saved = memberAt(record.result, "saved");
        std::string part = booleanAt(record.result, "rewound") ? "rewound" : reason.empty() ? "" : "copied: " + reason;
        if (saved && saved->is_object()) {
            part += (part.empty() ? "" : "; ") + ("it alone had " + textAt(*saved, "sentence"));
            JsonObject report = saved->as_object();
            report["database"] = record.key;
            if (integerAt(*saved, "commits") > 0) lost.push_back(std::move(report));
        }
        if (!part.empty()) sentence += (sentence.empty() ? "" : ", ") + record.key + " " + part;
    }
    Json result = detail(sentence);
    if (!lost.empty()) result.as_object()["lost"] = std::move(lost);
    return result;
}

Commands promoteStandalone(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const std::string& name : subject.databases) {
        const DatabaseSpec& spec = subject.to.databases.at(name);
        commands.push_back(
            {keyOf(subject.to, name), spec.server, "database.promote-standalone",
             JsonObject{{"database", toJson(spec)}, {"allowLagging", booleanAt(run.subject, "acceptDataLoss")}},
             60'000});
    }
    return commands;
}

Commands link(const Run&, const Step&) {
    return {{"controller", "", "controller.link", JsonObject{}, 10'000}};
}
Commands unlink(const Run&, const Step&) {
    return {{"controller", "", "controller.unlink", JsonObject{}, 10'000}};
}

}  // namespace

std::unique_ptr<run::StepKind> prepareSourceStep() {
    return kind("prepare-source", prepareSource, succeeded, release);
}
std::unique_ptr<run::StepKind> prepareTargetStep() {
    return kind("prepare-target", prepareTarget);
}
std::unique_ptr<run::StepKind> testSourceStep() {
    return kind("test-source", testSource);
}
std::unique_ptr<run::StepKind> testReverseStep() {
    return kind("test-reverse", testReverse);
}
std::unique_ptr<run::StepKind> seedStep() {
    return kind("seed", seed, verifySeed);
}
std::unique_ptr<run::StepKind> promoteStandaloneStep() {
    return kind("promote-standalone", promoteStandalone);
}
std::unique_ptr<run::StepKind> prepareFollowersStep() {
    return kind("prepare-followers", prepareFollowers);
}
std::unique_ptr<run::StepKind> releaseSourceStep() {
    return kind("release-source", release);
}
std::unique_ptr<run::StepKind> linkStep() {
    return kind("link", link, succeeded, unlink);
}
std::unique_ptr<run::StepKind> unlinkStep() {
    return kind("unlink", unlink);
}

}  // namespace swb::step
