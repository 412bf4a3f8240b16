// swing publication add|list|check|adopt|remove, and the credentials that the providers ask for.
#include <chrono>
#include <thread>

#include "base/file.h"
#include "swing/context.h"
#include "swing/format.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

constexpr size_t credentialBytesMax = 4096;
constexpr int adoptionLooks = 120, adoptionPauseMs = 500;

Path pathOf(const Arguments& arguments) {
    return Path("groups") / arguments.text("GROUP") / "publications" / arguments.text("NAME") /
           arguments.text("--type", "A");
}

std::string signOf(const Json& publication) {
    const std::string problem = textAt(publication, "problem");
    return problem.empty() ? cell(publication, "standing") : cell(publication, "standing") + "!";
}

std::string answerCell(const Json& answer) {
    const std::string problem = textAt(answer, "problem");
    return problem.empty() ? joinedCell(answer, "values") : printable(problem);
}

// When it was written last, as a switch or as the weekly proof.
std::string writtenCell(const Json& publication) {
    const std::string at = textAt(publication, "writtenAt");
    if (at.empty()) return "-";
    return shortTime(at) + (textAt(publication, "writeProblem").empty() ? "" : " failed");
}

void printPublication(Context& context, const Json& publication) {
    Output& output = context.output();
    std::string text = cell(publication, "name") + " " + cell(publication, "type") + " at " +
                       cell(publication, "provider") + " for the group " + cell(publication, "group") + "\n";
    const auto fact = [&text](std::string_view name, const std::string& value) {
        if (!value.empty()) text += "  " + padded(name, 12) + printable(value) + "\n";
    };
    fact("zone", textAt(publication, "zone"));
    fact("standing", textAt(publication, "standing"));
    fact("", textAt(publication, "detail"));
    if (writtenCell(publication) != "-") fact("written", writtenCell(publication));
    fact("problem", textAt(publication, "problem"));
    for (const char* hint : {"hint", "problemHint"}) fact("hint", textAt(publication, hint));
    if (const Json* reading = memberAt(publication, "reading"); reading && reading->is_object()) {
        const Json* set = memberAt(*reading, "set");
        const Json* mark = memberAt(*reading, "mark");
        fact("there now", set && set->is_object()
                              ? joinedCell(*set, "values") + "  TTL " + std::to_string(integerAt(*set, "ttl")) + " s"
                              : "nothing");
        fact("mark", mark && mark->is_object() ? cell(*mark, "group") + " at epoch " + cell(*mark, "epoch") +
                                                     (booleanAt(*mark, "ours") ? "" : " (not ours)")
                                               : "none");
    }
    output.text(text);
    Table servers({"NAME SERVER", "ADDRESS", "", "ANSWERS", "TTL"});
    for (const Json& answer : arrayOf(publication, "answers"))
        servers.row({cell(answer, "server"), cell(answer, "address"), cell(answer, "transport"), answerCell(answer),
                     cell(answer, "ttl")});
    if (!servers.empty()) output.text("\n" + servers.text(output.outStyle()));
    // What users get meanwhile; never held against the publication.
    Table resolvers({"RESOLVER", "ANSWERS", "TTL LEFT"});
    for (const Json& answer : arrayOf(publication, "resolvers"))
        resolvers.row({cell(answer, "address"), answerCell(answer), cell(answer, "ttl")});
    if (!resolvers.empty()) output.text("\n" + resolvers.text(output.outStyle()));
}

Result<int> addPublication(Context& context, const Arguments& arguments) {
    JsonObject body{{"name", arguments.text("NAME")}};
    for (const auto& [option, member] : {std::pair{"--provider", "provider"},
                                         {"--zone", "zone"},
                                         {"--credential", "credential"},
                                         {"--type", "type"},
                                         {"--endpoint", "endpoint"},
                                         {"--zone-id", "zoneId"}})
        if (arguments.has(option)) body[member] = arguments.text(option);
    if (arguments.has("--ttl")) body["ttl"] = arguments.number("--ttl");
    if (arguments.has("--name-server")) {
        const auto servers = arguments.list("--name-server");
        body["nameServers"] = JsonArray(servers.begin(), servers.end());
    }
    const Json answer = TRY(TRY(context.api())->post(Path("groups") / arguments.text("GROUP") / "publications", body));
    const Json publication = unwrapped(answer, "publication");
    context.output().document(publication);
    context.output().line("added; nothing is changed at the provider before: swing publication adopt " +
                          arguments.text("GROUP") + " " + arguments.text("NAME"));
    return 0;
}

