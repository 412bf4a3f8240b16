#include "step/kind.h"

namespace swb::step {
namespace {

// What can be done while writes still go on: dirty pages flushed, the replica near the end, its retry pauses short.
Commands act(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    const int64_t lagBytesMax = integerAt(run.subject, "lagBytesMax", 16 << 20);
    Commands commands;
    for (const std::string& name : subject.databases) {
        const DatabaseSpec& source = subject.from.databases.at(name);
        const DatabaseSpec& replica = subject.to.databases.at(name);
        commands.push_back({keyOf(subject.from, name), source.server, "database.prepare-switch",
                            JsonObject{{"database", toJson(source)},
                                       {"side", "source"},
                                       {"peer", peerOf(subject.to, name)},
                                       {"slot", Link::slotFor(subject.to.name)},
                                       {"lagBytesMax", lagBytesMax}},
                            120'000});
        commands.push_back({keyOf(subject.to, name), replica.server, "database.prepare-switch",
                            JsonObject{{"database", toJson(replica)},
                                       {"side", "replica"},
                                       {"peer", peerOf(subject.from, name)},
                                       {"slot", Link::slotFor(subject.to.name)},
                                       {"lagBytesMax", lagBytesMax}},
                            120'000});
    }
    return commands;
}

Commands undo(const Run& run, const Step&) {
    return endSwitch(subjectOf(run));
}

}  // namespace

std::unique_ptr<run::StepKind> catchUpStep() {
    return kind("catch-up", act, succeeded, undo);
}

}  // namespace swb::step
