// swing group create|update|list|show|delete|check
#include "base/limits.h"
#include "swing/context.h"
#include "swing/format.h"
#include "swing/link_view.h"
#include "swing/run_view.h"

namespace swb::swing {
namespace {

// Members of a request from the options that were given. An empty --secondary empties that slot.
JsonObject groupBody(const Arguments& arguments) {
    JsonObject body;
    for (const auto& [option, member] :
         {std::pair{"--primary", "primary"}, {"--secondary", "secondary"}, {"--label", "label"}})
        if (arguments.has(option)) body[member] = arguments.text(option);
    for (const auto& [option, member] : {std::pair{"--ttl", "ttl"}, {"--outage-budget", "outageBudgetMs"}})
        if (arguments.has(option)) body[member] = arguments.number(option);
    return body;
}

void printGroup(Context& context, const Json& group) {
    Output& output = context.output();
    const Style& style = output.outStyle();
    std::string text = style.paint(Colour::bold, cell(group, "name")) + "\n";
    const auto fact = [&text](std::string_view name, const std::string& value) {
        text += "  " + padded(name, 16) + value + "\n";
    };
    fact("id", cell(group, "id"));
    fact("address", cell(group, "address") + "  TTL " + humanMilliseconds(integerAt(group, "ttl") * 1000));
    if (!textAt(group, "ttlSafeAt").empty())
        fact("", "TTL lowered to " + cell(group, "lowTtl") + " s; earliest safe switch " +
                     shortTime(textAt(group, "ttlSafeAt")));
    fact("current", style.paint(Colour::bold, cell(group, "current")));
    fact("primary", cell(group, "primary"));
    fact("secondary", cell(group, "secondary"));
    fact("epoch", cell(group, "epoch"));
    fact("busy", cell(group, "busy"));
    fact("outage budget", humanMilliseconds(integerAt(group, "outageBudgetMs")));
    fact("lag alarm", humanBytes(integerAt(group, "lagAlertBytes")) + " or " +
                          humanMilliseconds(integerAt(group, "lagAlertSeconds") * 1000));
    fact("protected", cell(group, "protected"));
    if (const Json* ready = memberAt(group, "ready"); ready && ready->is_object())
        fact("ready", cell(*ready, "verdict") + " at " + shortTime(textAt(*ready, "checkedAt")));
    else
        fact("ready", "never checked: swing group check " + cell(group, "name"));
    output.text(text);
    Table applications({"APPLICATION", "SITE", "ROLE", "MAINTENANCE", "ADDRESSES"});
    for (const Json& application : arrayOf(group, "applications"))
        applications.row({cell(application, "name"), cell(application, "site"), cell(application, "role"),
                          cell(application, "maintenance"), joinedCell(application, "addresses")});
    if (!applications.empty()) output.text("\n" + applications.text(style));
    Table links(linkHeads());
    for (const Json& link : arrayOf(group, "links")) links.row(linkRow(link));
    if (!links.empty()) output.text("\n" + links.text(style));
    for (const Json& link : arrayOf(group, "links")) output.text(linkRemark(link));
}

Result<int> printed(Context& context, const Json& answer) {
    const Json group = unwrapped(answer, "group");
    context.output().document(group);
    printGroup(context, group);
    return 0;
}

Result<int> createGroup(Context& context, const Arguments& arguments) {
    JsonObject body = groupBody(arguments);
    body["name"] = arguments.text("NAME");
    return printed(context, TRY(TRY(context.api())->post(Path("groups"), body)));
}

// APP=ADDRESS, once for each address; the request names all of an application's chosen fronts at once.
Result<JsonObject> chosenFronts(const std::vector<std::string>& words) {
    JsonObject fronts;
    for (const std::string& word : words) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(ErrorCode::InvalidInput, "'" + word.substr(0, 80) + "' is not APP=ADDRESS",
                        "for example shop-fra=203.0.113.10");
        Json& addresses = fronts[word.substr(0, equals)];
        if (!addresses.is_array()) addresses = JsonArray{};
        addresses.as_array().emplace_back(word.substr(equals + 1));
    }
    return fronts;
}

Result<int> updateGroup(Context& context, const Arguments& arguments) {
    JsonObject body = groupBody(arguments);
    if (arguments.has("--protect") || arguments.has("--no-protect")) body["protected"] = arguments.has("--protect");
    for (const auto& [option, member] :
         {std::pair{"--lag-alert-bytes", "lagAlertBytes"}, {"--lag-alert-seconds", "lagAlertSeconds"}})
        if (arguments.has(option)) body[member] = arguments.number(option);
    if (arguments.has("--low-ttl")) body["lowTtl"] = arguments.number("--low-ttl");
    if (arguments.has("--domain")) {
        JsonArray domains;
        for (const std::string& domain : arguments.list("--domain"))
            if (!domain.empty()) domains.emplace_back(domain);
        body["domains"] = domains;
    }
    if (arguments.has("--front")) body["fronts"] = TRY(chosenFronts(arguments.list("--front")));
    if (body.empty())
        return fail(ErrorCode::InvalidInput, "nothing to change was given", "see swing group update --help");
    return printed(context, TRY(TRY(context.api())->patch(Path("groups") / arguments.text("NAME"), body)));
}

Result<int> listGroups(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("groups")));
    context.output().document(answer);
    Table table({"GROUP", "ADDRESS", "CURRENT", "STANDBY", "EPOCH", "BUSY", "READY"});
    for (const Json& group : arrayOf(answer, "groups")) {
        const std::string current = textAt(group, "current"), primary = textAt(group, "primary");
        const Json* ready = memberAt(group, "ready");
        table.row({cell(group, "name"), cell(group, "address"), cell(group, "current"),
                   cell(group, current == primary ? "secondary" : "primary"), cell(group, "epoch"), cell(group, "busy"),
                   ready ? cell(*ready, "verdict") : "-"});
    }
    context.output().table(table, "no groups; create one: swing group create NAME --primary APP");
    return 0;
}

