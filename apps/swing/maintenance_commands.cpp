// swing maintenance on|off
#include "swing/run_follow.h"

namespace swb::swing {
namespace {

Result<int> setMaintenance(Context& context, const Arguments& arguments) {
    const bool on = arguments.lastWord() == "on";
    JsonObject body{{"on", on}};
    if (on) body["mode"] = arguments.text("--mode", "page");
    if (arguments.has("--reason")) body["reason"] = arguments.text("--reason");
    const Path path = Path("applications") / arguments.text("APP") / "maintenance";
    const Json answer = TRY(TRY(context.api())->post(path, body));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::always);
}

}  // namespace

std::vector<Command> maintenanceCommands() {
    using enum ArgumentKind;
    const Argument application{"APP", positional, "the application", "", true};
    const Argument reason{"--reason", value, "why, for the run and the event log", "TEXT"};
    return {
        {"maintenance on", "put an application into maintenance",
         "Its web fronts answer 503 with the maintenance page, and processes marked `writes: true` stop. Done when a "
         "probe "
         "through every front has seen it.",
         "swing maintenance on shop-fra --reason 'index rebuild'",
         withWaiting({application, {"--mode", value, "page: users see the maintenance page", "MODE"}, reason}),
         setMaintenance},
        {"maintenance off", "take an application out of maintenance", "", "swing maintenance off shop-fra",
         withWaiting({application, reason}), setMaintenance},
    };
}

}  // namespace swb::swing
