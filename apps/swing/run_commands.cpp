// swing run list|show|watch|pause|resume|retry|skip|abort
#include "base/limits.h"
#include "swing/format.h"
#include "swing/run_follow.h"
#include "swing/run_view.h"

namespace swb::swing {
namespace {

Path pathOf(const Arguments& arguments) {
    return Path("runs") / arguments.text("ID");
}

std::string duration(const Json& run) {
    const int64_t took = millisecondsBetween(textAt(run, "startedAt"), textAt(run, "finishedAt"));
    return took < 0 ? "-" : humanMilliseconds(took);
}

Result<int> listRuns(Context& context, const Arguments& arguments) {
    const std::string limit = arguments.has("--limit") ? std::to_string(arguments.number("--limit")) : "";
    const Json answer = TRY(TRY(context.api())
                                ->get(Path("runs")
                                          .with("group", arguments.text("--group"))
                                          .with("state", arguments.text("--state"))
                                          .with("limit", limit)));
    context.output().document(answer);
    Table table({"RUN", "KIND", "GROUP", "FROM", "TO", "STATE", "STARTED", "TOOK", "WRITE OUTAGE", "BY"});
    for (const Json& run : arrayOf(answer, "runs")) {
        const Json* outage = memberAt(run, "writeOutageMs");
        table.row({cell(run, "id"), cell(run, "kind"), cell(run, "group"), cell(run, "from"), cell(run, "to"),
                   cell(run, "state"), shortTime(textAt(run, "startedAt")), duration(run),
                   outage && outage->is_int64() ? humanMilliseconds(outage->as_int64()) : "-", cell(run, "actor")});
    }
    context.output().table(table, "no runs");
    return 0;
}

Result<int> showRun(Context& context, const Arguments& arguments) {
    const Json run = unwrapped(TRY(TRY(context.api())->get(pathOf(arguments))), "run");
    context.output().document(run);
    context.output().text(runReport(run, context.output().outStyle()));
    return 0;
}

Result<int> watch(Context& context, const Arguments& arguments) {
    const Json run = unwrapped(TRY(TRY(context.api())->get(pathOf(arguments))), "run");
    return watchRun(context, arguments, run, nullptr, 0);
}

// pause, resume, retry, skip, abort: the last word of the command is the last part of the path.
Result<int> steer(Context& context, const Arguments& arguments) {
    JsonObject body;
    if (arguments.has("--reason")) body["reason"] = arguments.text("--reason");
    const Json answer = TRY(TRY(context.api())->post(pathOf(arguments) / arguments.lastWord(), body));
    const Json run = unwrapped(answer, "run");
    context.output().document(run);
    context.output().line("run " + cell(run, "id") + " is " + cell(run, "state"));
    return 0;
}

Command steering(std::string_view path, std::string_view summary, std::string_view text, std::string_view example,
                 bool reasonRequired = false) {
    using enum ArgumentKind;
    return {path,
            summary,
            text,
            example,
            {{"ID", positional, "the run", "", true},
             {"--reason", value, "why, for the run and the event log", "TEXT", reasonRequired}},
            steer};
}

}  // namespace

std::vector<Command> runCommands() {
    using enum ArgumentKind;
    const Argument id{"ID", positional, "the run", "", true};
    return {
        {"run list",
         "list runs, newest first",
         "",
         "swing run list --group shop --state running",
         {{"--group", value, "of this group only", "NAME"},
          {"--state", value, "in this state only: planned running paused waiting done failed aborted", "STATE"},
          {"--limit", number, "at most so many", "N", false, 1, static_cast<int64_t>(limits::runHistory)}},
         listRuns},
        {"run show",
         "one run: outcome, steps, write outage, what was verified",
         "",
         "swing run show r-4k2vmq7xw3ta --json",
         {id},
         showRun},
        {"run watch",
         "watch a run until its end",
         "Ctrl-C stops the watching, not the run. Exit code: the run's.",
         "swing run watch r-4k2vmq7xw3ta",
         {id,
          {"--timeout", number, "stop watching after that time (exit 4); 0: never", "SECONDS", false, 0, 1'000'000}},
         watch},
        steering("run pause", "pause a run before its next step",
                 "Not while users are held: then it pauses after that.", "swing run pause r-4k2vmq7xw3ta"),
        steering("run resume", "let a paused run go on", "", "swing run resume r-4k2vmq7xw3ta"),
        steering("run retry", "try the step a run waits for again, now", "", "swing run retry r-4k2vmq7xw3ta"),
        steering("run skip", "go on without the step a run waits for",
                 "Only steps that may be left out; the reason is recorded.",
                 "swing run skip r-4k2vmq7xw3ta --reason 'nyc-2 is decommissioned'", true),
        steering("run abort", "undo a run, before its point of no return", "",
                 "swing run abort r-4k2vmq7xw3ta --reason 'wrong group'"),
    };
}

}  // namespace swb::swing
