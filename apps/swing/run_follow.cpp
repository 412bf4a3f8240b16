#include "swing/run_follow.h"

#include "swing/run_view.h"
#include "swing/run_watcher.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

Json documentOf(const Json& run, const Json& enclosing) {
    if (!enclosing.is_object()) return run;
    JsonObject whole = enclosing.as_object();
    whole["run"] = run;
    return whole;
}

// The run goes on without us: says so, and how to see it again.
int leave(Context& context, const Watched& watched) {
    const std::string id = textAt(watched.run, "id");
    const std::string hint = "watch it again: swing run watch " + id;
    if (watched.end == WatchEnd::interrupted)
        return context.output().error(
            Error(ErrorCode::OutcomeUnknown, "stopped waiting; run " + id + " goes on by itself", hint));
    std::string state = "is still " + textAt(watched.run, "state");
    if (!watched.remark.empty())
        state = "was " + textAt(watched.run, "state") + " when last seen (" + watched.remark + ")";
    return context.output().error(
        Error(ErrorCode::OutcomeUnknown, "the time to wait is over; run " + id + " " + state, hint));
}

}  // namespace

Result<int> watchRun(Context& context, const Arguments& arguments, const Json& run, const Json& enclosing,
                     int64_t defaultTimeoutMs) {
    const int64_t timeoutMs = arguments.has("--timeout") ? arguments.number("--timeout") * 1000 : defaultTimeoutMs;
    Output& output = context.output();
    RunWatcher watcher(*TRY(context.api()), output.errorStyle(), timeoutMs);
    const Watched watched = TRY(watcher.watch(run, isTerminal(stdout) && !output.json()));
    output.document(documentOf(watched.run, enclosing));
    if (watched.end != WatchEnd::finished) return leave(context, watched);
    output.text(runReport(watched.run, output.outStyle()));
    if (textAt(watched.run, "state") == "failed") output.error(failureOf(watched.run));
    return exitCodeOf(watched.run);
}

Result<int> followRun(Context& context, const Arguments& arguments, const Json& run, WaitDefault waitDefault,
                      const Json& enclosing, int64_t defaultTimeoutMs) {
    if (!run.is_object()) {
        context.output().document(documentOf(nullptr, enclosing.is_object() ? enclosing : JsonObject{}));
        context.output().line("nothing had to be done");
        return 0;
    }
    const bool wait = arguments.has("--wait") ||
                      (!arguments.has("--no-wait") && (waitDefault == WaitDefault::always || isTerminal(stdout)));
    if (wait) return watchRun(context, arguments, run, enclosing, defaultTimeoutMs);
    context.output().document(documentOf(run, enclosing));
    context.output().line(textAt(run, "id"));
    if (!context.output().json()) context.output().note("to watch it: swing run watch " + textAt(run, "id"));
    return 0;
}

}  // namespace swb::swing
