// swing zone dnssec status|enable|disable|roll|cancel|confirm
#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

Path dnssecOf(const Arguments& arguments) {
    return Path("zones") / arguments.text("ZONE") / "dnssec";
}

void show(Context& context, const Json& status) {
    Output& output = context.output();
    output.line(textAt(status, "zone") + "  " + textAt(status, "stage"));
    output.line(textAt(status, "meaning"));
    if (textAt(status, "stage") == "unsigned") return;
    const std::string until = textAt(status, "until");
    output.line("waits for " + textAt(status, "waitsFor") + (until.empty() ? "" : ", until " + until));
    Table keys({"KEY", "TAG", "ALGORITHM", "NEW", "PUBLISHED", "SIGNS KEYS", "SIGNS ZONE", "MADE"});
    for (const Json& key : arrayOf(status, "keys"))
        keys.row({cell(key, "role"), cell(key, "tag"), cell(key, "algorithm"), cell(key, "new"), cell(key, "published"),
                  cell(key, "signsKeys"), cell(key, "signsZone"), cell(key, "madeAt")});
    output.table(keys, "no keys");
    const auto& ds = arrayOf(status, "ds");
    if (!ds.empty()) output.line("DS for the parent (one of each key is enough):");
    for (const Json& record : ds)
        output.line("  " + textAt(status, "zone") + " IN DS " + std::string(record.as_string()));
}

Result<int> shown(Context& context, const Json& answer) {
    const Json status = unwrapped(answer, "dnssec");
    context.output().document(status);
    show(context, status);
    return 0;
}

Result<int> dnssecStatus(Context& context, const Arguments& arguments) {
    return shown(context, TRY(TRY(context.api())->get(dnssecOf(arguments))));
}

Result<int> enableDnssec(Context& context, const Arguments& arguments) {
    const JsonObject body{{"algorithm", arguments.number("--algorithm", 13)},
                          {"keys", arguments.has("--combined") ? "combined" : "split"}};
    return shown(context, TRY(TRY(context.api())->post(dnssecOf(arguments), body)));
}

Result<int> disableDnssec(Context& context, const Arguments& arguments) {
    Path path = dnssecOf(arguments);
    if (arguments.has("--now")) path = path.with("now", "true");
    return shown(context, TRY(TRY(context.api())->remove(path)));
}

Result<int> rollDnssec(Context& context, const Arguments& arguments) {
    JsonObject body{{"kind", arguments.text("KIND")}};
    if (arguments.has("--algorithm")) body["algorithm"] = arguments.number("--algorithm");
    return shown(context, TRY(TRY(context.api())->post(dnssecOf(arguments) / "roll", body)));
}

// cancel and confirm.
Result<int> steerDnssec(Context& context, const Arguments& arguments) {
    const std::string_view action = arguments.lastWord() == "confirm" ? "parent-done" : "cancel";
    return shown(context, TRY(TRY(context.api())->post(dnssecOf(arguments) / action, JsonObject())));
}

}  // namespace

std::vector<Command> dnssecCommands() {
    using enum ArgumentKind;
    const Argument zone{"ZONE", positional, "the zone", "", true};
    const Argument algorithm{"--algorithm", number, "13 (ECDSA P-256) or 15 (Ed25519)", "NUMBER", false, 13, 15};
    return {
        {"zone dnssec status",
         "show a zone's keys, their stage, and the DS for its parent",
         "",
         "swing zone dnssec status fo.example.com",
         {zone},
         dnssecStatus},
        {"zone dnssec enable",
         "sign a zone",
         "The zone is signed at once; when old answers have left the caches, status shows the DS to give to the "
         "parent.",
         "swing zone dnssec enable fo.example.com",
         {zone, algorithm, {"--combined", flag, "one key instead of a KSK and a ZSK"}},
         enableDnssec},
        {"zone dnssec disable",
         "stop signing a zone",
         "The zone stays signed until the parent has removed its DS. --now does not wait: resolvers that still have "
         "the "
         "DS then fail to validate the zone.",
         "swing zone dnssec disable fo.example.com",
         {zone, {"--now", flag, "do not wait for the parent"}},
         disableDnssec},
        {"zone dnssec roll",
         "replace a key, or the algorithm",
         "The KSK, the CSK and the algorithm need the parent: status shows the new DS when it is time for it.",
         "swing zone dnssec roll fo.example.com ksk",
         {zone, {"KIND", positional, "zsk, ksk, csk or algorithm", "", true}, algorithm},
         rollDnssec},
        {"zone dnssec cancel",
         "take back what has begun",
         "Possible as long as nothing relies on the new keys.",
         "swing zone dnssec cancel fo.example.com",
         {zone},
         steerDnssec},
        {"zone dnssec confirm",
         "say that the parent's DS is as asked",
         "For controllers without resolvers that see it. Wrong, it makes the zone fail to validate.",
         "swing zone dnssec confirm fo.example.com",
         {zone},
         steerDnssec},
    };
}

}  // namespace swb::swing