Result<int> listPublications(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->get(Path("publications").with("group", arguments.text("--group"))));
    context.output().document(answer);
    Table table({"GROUP", "NAME", "TYPE", "PROVIDER", "STANDING", "WANTED", "WRITTEN", "CHECKED"});
    for (const Json& publication : arrayOf(answer, "publications")) {
        const Json* wanted = memberAt(publication, "wanted");
        table.row({cell(publication, "group"), cell(publication, "name"), cell(publication, "type"),
                   cell(publication, "provider"), signOf(publication),
                   wanted && wanted->is_object() ? joinedCell(*wanted, "values") : "-", writtenCell(publication),
                   shortTime(textAt(publication, "checkedAt"))});
    }
    context.output().table(table, "nothing is published elsewhere; see swing publication add --help");
    return 0;
}

Result<int> checkPublications(Context& context, const Arguments& arguments) {
    ApiClient& api = *TRY(context.api());
    const std::string group = arguments.text("GROUP");
    JsonArray checked;
    bool good = true;
    const Json listed = TRY(api.get(Path("publications").with("group", group)));
    for (const Json& listedOne : arrayOf(listed, "publications")) {
        if (arguments.has("NAME") && textAt(listedOne, "name") != arguments.text("NAME")) continue;
        const Path path =
            Path("groups") / group / "publications" / textAt(listedOne, "name") / textAt(listedOne, "type") / "check";
        const Json publication = unwrapped(TRY(api.post(path, JsonObject{}, Effect::none)), "publication");
        good = good && textAt(publication, "problem").empty() && textAt(publication, "standing") == "published";
        checked.push_back(publication);
        printPublication(context, publication);
    }
    context.output().document(JsonObject{{"publications", checked}});
    if (checked.empty()) return fail(ErrorCode::NotFound, "the group " + group + " publishes no such name");
    return good ? 0 : 1;
}

// The controller works on its own; what is waited for here is its first word on it.
Result<Json> awaited(Context& context, const Arguments& arguments) {
    Json last;
    for (int look = 0; look < adoptionLooks; ++look) {
        std::this_thread::sleep_for(std::chrono::milliseconds(adoptionPauseMs));
        const Json answer = TRY(TRY(context.api())->get(Path("publications").with("group", arguments.text("GROUP"))));
        for (const Json& publication : arrayOf(answer, "publications"))
            if (textAt(publication, "name") == arguments.text("NAME") &&
                textAt(publication, "type") == arguments.text("--type", "A"))
                last = publication;
        const std::string standing = textAt(last, "standing");
        if (standing == "published" || standing == "partial" || standing == "conflict" || standing == "failed") break;
    }
    return last;
}

Result<int> adoptPublication(Context& context, const Arguments& arguments) {
    JsonObject body;
    if (arguments.has("--replace")) body["replace"] = true;
    if (arguments.has("--take-over")) body["takeOver"] = arguments.text("--take-over");
    TRY(TRY(context.api())->post(pathOf(arguments) / "adopt", body));
    const Json publication = TRY(awaited(context, arguments));
    context.output().document(publication);
    printPublication(context, publication);
    const std::string standing = textAt(publication, "standing");
    if (standing == "published") return 0;
    return context.output().error(
        Error(standing == "unknown" ? ErrorCode::OutcomeUnknown : ErrorCode::VerificationFailed,
              arguments.text("NAME") + " is " + standing + ": " + textAt(publication, "detail"),
              textAt(publication, "hint")));
}

Result<int> removePublication(Context& context, const Arguments& arguments) {
    TRY_VOID(confirmOnTerminal(context, arguments,
                               arguments.text("NAME") + " will no longer follow the group. Remove the publication?"));
    const bool withdrawing = arguments.has("--withdraw");
    const Json answer =
        TRY(TRY(context.api())->remove(withdrawing ? pathOf(arguments).with("withdraw", "true") : pathOf(arguments)));
    context.output().document(answer);
    const std::string mark = "_swingbridge-owner." + arguments.text("NAME");
    context.output().line(
        withdrawing ? "removed here, and the mark " + mark + " at the provider; the addresses stay there as they are"
                    : "removed here; the addresses and the mark " + mark + " stay at the provider as they are");
    return 0;
}

Result<Secret> credentialValue(Context& context, const Arguments& arguments) {
    std::string text;
    if (arguments.has("--from-file"))
        text = TRY(readFile(arguments.text("--from-file"), credentialBytesMax + 2));
    else if (canAsk())
        text = TRY(askSecret("credential " + arguments.text("NAME") + " (not shown): ")).reveal();
    else
        text = TRY(context.readInput(credentialBytesMax + 2));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty()) return fail(ErrorCode::InvalidInput, "the credential is empty");
    return Secret(std::move(text));
}

