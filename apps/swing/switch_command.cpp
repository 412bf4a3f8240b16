// swing group switch: the main job. At a terminal the plan's checks are shown and a yes is asked for first.
#include "swing/run_follow.h"
#include "swing/run_view.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

JsonObject switchBody(const Arguments& arguments) {
    JsonObject body;
    if (arguments.has("--to")) body["to"] = arguments.text("--to");
    if (arguments.has("--traffic-only")) body["trafficOnly"] = true;
    if (arguments.has("--reason")) body["reason"] = arguments.text("--reason");
    if (arguments.has("--prepare-ttl")) body["ttl"] = "prepare";
    if (arguments.has("--no-ttl")) body["ttl"] = "leave";
    if (arguments.has("--lag-bytes-max")) body["lagBytesMax"] = arguments.number("--lag-bytes-max");
    return body;
}

Result<Json> planOf(ApiClient& api, const Path& path, JsonObject body) {
    body["dryRun"] = true;
    return unwrapped(TRY(api.post(path, body, Effect::none)), "run");
}

Result<int> showPlan(Context& context, const Json& plan) {
    Output& output = context.output();
    output.document(plan);
    output.text(planText(plan, output.outStyle()));
    if (const Json* checks = memberAt(plan, "checks"); checks && checks->is_object())
        output.text(checksSummary(*checks, output.outStyle()));
    output.line("nothing was changed");
    return 0;
}

Result<void> askFirst(Context& context, const Json& plan) {
    const Style& style = context.output().errorStyle();
    context.output().note(runTitle(plan, style));
    if (const Json* checks = memberAt(plan, "checks"); checks && checks->is_object()) {
        std::string summary = checksSummary(*checks, style);
        summary.pop_back();
        context.output().note(summary);
    }
    if (askYesNo("Switch " + textAt(plan, "group") + " from " + textAt(plan, "from") + " to " + textAt(plan, "to") +
                 "?"))
        return {};
    return fail(ErrorCode::ConsentRequired, "not confirmed: nothing was done");
}

Result<int> switchGroup(Context& context, const Arguments& arguments) {
    const Path path = Path("groups") / arguments.text("NAME") / "switch";
    JsonObject body = switchBody(arguments);
    ApiClient& api = *TRY(context.api());
    if (arguments.has("--dry-run")) return showPlan(context, TRY(planOf(api, path, body)));
    if (context.mayAsk() && !arguments.has("--yes")) {
        const Json plan = TRY(planOf(api, path, body));
        TRY_VOID(askFirst(context, plan));
        // What was confirmed, even if somebody else switches in between.
        if (const std::string to = textAt(plan, "to"); !to.empty()) body["to"] = to;
    }
    const Json answer = TRY(api.post(path, body));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::onTerminal);
}

}  // namespace

std::vector<Command> switchCommands() {
    using enum ArgumentKind;
    return {
        {"group switch", "switch a group to its other application, without loss",
         "Maintenance on at the old site, databases fenced, replicas promoted, the address switched, the old site "
         "rejoined "
         "as the new standby: one run, rolled back by itself when anything fails before the promotion. Waits for the "
         "end "
         "when stdout is a terminal or with --wait; otherwise prints the run's id.",
         "swing group switch shop\nswing group switch shop --dry-run\n"
         "swing group switch shop --to shop-nyc --reason drill --yes --wait --json",
         withWaiting({{"NAME", positional, "the group", "", true},
                      {"--to", value, "the application to switch to; default: the standby", "APP"},
                      {"--dry-run", flag, "run every check and show the plan with its commands; change nothing"},
                      {"--traffic-only", flag,
                       "the address only: for groups without databases, or as the last of the steps taken one by one"},
                      {"--prepare-ttl", flag, "first lower the TTL and wait the usual one out"},
                      {"--no-ttl", flag, "leave the TTL alone: no waiting, and a lowered one stays so"},
                      {"--lag-bytes-max", number, "refuse when a replica is further behind", "BYTES", false, 0,
                       int64_t{1} << 40},
                      {"--reason", value, "why, for the run and the event log", "TEXT"},
                      {"--yes", flag, "do not ask"}}),
         switchGroup}};
}

}  // namespace swb::swing
