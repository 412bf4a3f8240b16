#include "publication/record.h"

#include "model/names.h"

namespace swb::publication {
namespace {

constexpr NameTable<Standing, 9> standings = {{{"none", Standing::none},
                                               {"intended", Standing::intended},
                                               {"submitted", Standing::submitted},
                                               {"verifying", Standing::verifying},
                                               {"published", Standing::published},
                                               {"partial", Standing::partial},
                                               {"unknown", Standing::unknown},
                                               {"conflict", Standing::conflict},
                                               {"failed", Standing::failed}}};

Json toJson(const Target& target) {
    return JsonObject{{"group", target.group}, {"epoch", target.epoch}, {"set", publication::toJson(target.set)}};
}

Result<Target> targetFromJson(const Json& value, std::string path) {
    JsonReader reader(value, path);
    Target target;
    target.group = reader.string("group");
    target.epoch = reader.integer("epoch");
    const Json* set = reader.child("set");
    if (!set) reader.problem("set", "is required");
    TRY_VOID(reader.finish());
    target.set = TRY(recordSetFromJson(*set, path + ".set"));
    return target;
}

Result<Intent> intentFromJson(const Json& value) {
    JsonReader reader(value, "intent");
    Intent intent;
    intent.epoch = reader.integer("epoch");
    const Json* before = reader.child("before");
    const Json* after = reader.child("after");
    intent.at = reader.integer("at", 0);
    intent.open = reader.boolean("open", false);
    if (!after) reader.problem("after", "is required");
    TRY_VOID(reader.finish());
    if (before) intent.before = TRY(recordSetFromJson(*before, "intent.before"));
    intent.after = TRY(recordSetFromJson(*after, "intent.after"));
    return intent;
}

}  // namespace

std::string_view nameOf(Standing standing) {
    return nameIn(standings, standing);
}

Json toJson(const RecordSet& set) {
    return JsonObject{{"ttl", set.ttlSeconds}, {"values", JsonArray(set.values.begin(), set.values.end())}};
}

Result<RecordSet> recordSetFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    RecordSet set;
    const int64_t ttl = reader.integer("ttl");
    set.values = reader.strings("values");
    if (ttl < 0 || ttl > 0x7fffffff) reader.problem("ttl", "is out of range");
    TRY_VOID(reader.finish());
    set.ttlSeconds = static_cast<uint32_t>(ttl);
    return set;
}

Json toJson(const Record& record) {
    JsonObject out{{"standing", nameOf(record.standing)},
                   {"standingAt", record.standingAt},
                   {"detail", record.detail},
                   {"hint", record.hint},
                   {"change", record.change},
                   {"writtenAt", record.writtenAt},
                   {"writeProblem", record.writeProblem},
                   {"wanted", nullptr},
                   {"published", nullptr},
                   {"intent", nullptr}};
    if (record.wanted) out["wanted"] = toJson(*record.wanted);
    if (record.published) out["published"] = toJson(*record.published);
    if (record.intent)
        out["intent"] = JsonObject{{"epoch", record.intent->epoch},
                                   {"before", record.intent->before ? toJson(*record.intent->before) : Json(nullptr)},
                                   {"after", toJson(record.intent->after)},
                                   {"at", record.intent->at},
                                   {"open", record.intent->open}};
    return out;
}

Result<Record> recordFromJson(const Json& value) {
    JsonReader reader(value, "publication");
    Record record;
    record.standing = readEnum(reader, "standing", standings, Standing::none);
    record.standingAt = reader.integer("standingAt", 0);
    record.detail = reader.string("detail", "");
    record.hint = reader.string("hint", "");
    record.change = reader.string("change", "");
    record.writtenAt = reader.integer("writtenAt", 0);
    record.writeProblem = reader.string("writeProblem", "");
    const Json* wanted = reader.child("wanted");
    const Json* published = reader.child("published");
    const Json* intent = reader.child("intent");
    TRY_VOID(reader.finish());
    if (wanted) record.wanted = TRY(targetFromJson(*wanted, "wanted"));
    if (published) record.published = TRY(targetFromJson(*published, "published"));
    if (intent) record.intent = TRY(intentFromJson(*intent));
    return record;
}

}  // namespace swb::publication
