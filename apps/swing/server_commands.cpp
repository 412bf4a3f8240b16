// swing server list|token|delete
#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

Result<int> listServers(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("servers")));
    context.output().document(answer);
    Table table({"SERVER", "SITE", "CONNECTED", "AGENT", "LAST SEEN", "CLOCK SKEW"});
    for (const Json& server : arrayOf(answer, "servers")) {
        const Json* skew = memberAt(server, "clockSkewMs");
        table.row({cell(server, "name"), cell(server, "site"), cell(server, "connected"), cell(server, "agentVersion"),
                   shortTime(textAt(server, "lastSeenAt")),
                   skew && skew->is_int64() ? cell(server, "clockSkewMs") + " ms" : "-"});
    }
    context.output().table(table, "no servers; let one join: swing server token NAME --site SITE");
    return 0;
}

// The token alone goes to stdout, so that `swing server token … > file` holds nothing else.
Result<int> makeToken(Context& context, const Arguments& arguments) {
    JsonObject body{{"server", arguments.text("NAME")}, {"site", arguments.text("--site")}};
    if (arguments.has("--minutes")) body["minutes"] = arguments.number("--minutes");
    ApiClient& api = *TRY(context.api());
    const Json answer = TRY(api.post(Path("servers") / "token", body));
    Output& output = context.output();
    output.document(answer);
    output.line(printable(textAt(answer, "token")));
    if (output.json()) return 0;
    output.note("for " + printable(textAt(answer, "server")) + " at " + printable(textAt(answer, "site")) +
                ", once, until " + shortTime(textAt(answer, "expiresAt")) +
                "; it is not shown again. On that server, with the token in a file:");
    output.note("  swing-agent join --controller " + api.url() + " --token @FILE --ca-pin " +
                printable(textAt(answer, "authorityFingerprint")) + " --data DIR");
    return 0;
}

Result<int> deleteServer(Context& context, const Arguments& arguments) {
    const std::string name = arguments.text("NAME");
    TRY_VOID(confirmOnTerminal(context, arguments, "Delete server " + name + "? Its agent can no longer connect."));
    const Json answer = TRY(TRY(context.api())->remove(Path("servers") / name));
    context.output().document(answer);
    context.output().line("server " + name + " deleted");
    return 0;
}

}  // namespace

std::vector<Command> serverCommands() {
    using enum ArgumentKind;
    return {
        {"server list",
         "list the servers and whether their agents are connected",
         "",
         "swing server list",
         {},
         listServers},
        {"server token",
         "make a join token for one server",
         "The token admits one agent, once, under that name and at that site. It is printed on stdout; how to use it "
         "on stderr.",
         "swing server token fra-1 --site fra > join.token",
         {{"NAME", positional, "the server's name", "", true},
          {"--site", value, "the site it stands at", "SITE", true},
          {"--minutes", number, "how long the token is good for", "N", false, 1, 10'080}},
         makeToken},
        {"server delete",
         "delete a server: its agent can no longer connect",
         "Refused while an application uses it.",
         "swing server delete fra-1",
         {{"NAME", positional, "the server", "", true}, {"--yes", flag, "do not ask"}},
         deleteServer},
    };
}

}  // namespace swb::swing