Result<int> showGroup(Context& context, const Arguments& arguments) {
    return printed(context, TRY(TRY(context.api())->get(Path("groups") / arguments.text("NAME"))));
}

Result<int> prepareGroup(Context& context, const Arguments& arguments) {
    JsonObject body;
    if (arguments.has("--restore")) body["restore"] = true;
    return printed(context, TRY(TRY(context.api())->post(Path("groups") / arguments.text("NAME") / "prepare", body)));
}

Result<int> deleteGroup(Context& context, const Arguments& arguments) {
    const std::string name = arguments.text("NAME");
    TRY_VOID(confirmOnTerminal(context, arguments, "Delete group " + name + "? Its address is gone for good."));
    const Json answer = TRY(TRY(context.api())->remove(Path("groups") / name));
    context.output().document(answer);
    context.output().line("group " + name + " deleted");
    return 0;
}

Result<int> checkGroup(Context& context, const Arguments& arguments) {
    JsonObject body;
    if (arguments.has("--to")) body["to"] = arguments.text("--to");
    const Json answer =
        TRY(TRY(context.api())->post(Path("groups") / arguments.text("NAME") / "check", body, Effect::none));
    const Json ready = unwrapped(answer, "ready");
    Output& output = context.output();
    output.document(ready);
    output.text(checksTable(ready, output.outStyle()) + "\n" + checksSummary(ready, output.outStyle()));
    if (textAt(ready, "verdict") != "refused") return 0;
    return output.error(Error(ErrorCode::NotReady,
                              "the group " + arguments.text("NAME") + " is not ready to be switched",
                              "see the refused checks and their hints"));
}

void printAddress(Context& context, const Json& report) {
    Output& output = context.output();
    const Style& style = output.outStyle();
    output.line(style.paint(Colour::bold, cell(report, "address")) + " should answer " +
                joinedCell(report, "expected") + ", TTL " + cell(report, "ttl") + " s, epoch " + cell(report, "epoch"));
    const auto answers = [&](const char* member, const char* title) {
        Table table({title, "ADDRESS", "", "ANSWERS", "TTL", "SERIAL", "EPOCH"});
        for (const Json& answer : arrayOf(report, member)) {
            const std::string problem = textAt(answer, "problem");
            table.row({cell(answer, "server"), cell(answer, "address"), cell(answer, "transport"),
                       problem.empty() ? joinedCell(answer, "addresses") : printable(problem), cell(answer, "ttl"),
                       cell(answer, "serial"), cell(answer, "epoch")});
        }
        if (!table.empty()) output.text("\n" + table.text(style));
    };
    answers("nameServers", "NAME SERVER");
    answers("resolvers", "RESOLVER");
    Table domains({"DOMAIN", "LEADS TO", "ADDRESSES"});
    for (const Json& domain : arrayOf(report, "domains")) {
        std::string chain;
        for (const Json& link : arrayOf(domain, "chain"))
            chain += (chain.empty() ? "" : " > ") + cell(link, "to") +
                     (booleanAt(link, "exact") ? " (" : " (at least ") + cell(link, "ttl") + " s)";
        const std::string problem = textAt(domain, "problem");
        domains.row({cell(domain, "name"), chain.empty() ? "-" : chain,
                     problem.empty() ? joinedCell(domain, "addresses") : printable(problem)});
    }
    if (!domains.empty()) output.text("\n" + domains.text(style));
    for (const Json& warning : arrayOf(report, "warnings"))
        output.line("\n" + style.paint(Colour::yellow, cell(warning, "name")) + " " +
                    printable(textAt(warning, "subject")) + ": " + printable(textAt(warning, "sentence")) + "\n  " +
                    printable(textAt(warning, "hint")));
}

