// swing status
#include <fmt/format.h>

#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

Result<int> showStatus(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("status")));
    context.output().document(answer);
    std::string text;
    const auto fact = [&text](std::string_view name, const std::string& value) {
        text += padded(name, 16) + value + "\n";
    };
    fact("controller", TRY(context.api())->url());
    fact("version", cell(answer, "version"));
    fact("zone", cell(answer, "zone"));
    fact("DNS", joinedCell(answer, "dns"));
    fact("API", joinedCell(answer, "api"));
    fact("sites", cell(answer, "sites"));
    fact("servers", fmt::format("{}, {} connected", cell(answer, "servers"), cell(answer, "connected")));
    fact("applications", cell(answer, "applications"));
    fact("groups", cell(answer, "groups"));
    fact("active runs", joinedCell(answer, "activeRuns"));
    context.output().text(text);
    return 0;
}

}  // namespace

std::vector<Command> statusCommands() {
    return {{"status", "the controller at a glance", "", "swing status", {}, showStatus}};
}

}  // namespace swb::swing