Result<int> setCredential(Context& context, const Arguments& arguments) {
    const Secret value = TRY(credentialValue(context, arguments));
    const Json answer = TRY(
        TRY(context.api())->put(Path("credentials") / arguments.text("NAME"), JsonObject{{"value", value.reveal()}}));
    context.output().document(answer);
    context.output().line("credential " + arguments.text("NAME") + " set; use it as secret:" + arguments.text("NAME"));
    return 0;
}

Result<int> listCredentials(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("credentials")));
    context.output().document(answer);
    Table table({"CREDENTIAL", "CHANGED"});
    for (const Json& entry : arrayOf(answer, "credentials"))
        table.row({cell(entry, "name"), shortTime(textAt(entry, "updatedAt"))});
    context.output().table(table, "no credentials");
    return 0;
}

Result<int> deleteCredential(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->remove(Path("credentials") / arguments.text("NAME")));
    context.output().document(answer);
    context.output().line("credential " + arguments.text("NAME") + " deleted");
    return 0;
}

}  // namespace

std::vector<Command> publicationCommands() {
    using enum ArgumentKind;
    const Argument group{"GROUP", positional, "the group", "", true};
    const Argument name{"NAME", positional, "the published name, for example www.shop.example", "", true};
    const Argument type{"--type", value, "A or AAAA; default: A", "TYPE"};
    const Argument credential{"NAME", positional, "the credential's name", "", true};
    return {
        {"publication add",
         "let a name in another provider's zone follow a group",
         "One record set of one name is owned, and a TXT record beside it that says so. Providers: rfc2136 (dynamic "
         "updates, the endpoint is the primary's ADDRESS:PORT), powerdns (the endpoint is its API's URL), cloudflare, "
         "route53. Nothing is changed there before the name is adopted.",
         "swing publication add shop www.shop.example --zone shop.example --provider cloudflare --credential secret:cf",
         {group,
          name,
          {"--provider", value, "rfc2136, powerdns, cloudflare or route53", "PROVIDER", true},
          {"--zone", value, "the provider's zone that the name is in", "ZONE", true},
          {"--credential", value, "secret:NAME, or file:PATH on the controller with mode 0600", "REF", true},
          type,
          {"--endpoint", value, "ADDRESS:PORT of the primary (rfc2136) or the API's URL", "WHERE"},
          {"--zone-id", value, "the provider's own id of the zone; default: looked up", "ID"},
          {"--ttl", number, "TTL of the record set; 0: the group's", "S", false, 0, 86'400},
          {"--name-server", values, "who must answer it (repeat); default: the zone's NS records", "SERVER"}},
         addPublication},
        {"publication list",
         "list the publications and how they stand",
         "",
         "swing publication list\nswing publication list --group shop",
         {{"--group", value, "only of this group", "GROUP"}},
         listPublications},
        {"publication check",
         "look at the provider and ask every name server, now",
         "Changes nothing. Exit 1 unless all are published and nothing is wrong with them.",
         "swing publication check shop\nswing publication check shop www.shop.example",
         {group, {"NAME", positional, "only this name"}},
         checkPublications},
        {"publication adopt",
         "take a name over: the group's address and mark are written there",
         "Refused when the name answers something else now, unless --replace says that it may change.",
         "swing publication adopt shop www.shop.example",
         {group,
          name,
          type,
          {"--replace", flag, "the name may answer something else now"},
          {"--take-over", value, "id of a group that is gone, whose mark is replaced", "ID"}},
         adoptPublication},
        {"publication remove",
         "stop a name from following the group",
         "What is at the provider stays as it is. With --withdraw the ownership mark is deleted there, so that another "
         "group may take the name; the addresses stay in any case, for the name has users.",
         "swing publication remove shop www.shop.example\nswing publication remove shop www.shop.example --withdraw",
         {group,
          name,
          type,
          {"--withdraw", flag, "delete the ownership mark at the provider"},
          {"--yes", flag, "do not ask"}},
         removePublication},
        {"publication credential set",
         "set a credential for a provider",
         "Read from stdin, asked for without echo on a terminal, or read from a file; sealed in the controller. One "
         "line: "
         "a token (cloudflare), a key (powerdns), [hmac-sha256:]NAME:BASE64 (rfc2136), KEYID:SECRET (route53).",
         "swing publication credential set cf --from-file token.txt",
         {credential, {"--from-file", value, "read the value from this file", "FILE"}},
         setCredential},
        {"publication credential list",
         "list the names of the credentials",
         "",
         "swing publication credential list",
         {},
         listCredentials},
        {"publication credential delete",
         "delete a credential",
         "Refused while a publication uses it.",
         "swing publication credential delete cf",
         {credential},
         deleteCredential},
    };
}

}  // namespace swb::swing
