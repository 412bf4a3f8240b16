// swing site add|list|delete
#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

Result<int> addSite(Context& context, const Arguments& arguments) {
    const std::string name = arguments.text("NAME");
    const Json answer =
        TRY(TRY(context.api())
                ->post(Path("sites"), JsonObject{{"name", name}, {"title", arguments.text("--title", name)}}));
    context.output().document(unwrapped(answer, "site"));
    context.output().line("site " + name + " added");
    return 0;
}

Result<int> listSites(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("sites")));
    context.output().document(answer);
    Table table({"SITE", "TITLE", "SERVERS"});
    for (const Json& site : arrayOf(answer, "sites"))
        table.row({cell(site, "name"), cell(site, "title"), joinedCell(site, "servers")});
    context.output().table(table, "no sites; add one: swing site add NAME");
    return 0;
}

Result<int> deleteSite(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->remove(Path("sites") / arguments.text("NAME")));
    context.output().document(answer);
    context.output().line("site " + arguments.text("NAME") + " deleted");
    return 0;
}

}  // namespace

std::vector<Command> siteCommands() {
    using enum ArgumentKind;
    return {
        {"site add",
         "add a site",
         "",
         "swing site add fra --title Frankfurt",
         {{"NAME", positional, "the site's name: a-z, 0-9 and '-'", "", true},
          {"--title", value, "what people call it", "TEXT"}},
         addSite},
        {"site list", "list the sites", "", "swing site list --json", {}, listSites},
        {"site delete",
         "delete a site",
         "Refused while servers or applications are there.",
         "swing site delete fra",
         {{"NAME", positional, "the site", "", true}},
         deleteSite},
    };
}

}  // namespace swb::swing
