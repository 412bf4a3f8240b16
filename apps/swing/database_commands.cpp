// swing database promote
#include "swing/run_follow.h"

namespace swb::swing {
namespace {

Result<int> promote(Context& context, const Arguments& arguments) {
    const std::string application = arguments.text("APP"), database = arguments.text("NAME");
    TRY_VOID(confirmOnTerminal(context, arguments,
                               "Promote " + application + "/" + database +
                                   "? It leaves its replication for good and becomes a primary of its own."));
    JsonObject body;
    if (arguments.has("--accept-data-loss")) body["acceptDataLoss"] = true;
    if (arguments.has("--reason")) body["reason"] = arguments.text("--reason");
    const Path path = Path("applications") / application / "databases" / database / "promote";
    const Json answer = TRY(TRY(context.api())->post(path, body));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::always);
}

}  // namespace

std::vector<Command> databaseCommands() {
    using enum ArgumentKind;
    return {
        {"database promote", "promote one replica by itself",
         "One of the five steps taken alone; the report says what is orphaned by it. To move a whole application use "
         "`swing group switch`.",
         "swing database promote shop-nyc main --reason migration",
         withWaiting({{"APP", positional, "the application", "", true},
                      {"NAME", positional, "its database", "", true},
                      {"--accept-data-loss", flag,
                       "promote it although it lacks what its source has, or had before a restart; needs --reason"},
                      {"--reason", value, "why, for the run and the event log", "TEXT"},
                      {"--yes", flag, "do not ask"}}),
         promote}};
}

}  // namespace swb::swing
