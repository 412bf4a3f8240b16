// swing app apply|list|show|schema|delete
#include "base/file.h"
#include "base/limits.h"
#include "swing/context.h"
#include "swing/format.h"
#include "swing/run_follow.h"
#include "swing/run_view.h"

namespace swb::swing {
namespace {

Result<int> applyApplication(Context& context, const Arguments& arguments) {
    const std::string file = arguments.text("FILE");
    const std::string definition =
        file == "-" ? TRY(context.readInput(limits::bodyBytes)) : TRY(readFile(file, limits::bodyBytes));
    if (definition.empty()) return fail(ErrorCode::InvalidInput, (file == "-" ? "stdin" : file) + " is empty");
    const bool dryRun = arguments.has("--dry-run");
    ApiRequest request{
        .method = "PUT", .path = Path("applications").with("dryRun", dryRun ? "true" : ""), .body = definition};
    request.contentType = file.ends_with(".json") ? "application/json" : "application/yaml";
    request.effect = dryRun ? Effect::none : Effect::changes;
    auto answer = TRY(context.api())->send(request);
    if (!answer) {
        if (answer.error().code == ErrorCode::InvalidDefinition) return fail(answer.error().within(file));
        return fail(answer.error());
    }
    const Json* run = memberAt(*answer, "run");
    const Json enclosing = JsonObject{{"application", unwrapped(*answer, "application")}, {"run", nullptr}};
    if (!dryRun) return followRun(context, arguments, run ? *run : Json(nullptr), WaitDefault::always, enclosing);
    context.output().document(*answer);
    context.output().line("the definition is valid; nothing was changed");
    if (run && run->is_object()) context.output().text(planText(*run, context.output().outStyle()));
    return 0;
}

Result<int> listApplications(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("applications")));
    context.output().document(answer);
    Table table({"APPLICATION", "SITE", "SERVERS", "GROUP", "ROLE", "MAINTENANCE"});
    for (const Json& application : arrayOf(answer, "applications"))
        table.row({cell(application, "name"), cell(application, "site"), joinedCell(application, "servers"),
                   cell(application, "group"), cell(application, "role"), cell(application, "maintenance")});
    context.output().table(table, "no applications; define one: swing app apply FILE");
    return 0;
}

// What the agents report about one kind of part, whatever members that has: one line for each part.
std::string partsText(const Json& answer, std::string_view member) {
    const Json* parts = memberAt(answer, member);
    if (!parts) return "";
    std::string out;
    const auto add = [&out](std::string_view name, const Json& part) {
        std::string line = printable(name);
        if (part.is_object())
            for (const auto& [key, unused] : part.as_object())
                line += "  " + printable(key) + " " + joinedCell(part, key);
        else
            line +=
                (line.empty() ? "" : "  ") + (part.is_string() ? printable(part.as_string()) : printable(toText(part)));
        out += "  " + line.substr(std::min(line.find_first_not_of(' '), line.size())) + "\n";
    };
    if (parts->is_array())
        for (const Json& part : parts->as_array()) add("", part);
    if (parts->is_object())
        for (const auto& [name, part] : parts->as_object()) add(name, part);
    return out.empty() ? "" : std::string(member) + "\n" + out;
}

// The replicas inside it, each a link of its own.
std::string replicasText(const Json& answer, const Style& style) {
    Table table({"REPLICA", "DATABASE", "SERVER", "ADDRESS", "FOLLOWS", "STATE", "LAG", "HINT"});
    for (const Json& replica : arrayOf(answer, "replicas")) {
        const Json* bytes = memberAt(replica, "lagBytes");
        table.row({cell(replica, "name"), cell(replica, "database"), cell(replica, "server"), cell(replica, "address"),
                   cell(replica, "from"), cell(replica, "state"),
                   bytes && bytes->is_int64() ? humanBytes(bytes->as_int64()) : "-", cell(replica, "hint")});
    }
    return table.empty() ? "" : "replicas\n" + table.text(style);
}

Result<int> showApplication(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->get(Path("applications") / arguments.text("APP")));
    Output& output = context.output();
    output.document(answer);
    std::string definition;
    for (const char c : textAt(answer, "definition")) definition += c == '\n' ? std::string("\n") : printable({&c, 1});
    if (!definition.empty() && !definition.ends_with('\n')) definition += '\n';
    output.text(definition);
    if (memberAt(answer, "maintenance")) output.text("maintenance now  " + cell(answer, "maintenance") + "\n");
    for (const std::string_view member : {"fronts", "processes", "databases", "secrets"})
        output.text(partsText(answer, member));
    output.text(replicasText(answer, output.outStyle()));
    return 0;
}

Result<int> showSchema(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("schema") / "application"));
    context.output().document(answer);
    context.output().line(toPrettyText(answer));
    return 0;
}

Result<int> deleteApplication(Context& context, const Arguments& arguments) {
    const std::string name = arguments.text("APP");
    TRY_VOID(confirmOnTerminal(
        context, arguments,
        "Delete application " + name + "? Its configuration is taken off its servers; its data stays."));
    const Json answer = TRY(TRY(context.api())->remove(Path("applications") / name));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::always);
}

}  // namespace

std::vector<Command> applicationCommands() {
    using enum ArgumentKind;
    const Argument application{"APP", positional, "the application", "", true};
    return {
        {"app apply", "create or change an application by its definition file",
         "Waits for the run that makes the servers match, and reports it.",
         "swing app apply shop-fra.yaml\nswing app apply shop-fra.yaml --dry-run\nrender | swing app apply -",
         withWaiting({{"FILE", positional, "the definition, YAML or (by its name) JSON; - for stdin", "", true},
                      {"--dry-run", flag, "check it and show the plan; change nothing"}}),
         applyApplication},
        {"app list", "list the applications", "", "swing app list", {}, listApplications},
        {"app show",
         "one application: its definition and what its servers report",
         "",
         "swing app show shop-fra",
         {application},
         showApplication},
        {"app schema",
         "print the JSON Schema of definition files",
         "",
         "swing app schema > application.schema.json",
         {},
         showSchema},
        {"app delete", "delete an application", "Refused while a group or a replication link uses it.",
         "swing app delete shop-fra", withWaiting({application, {"--yes", flag, "do not ask"}}), deleteApplication},
    };
}

}  // namespace swb::swing
