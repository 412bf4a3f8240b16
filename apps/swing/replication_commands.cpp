// swing replication enable|status|disable|resync. Enabling and resyncing replace the target's data: the controller asks
// for the words replace:APP/DB, and a person at a terminal has to type them.
#include "swing/format.h"
#include "swing/link_view.h"
#include "swing/run_follow.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

JsonObject linkBody(const Arguments& arguments) {
    JsonObject body{{"from", arguments.text("--from")}, {"to", arguments.text("--to")}};
    if (arguments.has("--database")) body["database"] = arguments.text("--database");
    if (arguments.has("--reason")) body["reason"] = arguments.text("--reason");
    return body;
}

// Databases that both applications have: those whose data at the target would go.
Result<std::vector<std::string>> concerned(ApiClient& api, const Arguments& arguments) {
    if (arguments.has("--database")) return std::vector<std::string>{arguments.text("--database")};
    const auto databasesOf = [&api](const std::string& name) -> Result<JsonObject> {
        const Json answer = TRY(api.get(Path("applications") / name));
        const Json application = unwrapped(answer, "application");
        const Json* databases = memberAt(application, "databases");
        return databases && databases->is_object() ? databases->as_object() : JsonObject{};
    };
    const JsonObject from = TRY(databasesOf(arguments.text("--from"))), to = TRY(databasesOf(arguments.text("--to")));
    std::vector<std::string> names;
    for (const auto& [name, definition] : to)
        if (const Json* source = from.if_contains(name);
            source && textAt(*source, "engine") == textAt(definition, "engine"))
            names.emplace_back(name);
    return names;
}

// The words typed by the person at the terminal, or the error when one does not match.
Result<JsonArray> askConsent(Context& context, const Arguments& arguments) {
    const std::string target = arguments.text("--to");
    JsonArray consent;
    for (const std::string& database : TRY(concerned(*TRY(context.api()), arguments))) {
        const std::string word = "replace:" + target + "/" + database;
        context.output().note("All data of " + target + "/" + database + " will be replaced by a copy from " +
                              arguments.text("--from") + ".");
        if (askLine("To confirm, type " + word + ": ") != word)
            return fail(ErrorCode::ConsentRequired, "not confirmed: nothing was done");
        consent.emplace_back(word);
    }
    return consent;
}

Result<int> seed(Context& context, const Arguments& arguments) {
    const Path path = arguments.lastWord() == "resync" ? Path("replication") / "resync" : Path("replication");
    JsonObject body = linkBody(arguments);
    JsonArray consent;
    for (const std::string& word : arguments.list("--consent")) consent.emplace_back(word);
    body["consent"] = consent;
    if (arguments.has("--accept-data-loss")) body["acceptDataLoss"] = true;
    ApiClient& api = *TRY(context.api());
    auto answer = api.post(path, body);
    const bool ask = !answer && answer.error().code == ErrorCode::ConsentRequired && !arguments.has("--consent");
    if (ask && context.mayAsk()) {
        body["consent"] = TRY(askConsent(context, arguments));
        answer = api.post(path, body);
    }
    // A base copy of a large database takes hours: no limit to the waiting.
    return followRun(context, arguments, unwrapped(TRY(std::move(answer)), "run"), WaitDefault::always, nullptr, 0);
}

Result<int> disable(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->post(Path("replication") / "disable", linkBody(arguments)));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::always);
}

Result<int> renew(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->post(Path("replication") / "renew", linkBody(arguments)));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::always);
}

Result<int> showLinks(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("replication")));
    context.output().document(answer);
    Table table(linkHeads());
    for (const Json& link : arrayOf(answer, "links")) table.row(linkRow(link));
    context.output().table(table, "no replication; enable it: swing replication enable --from APP --to APP");
    for (const Json& link : arrayOf(answer, "links")) context.output().text(linkRemark(link));
    return 0;
}

Result<int> showHistory(Context& context, const Arguments& arguments) {
    std::string database = arguments.text("--database");
    if (database.empty()) {
        const auto names = TRY(concerned(*TRY(context.api()), arguments));
        if (names.size() != 1)
            return fail(ErrorCode::InvalidInput,
                        "they have " + std::to_string(names.size()) + " databases in common: name one with --database");
        database = names.front();
    }
    Path path = Path("replication") / arguments.text("--from") / arguments.text("--to") / database / "history";
    path = path.with("since", "-" + std::to_string(TRY(secondsOf(arguments.text("--last", "30m")))))
               .with("resolution", arguments.text("--resolution"));
    const Json answer = TRY(TRY(context.api())->get(path));
    context.output().document(answer);
    context.output().text(historyText(answer, context.output().outStyle()));
    return 0;
}

}  // namespace

std::vector<Command> replicationCommands() {
    using enum ArgumentKind;
    const auto linkArguments = [](bool consent) {
        std::vector<Argument> all = {
            {"--from", value, "the application that has the data, or a replica inside one", "APP", true},
            {"--to", value, "the application that gets the copy; APP.REPLICA: the replicas of that name inside one",
             "APP", true},
            {"--database", value, "this database only; default: all that both have", "NAME"}};
        if (consent) {
            all.push_back({"--consent", values, "replace:APP/DB for every database whose data goes", "WORD"});
            all.push_back(
                {"--accept-data-loss", flag, "also what only the target has, once it is saved; needs --reason"});
        }
        all.push_back({"--reason", value, "why, for the run and the event log", "TEXT"});
        return withWaiting(all);
    };
    const std::string_view consentText =
        "The data of the target goes: a person types replace:APP/DB for each database, a script gives --consent.";
    return {
        {"replication enable", "replicate the databases of one application to another", consentText,
         "swing replication enable --from shop-fra --to shop-nyc\n"
         "swing replication enable --from shop-fra --to shop-nyc --consent replace:shop-nyc/main\n"
         "swing replication enable --from shop-fra --to shop-fra.reports",
         linkArguments(true), seed},
        {"replication status",
         "every link with its state, lag and what to do about it",
         "LAG is what the replica has not applied yet; BEHIND how old what it has is, \"<\" when that is the most it "
         "can "
         "be. An alarm is raised when a link passes its group's limits (swing group update --lag-alert-seconds).",
         "swing replication status --json",
         {},
         showLinks},
        {"replication history",
         "how far behind a link was, as a chart",
         "Samples are kept every 5 seconds for half an hour, every minute for 12 hours, every hour for 30 days. A "
         "switch does not interrupt them.",
         "swing replication history --from shop-fra --to shop-nyc --last 6h",
         {{"--from", value, "one of the two applications", "APP", true},
          {"--to", value, "the other", "APP", true},
          {"--database", value, "the database; default: the only one that both have", "NAME"},
          {"--last", value, "how far back: 90s, 30m, 6h, 7d; default 30m", "TIME"},
          {"--resolution", value, "seconds, minutes or hours; default: the finest that reaches back", "NAME"}},
         showHistory},
        {"replication renew", "renew the certificates of both ends",
         "The controller does so by itself when a third of their life is left. Nothing is restarted, and what streams "
         "goes on.",
         "swing replication renew --from shop-fra --to shop-nyc", linkArguments(false), renew},
        {"replication disable", "end the replication: both sides stand alone", "",
         "swing replication disable --from shop-fra --to shop-nyc", linkArguments(false), disable},
        {"replication resync", "seed a broken or diverged replica again", consentText,
         "swing replication resync --from shop-fra --to shop-nyc --database main", linkArguments(true), seed},
    };
}

}  // namespace swb::swing
