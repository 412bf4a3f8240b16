// swing token create|list|delete
#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

// The token alone goes to stdout, so that `swing token create … > file` holds nothing else.
Result<int> createToken(Context& context, const Arguments& arguments) {
    JsonObject body{{"name", arguments.text("NAME")}, {"role", arguments.text("--role")}};
    if (arguments.has("--days")) body["days"] = arguments.number("--days");
    const Json answer = TRY(TRY(context.api())->post(Path("tokens"), body));
    Output& output = context.output();
    output.document(answer);
    output.line(printable(textAt(answer, "token")));
    if (!output.json())
        output.note("token " + cell(answer, "id") + ", role " + arguments.text("--role") + ", good until " +
                    (textAt(answer, "expiresAt").empty() ? "it is deleted" : shortTime(textAt(answer, "expiresAt"))) +
                    "; it is not shown again");
    return 0;
}

Result<int> listTokens(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("tokens")));
    context.output().document(answer);
    Table table({"ID", "NAME", "ROLE", "EXPIRES"});
    for (const Json& token : arrayOf(answer, "tokens"))
        table.row({cell(token, "id"), cell(token, "name"), cell(token, "role"),
                   textAt(token, "expiresAt").empty() ? "never" : shortTime(textAt(token, "expiresAt"))});
    context.output().table(table, "no tokens");
    return 0;
}

Result<int> deleteToken(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->remove(Path("tokens") / arguments.text("ID")));
    context.output().document(answer);
    context.output().line("token " + arguments.text("ID") + " deleted");
    return 0;
}

}  // namespace

std::vector<Command> tokenCommands() {
    using enum ArgumentKind;
    return {
        {"token create",
         "create an API token",
         "The token is printed on stdout, once; the rest on stderr.",
         "swing token create ci --role operator --days 90 > ci.token",
         {{"NAME", positional, "whose or what for", "", true},
          {"--role", value, "viewer, operator or admin", "ROLE", true},
          {"--days", number, "how long it is good for; default: until deleted", "N", false, 1, 36'500}},
         createToken},
        {"token list", "list the API tokens (never the tokens themselves)", "", "swing token list", {}, listTokens},
        {"token delete",
         "delete an API token: it stops working at once",
         "",
         "swing token delete t-4k2vmq7xw3ta",
         {{"ID", positional, "the token's id, from swing token list", "", true}},
         deleteToken},
    };
}

}  // namespace swb::swing
