// The runs that the tests of steps look at, and how they act, undo, verify and finish a step of one.
#pragma once

#include <gmock/gmock.h>

#include <stdexcept>

#include "plan/snapshot_test_support.h"
#include "step/catalogue.h"

namespace swb::step::test {

using namespace plan::test;
using run::CommandRecord;
using run::CommandSpec;
using run::CommandState;
using run::Run;
using run::Step;
using testing::ElementsAre;
using testing::HasSubstr;

inline const run::StepCatalogue& catalogue() {
    static const run::StepCatalogue made = makeCatalogue();
    return made;
}

inline Run switchRun() {
    auto run = plan::planSwitch(readySnapshot(), intent(), {}).value();
    for (Step& step : run.steps) step.attempts = 1;
    return run;
}

// Two databases on servers of their own at both sites.
inline Run wideRun() {
    plan::Snapshot snapshot = readySnapshot();
    addDatabase(*snapshot.from, "reports", "fra-2");
    addDatabase(*snapshot.to, "reports", "nyc-2");
    observe(snapshot);
    auto run = plan::planSwitch(snapshot, intent(), {}).value();
    for (Step& step : run.steps) step.attempts = 1;
    return run;
}

inline Step& stepOf(Run& run, std::string_view name) {
    for (Step& step : run.steps)
        if (step.name == name) return step;
    throw std::out_of_range(std::string(name));
}

inline std::vector<CommandSpec> act(Run& run, std::string_view name) {
    const Step& step = stepOf(run, name);
    return catalogue().at(step.kind).act(run, step);
}

inline std::vector<CommandSpec> undo(Run& run, std::string_view name) {
    const Step& step = stepOf(run, name);
    return catalogue().at(step.kind).undo(run, step);
}

inline Result<Json> verify(Run& run, std::string_view name) {
    const Step& step = stepOf(run, name);
    return catalogue().at(step.kind).verify(run, step);
}

inline std::vector<std::string> sent(const std::vector<CommandSpec>& commands) {
    std::vector<std::string> out;
    for (const CommandSpec& command : commands)
        out.push_back((command.server.empty() ? "controller" : command.server) + " " + command.verb);
    return out;
}

inline void finish(Run& run, std::string_view name, const std::string& key, Json result, int attempt = 1) {
    CommandRecord record;
    record.id = std::string(name) + "." + key + "." + std::to_string(attempt);
    record.key = record.server = key;
    record.attempt = attempt;
    record.state = CommandState::done;
    record.result = std::move(result);
    stepOf(run, name).commands.push_back(record);
}

inline Json token(const std::string& database, int64_t epoch = 5, const std::string& end = "0/3000148") {
    return JsonObject{{"database", database}, {"systemId", "7301"}, {"timeline", 3}, {"end", end}, {"epoch", epoch}};
}

inline Json fenced(const std::vector<Json>& tokens, int64_t epoch = 5, const std::string& role = "replica") {
    return JsonObject{{"tokens", JsonArray(tokens.begin(), tokens.end())},
                      {"guard", JsonObject{{"group", "shop"}, {"epoch", epoch}, {"role", role}}}};
}

inline Json promoted(const std::string& database, int64_t timeline = 4, const std::string& switchPoint = "0/3000148") {
    return JsonObject{
        {"databases", JsonArray{JsonObject{{"name", database}, {"timeline", timeline}, {"switchPoint", switchPoint}}}}};
}

}  // namespace swb::step::test
