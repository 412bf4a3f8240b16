#include "run/run.h"

#include "model/names.h"

namespace swb::run {
namespace {

constexpr NameTable<RunState, 7> runStates = {{{"planned", RunState::planned},
                                               {"running", RunState::running},
                                               {"paused", RunState::paused},
                                               {"waiting", RunState::waiting},
                                               {"done", RunState::done},
                                               {"failed", RunState::failed},
                                               {"aborted", RunState::aborted}}};
constexpr NameTable<StepState, 7> stepStates = {{{"pending", StepState::pending},
                                                 {"running", StepState::running},
                                                 {"done", StepState::done},
                                                 {"failed", StepState::failed},
                                                 {"undoing", StepState::undoing},
                                                 {"undone", StepState::undone},
                                                 {"skipped", StepState::skipped}}};
constexpr NameTable<CommandState, 4> commandStates = {{{"sent", CommandState::sent},
                                                       {"unknown", CommandState::unknown},
                                                       {"done", CommandState::done},
                                                       {"failed", CommandState::failed}}};
constexpr NameTable<Direction, 2> directions = {{{"forward", Direction::forward}, {"backward", Direction::backward}}};
constexpr NameTable<Turn, 3> turns = {{{"none", Turn::none}, {"failure", Turn::failure}, {"abort", Turn::abort}}};

Json errorOrNull(const Error& error) {
    return error.message.empty() ? Json(nullptr) : errorToJson(error);
}

Error errorAt(JsonReader& reader, std::string_view key) {
    const Json* value = reader.child(key);
    return value ? errorFromJson(*value) : Error(ErrorCode::Bug, "");
}

Json jsonAt(JsonReader& reader, std::string_view key) {
    const Json* value = reader.child(key);
    return value ? *value : Json(nullptr);
}

Json isoOrNull(UnixMs time) {
    return time ? Json(isoTime(time)) : Json(nullptr);
}

Json storedCommand(const CommandRecord& record) {
    return JsonObject{{"id", record.id},
                      {"key", record.key},
                      {"server", record.server},
                      {"verb", record.verb},
                      {"undo", record.undo},
                      {"attempt", record.attempt},
                      {"state", nameOf(record.state)},
                      {"deadlineMs", record.deadlineMs},
                      {"sentAt", record.sentAt},
                      {"finishedAt", record.finishedAt},
                      {"askedAt", record.askedAt},
                      {"neverLeft", record.neverLeft},
                      {"result", record.result},
                      {"error", errorOrNull(record.error)}};
}

// Times are subtracted from each other: none may be negative.
UnixMs timeAt(JsonReader& reader, std::string_view key) {
    const UnixMs time = reader.integer(key, 0);
    if (time < 0) reader.problem(key, "must be a time, not negative");
    return time;
}

Result<CommandRecord> commandFromStored(const Json& value) {
    JsonReader reader(value, "command");
    CommandRecord record;
    record.id = reader.string("id");
    record.key = reader.string("key");
    record.server = reader.string("server");
    record.verb = reader.string("verb");
    record.undo = reader.boolean("undo", false);
    record.attempt = static_cast<int>(reader.integer("attempt", 1));
    record.state = readEnum(reader, "state", commandStates, CommandState::unknown);
    record.deadlineMs = reader.integer("deadlineMs", 0);
    record.sentAt = timeAt(reader, "sentAt");
    record.finishedAt = timeAt(reader, "finishedAt");
    record.askedAt = timeAt(reader, "askedAt");
    record.neverLeft = reader.boolean("neverLeft", false);
    record.result = jsonAt(reader, "result");
    record.error = errorAt(reader, "error");
    TRY_VOID(reader.finish());
    return record;
}

Json storedStep(const Step& step) {
    JsonArray commands;
    for (const CommandRecord& record : step.commands) commands.push_back(storedCommand(record));
    return JsonObject{{"name", step.name},
                      {"kind", step.kind},
                      {"title", step.title},
                      {"reason", step.reason},
                      {"verify", step.verify},
                      {"undo", step.undo},
                      {"server", step.server},
                      {"params", step.params},
                      {"pointOfNoReturn", step.pointOfNoReturn},
                      {"inOutage", step.inOutage},
                      {"holdsTraffic", step.holdsTraffic},
                      {"overlaps", step.overlaps},
                      {"skippable", step.skippable},
                      {"state", nameOf(step.state)},
                      {"attempts", step.attempts},
                      {"startedAt", step.startedAt},
                      {"finishedAt", step.finishedAt},
                      {"retryAt", step.retryAt},
                      {"detail", step.detail},
                      {"result", step.result},
                      {"error", errorOrNull(step.error)},
                      {"commands", commands}};
}

Result<Step> stepFromStored(const Json& value) {
    JsonReader reader(value, "step");
    Step step;
    step.name = reader.string("name");
    step.kind = reader.string("kind");
    step.title = reader.string("title", "");
    step.reason = reader.string("reason", "");
    step.verify = reader.string("verify", "");
    step.undo = reader.string("undo", "");
    step.server = reader.string("server", "");
    step.params = jsonAt(reader, "params");
    step.pointOfNoReturn = reader.boolean("pointOfNoReturn", false);
    step.inOutage = reader.boolean("inOutage", false);
    step.holdsTraffic = reader.boolean("holdsTraffic", false);
    step.overlaps = reader.boolean("overlaps", false);
    step.skippable = reader.boolean("skippable", false);
    step.state = readEnum(reader, "state", stepStates, StepState::pending);
    step.attempts = static_cast<int>(reader.integer("attempts", 0));
    step.startedAt = timeAt(reader, "startedAt");
    step.finishedAt = timeAt(reader, "finishedAt");
    step.retryAt = timeAt(reader, "retryAt");
    step.detail = reader.string("detail", "");
    step.result = jsonAt(reader, "result");
    step.error = errorAt(reader, "error");
    if (const JsonArray* commands = reader.array("commands"))
        for (const Json& command : *commands) step.commands.push_back(TRY(commandFromStored(command)));
    TRY_VOID(reader.finish());
    return step;
}

}  // namespace

std::string_view nameOf(RunState state) {
    return nameIn(runStates, state);
}
std::string_view nameOf(StepState state) {
    return nameIn(stepStates, state);
}
std::string_view nameOf(CommandState state) {
    return nameIn(commandStates, state);
}

const Step* Run::find(std::string_view step) const {
    for (const Step& candidate : steps)
        if (candidate.name == step) return &candidate;
    return nullptr;
}

int64_t Run::writeOutageMs() const {
    return outageStartedAt && outageEndedAt ? outageEndedAt - outageStartedAt : -1;
}

Json toStored(const Run& run) {
    JsonArray steps;
    for (const Step& step : run.steps) steps.push_back(storedStep(step));
    return JsonObject{{"id", run.id},
                      {"kind", run.kind},
                      {"group", run.group},
                      {"from", run.from},
                      {"to", run.to},
                      {"epoch", run.epoch},
                      {"state", nameOf(run.state)},
                      {"direction", nameIn(directions, run.direction)},
                      {"turn", nameIn(turns, run.turn)},
                      {"pauseRequested", run.pauseRequested},
                      {"abortRequested", run.abortRequested},
                      {"outageBudgetMs", run.outageBudgetMs},
                      {"heldAt", run.heldAt},
                      {"createdAt", run.createdAt},
                      {"startedAt", run.startedAt},
                      {"finishedAt", run.finishedAt},
                      {"outageStartedAt", run.outageStartedAt},
                      {"outageEndedAt", run.outageEndedAt},
                      {"pointOfNoReturnAt", run.pointOfNoReturnAt},
                      {"actor", run.actor},
                      {"reason", run.reason},
                      {"detail", run.detail},
                      {"subject", run.subject},
                      {"checks", run.checks},
                      {"lost", run.lost},
                      {"steps", steps}};
}

Result<Run> fromStored(const Json& value) {
    JsonReader reader(value, "run");
    Run run;
    run.id = reader.string("id");
    run.kind = reader.string("kind");
    run.group = reader.string("group", "");
    run.from = reader.string("from", "");
    run.to = reader.string("to", "");
    run.epoch = reader.integer("epoch", 0);
    run.state = readEnum(reader, "state", runStates, RunState::planned);
    run.direction = readEnum(reader, "direction", directions, Direction::forward);
    run.turn = readEnum(reader, "turn", turns, Turn::none);
    run.pauseRequested = reader.boolean("pauseRequested", false);
    run.abortRequested = reader.boolean("abortRequested", false);
    run.heldAt = timeAt(reader, "heldAt");
    run.outageBudgetMs = reader.integer("outageBudgetMs", 0);
    run.createdAt = timeAt(reader, "createdAt");
    run.startedAt = timeAt(reader, "startedAt");
    run.finishedAt = timeAt(reader, "finishedAt");
    run.outageStartedAt = timeAt(reader, "outageStartedAt");
    run.outageEndedAt = timeAt(reader, "outageEndedAt");
    run.pointOfNoReturnAt = timeAt(reader, "pointOfNoReturnAt");
    run.actor = reader.string("actor", "");
    run.reason = reader.string("reason", "");
    run.detail = reader.string("detail", "");
    run.subject = jsonAt(reader, "subject");
    run.checks = jsonAt(reader, "checks");
    run.lost = jsonAt(reader, "lost");
    if (const JsonArray* steps = reader.array("steps"))
        for (const Json& step : *steps) run.steps.push_back(TRY(stepFromStored(step)));
    TRY_VOID(reader.finish());
    return run;
}

Json toPublic(const Run& run) {
    JsonArray steps;
    for (const Step& step : run.steps) {
        std::string progress;
        for (const CommandRecord& record : step.commands)
            if (record.state == CommandState::sent && !record.progress.empty()) progress = record.progress;
        JsonObject out{{"name", step.name},
                       {"title", step.title},
                       {"state", nameOf(step.state)},
                       {"server", step.server},
                       {"startedAt", isoOrNull(step.startedAt)},
                       {"finishedAt", isoOrNull(step.finishedAt)},
                       {"milliseconds", step.finishedAt ? Json(step.finishedAt - step.startedAt) : Json(nullptr)},
                       {"attempts", step.attempts},
                       {"detail", step.detail.empty() ? progress : step.detail},
                       {"pointOfNoReturn", step.pointOfNoReturn},
                       {"inOutage", step.inOutage},
                       {"reason", step.reason},
                       {"verify", step.verify},
                       {"undo", step.undo},
                       {"error", errorOrNull(step.error)}};
        JsonArray commands;
        for (const CommandRecord& record : step.commands)
            commands.push_back(JsonObject{
                {"id", record.id},
                {"server", record.server.empty() ? "controller" : record.server},
                {"verb", record.verb},
                {"undo", record.undo},
                {"attempt", record.attempt},
                {"state", nameOf(record.state)},
                {"milliseconds", record.finishedAt ? Json(record.finishedAt - record.sentAt) : Json(nullptr)}});
        out["commands"] = commands;
        steps.push_back(out);
    }
    return JsonObject{{"id", run.id},
                      {"kind", run.kind},
                      {"group", run.group},
                      {"from", run.from},
                      {"to", run.to},
                      {"epoch", run.epoch},
                      {"state", nameOf(run.state)},
                      {"direction", nameIn(directions, run.direction)},
                      {"createdAt", isoOrNull(run.createdAt)},
                      {"startedAt", isoOrNull(run.startedAt)},
                      {"finishedAt", isoOrNull(run.finishedAt)},
                      {"writeOutageMs", run.writeOutageMs() < 0 ? Json(nullptr) : Json(run.writeOutageMs())},
                      {"outageBudgetMs", run.outageBudgetMs},
                      {"pointOfNoReturnAt", isoOrNull(run.pointOfNoReturnAt)},
                      {"actor", run.actor},
                      {"reason", run.reason},
                      {"detail", run.detail},
                      {"lost", run.lost},
                      {"checks", run.checks},
                      {"steps", steps}};
}

}  // namespace swb::run
