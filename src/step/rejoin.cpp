#include "step/kind.h"

namespace swb::step {
namespace {

Commands reverseLink(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    return prepareSourceCommands(run, subject.to, subject.from, subject.databases, Link::slotFor(subject.from.name),
                                 30'000);
}

Commands rejoin(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const auto& [server, databases] : databasesByServer(subject.from, subject.databases)) {
        JsonArray entries;
        for (const DatabaseSpec& spec : databases)
            entries.push_back(JsonObject{{"database", toJson(spec)},
                                         {"peer", peerOf(subject.to, spec.name)},
                                         {"slot", Link::slotFor(subject.from.name)},
                                         {"token", tokenOf(run, spec.name)}});
        commands.push_back({server, server, "database.rejoin",
                            JsonObject{{"databases", entries}, {"application", subject.from.name}}, 120'000});
    }
    return commands;
}

Result<Json> verifyRejoin(const Run&, const Step& step) {
    std::string sentence;
    for (const run::CommandRecord& record : step.commands) {
        if (record.undo || record.attempt != step.attempts) continue;
        if (const Json* list = memberAt(record.result, "databases"); list && list->is_array())
            for (const Json& database : list->get_array())
                sentence += (sentence.empty() ? "" : ", ") + textAt(database, "name") + " streams" +
                            (booleanAt(database, "rewound") ? " after a rewind" : ", no rewind");
    }
    return detail(sentence);
}

}  // namespace

std::unique_ptr<run::StepKind> reverseLinkStep() {
    return kind("reverse-link", reverseLink);
}
std::unique_ptr<run::StepKind> rejoinStep() {
    return kind("rejoin", rejoin, verifyRejoin);
}

}  // namespace swb::step