Result<int> testAddress(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->get(Path("groups") / arguments.text("NAME") / "address"));
    const Json report = unwrapped(answer, "address");
    context.output().document(report);
    printAddress(context, report);
    return arrayOf(report, "warnings").empty() ? 0 : 1;
}

const std::vector<Argument>& groupOptions() {
    using enum ArgumentKind;
    static const std::vector<Argument> options = {
        {"--ttl", number, "TTL of the failover address", "S", false, 0, 86'400},
        {"--outage-budget", number, "longest a switch may keep users waiting before it rolls back", "MS", false, 100,
         3'600'000}};
    return options;
}

std::vector<Argument> withGroupOptions(std::vector<Argument> arguments) {
    for (const Argument& option : groupOptions()) arguments.push_back(option);
    return arguments;
}

}  // namespace

std::vector<Command> groupCommands() {
    using enum ArgumentKind;
    const Argument name{"NAME", positional, "the group", "", true};
    return {
        {"group create", "create a failover group with its address",
         "The address is LABEL under the controller's zone; without a label one is made up. It is never given out "
         "twice.",
         "swing group create shop --primary shop-fra --secondary shop-nyc --label shop --ttl 60",
         withGroupOptions(
             {name,
              {"--primary", value, "the application that is current; none: the address is reserved only", "APP"},
              {"--secondary", value, "the application at the other site", "APP"},
              {"--label", value, "first label of the address", "L"}}),
         createGroup},
        {"group update", "change a group", "An empty value (--secondary '') takes the application out of that slot.",
         "swing group update shop --ttl 30\nswing group update shop --secondary ''",
         withGroupOptions(
             {name,
              {"--primary", value, "application of the first slot", "APP"},
              {"--secondary", value, "application of the second slot", "APP"},
              {"--front", values, "web front that gets the address while APP is current (repeat); default: all",
               "APP=ADDRESS"},
              {"--domain", values, "a name of yours that leads to the address (repeat; all of them); '' for none",
               "NAME"},
              {"--low-ttl", number, "TTL while a switch is prepared", "S", false, 1, 300},
              {"--lag-alert-bytes", number, "a link further behind than that raises an alarm", "BYTES", false, 65'536,
               int64_t{1} << 50},
              {"--lag-alert-seconds", number, "a link further behind than that raises an alarm", "S", false, 1, 86'400},
              {"--protect", flag, "only an admin may switch it"},
              {"--no-protect", flag, "an operator may switch it"}}),
         updateGroup},
        {"group list", "list the groups", "", "swing group list", {}, listGroups},
        {"group show",
         "one group: address, applications, links, readiness",
         "",
         "swing group show shop --json",
         {name},
         showGroup},
        {"group address",
         "what is answered for the address: by every own name server, the resolvers, and for your domains",
         "Changes nothing. Exit 1 when there is something to warn of.",
         "swing group address shop",
         {name},
         testAddress},
        {"group prepare",
         "lower the TTL ahead of a switch and say when it is safe",
         "Caches keep the old address for as long as the TTL they were given. From the earliest safe time on that is "
         "the "
         "low TTL. A switch puts it back at its end, unless --no-ttl is given.",
         "swing group prepare shop\nswing group prepare shop --restore",
         {name, {"--restore", flag, "put the usual TTL back: no switch after all"}},
         prepareGroup},
        {"group delete",
         "delete a group and its address",
         "Refused while it points at an application: empty its slots by `swing group update` first.",
         "swing group delete shop",
         {name, {"--yes", flag, "do not ask"}},
         deleteGroup},
        {"group check",
         "could it be switched now? every check with its verdict",
         "Changes nothing. Exit 3 when a check refuses.",
         "swing group check shop",
         {name, {"--to", value, "the application to switch to; default: the standby", "APP"}},
         checkGroup},
    };
}

}  // namespace swb::swing
