// swing zone list|show|import, swing record set|delete: the records beside the failover addresses.
#include <sstream>

#include "base/file.h"
#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

constexpr size_t masterFileBytesMax = 768 << 10;

Result<int> listZones(Context& context, const Arguments&) {
    const Json answer = TRY(TRY(context.api())->get(Path("zones")));
    context.output().document(answer);
    Table table({"ZONE", "SERIAL", "SIGNED", "NAMES", "RECORDS", "ALIASES"});
    for (const Json& zone : arrayOf(answer, "zones"))
        table.row({cell(zone, "name"), cell(zone, "serial"), cell(zone, "signed"), cell(zone, "names"),
                   cell(zone, "records"), cell(zone, "aliases")});
    context.output().table(table, "no zones");
    return 0;
}

Result<int> showZone(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->get(Path("zones") / arguments.text("ZONE")));
    const Json zone = unwrapped(answer, "zone");
    context.output().document(zone);
    Table table({"NAME", "TTL", "TYPE", "DATA"});
    for (const Json& set : arrayOf(zone, "records"))
        for (const Json& data : arrayOf(set, "data"))
            table.row({cell(set, "name"), cell(set, "ttl"), cell(set, "type"),
                       data.is_string() ? printable(data.as_string()) : "-"});
    for (const Json& alias : arrayOf(zone, "aliases"))
        table.row({cell(alias, "name"), cell(alias, "ttl"), "ALIAS", cell(alias, "target")});
    context.output().table(table, "no records of its own beside the failover addresses");
    Table secondaries({"SECONDARY", "STANDING", "SERIAL", "LAST ANSWER", "LAST ERROR"});
    for (const Json& secondary : arrayOf(zone, "secondaries"))
        secondaries.row({cell(secondary, "address"), cell(secondary, "standing"), cell(secondary, "serial"),
                         shortTime(textAt(secondary, "lastContactAt")), cell(secondary, "lastError")});
    if (secondaries.empty()) return 0;
    context.output().line("");
    context.output().line("serial " + cell(zone, "serial") + " at its secondaries:");
    context.output().table(secondaries, "");
    return 0;
}

Result<int> exportZone(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->get(Path("zones") / arguments.text("ZONE") / "file"));
    context.output().document(answer);
    std::istringstream lines(textAt(answer, "text"));
    for (std::string line; std::getline(lines, line);) context.output().line(printable(line));
    return 0;
}

Result<int> importZone(Context& context, const Arguments& arguments) {
    const std::string file = arguments.text("FILE");
    const std::string text =
        TRY(file == "-" ? context.readInput(masterFileBytesMax) : readFile(file, masterFileBytesMax));
    const Json answer = TRY(TRY(context.api())
                                ->post(Path("zones") / arguments.text("ZONE") / "import",
                                       JsonObject{{"text", text}, {"dryRun", arguments.has("--dry-run")}}));
    context.output().document(answer);
    Table table({"", "NAME", "TTL", "TYPE", "DATA"});
    for (const auto& [sign, member] : {std::pair("-", "removed"), std::pair("+", "added")})
        for (const Json& set : arrayOf(answer, member))
            table.row({sign, cell(set, "name"), cell(set, "ttl"), cell(set, "type"), joinedCell(set, "data")});
    context.output().table(table, "nothing would change");
    for (const Json& sentence : arrayOf(answer, "leftOut"))
        if (sentence.is_string()) context.output().line("left out: " + printable(sentence.as_string()));
    if (!arguments.has("--dry-run")) context.output().line("serial " + cell(answer, "serial"));
    return 0;
}

Result<int> setRecord(Context& context, const Arguments& arguments) {
    JsonArray data;
    for (const std::string& text : arguments.list("DATA")) data.emplace_back(text);
    JsonObject body{{"name", arguments.text("NAME")}, {"type", arguments.text("TYPE")}, {"data", data}};
    if (arguments.has("--ttl")) body["ttl"] = arguments.number("--ttl");
    const Json answer = TRY(TRY(context.api())->put(Path("zones") / arguments.text("ZONE") / "records", body));
    context.output().document(answer);
    context.output().line("set; zone " + arguments.text("ZONE") + " has serial " + cell(answer, "serial"));
    return 0;
}

Result<int> deleteRecord(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())
                                ->remove(Path("zones") / arguments.text("ZONE") / "records" / arguments.text("NAME") /
                                         arguments.text("TYPE")));
    context.output().document(answer);
    context.output().line("deleted; zone " + arguments.text("ZONE") + " has serial " + cell(answer, "serial"));
    return 0;
}

}  // namespace

std::vector<Command> zoneCommands() {
    using enum ArgumentKind;
    const Argument zone{"ZONE", positional, "the zone's name", "", true};
    const Argument name{"NAME", positional, "a name in the zone; @ is the zone itself", "", true};
    const Argument type{"TYPE", positional, "A, AAAA, CNAME, TXT, MX, CAA, HTTPS, SRV, …, or ALIAS", "", true};
    return {
        {"zone list", "list the zones that the controller answers", "", "swing zone list", {}, listZones},
        {"zone show",
         "show a zone's own records and its secondaries",
         "Failover addresses are not among the records: `swing group list`. A secondary is in sync, behind, ahead (it "
         "takes no changes from here), or silent.",
         "swing zone show failover.example",
         {zone},
         showZone},
        {"zone export",
         "print a zone as a master file",
         "As it is answered now, without signatures.",
         "swing zone export failover.example > failover.zone",
         {zone},
         exportZone},
        {"zone import",
         "take a zone's records from a master file",
         "The file's records replace the zone's own; failover addresses stay. SOA and apex NS of the file are passed "
         "over. $INCLUDE and $GENERATE are refused. FILE may be - for stdin.",
         "swing zone import shop.example shop.zone --dry-run",
         {zone,
          {"FILE", positional, "the master file (RFC 1035)", "", true},
          {"--dry-run", flag, "check, show what would change, change nothing"}},
         importZone},
        {"record set",
         "set the records of one name and type",
         "All records of that name and type are replaced. Type ALIAS makes a name, such as the zone itself, answer the "
         "addresses of another one; when that is a failover address, both switch together.",
         "swing record set shop.example @ ALIAS shop.failover.example\nswing record set shop.example www TXT 'hello'",
         {zone,
          name,
          type,
          {"DATA", values, "each record's data, as in a master file", "", true},
          {"--ttl", number, "how long it may be kept (default 3600; ALIAS 300)", "SECONDS", false, 0, 2147483647}},
         setRecord},
        {"record delete",
         "delete the records of one name and type",
         "",
         "swing record delete shop.example www TXT",
         {zone, name, type},
         deleteRecord},
    };
}

}  // namespace swb::swing
