#include "model/zone.h"

namespace swb {
namespace {

StaticRecords recordsFrom(JsonReader& reader) {
    StaticRecords records;
    records.name = reader.string("name");
    records.type = reader.string("type");
    records.ttl = reader.integer("ttl", 3600);
    records.data = reader.strings("data");
    if (records.data.empty()) reader.problem("data", "must have at least one record");
    if (records.data.size() > staticRecordDataMax) reader.problem("data", "has more than 256 records");
    return records;
}

Alias aliasFrom(JsonReader& reader) {
    return {reader.string("name"), reader.string("target"), reader.integer("ttl", 300)};
}

template <typename Item, typename Read>
Result<std::vector<Item>> itemsFrom(JsonReader& reader, std::string_view key, size_t most, Read read) {
    std::vector<Item> items;
    const JsonArray* array = reader.array(key);
    if (!array) return items;
    if (array->size() > most) reader.problem(key, "has more than " + std::to_string(most) + " entries");
    for (size_t index = 0; index < std::min(array->size(), most); ++index) {
        JsonReader inner((*array)[index], reader.pathOf(key) + "[" + std::to_string(index) + "]");
        items.push_back(read(inner));
        TRY_VOID(inner.finish());
    }
    return items;
}

}  // namespace

const Alias* Zone::aliasAt(std::string_view recordName) const {
    for (const Alias& alias : aliases)
        if (alias.name == recordName) return &alias;
    return nullptr;
}

Json toJson(const StaticRecords& records) {
    return JsonObject{{"name", records.name},
                      {"type", records.type},
                      {"ttl", records.ttl},
                      {"data", JsonArray(records.data.begin(), records.data.end())}};
}

Json toJson(const Alias& alias) {
    return JsonObject{{"name", alias.name}, {"target", alias.target}, {"ttl", alias.ttl}};
}

Json toJson(const Zone& zone) {
    JsonArray records, aliases;
    for (const StaticRecords& set : zone.records) records.push_back(toJson(set));
    for (const Alias& alias : zone.aliases) aliases.push_back(toJson(alias));
    return JsonObject{{"name", zone.name}, {"records", records}, {"aliases", aliases}};
}

Result<Zone> zoneFromJson(const Json& value) {
    JsonReader reader(value, "zone");
    Zone zone;
    zone.name = reader.string("name");
    zone.records = TRY(itemsFrom<StaticRecords>(reader, "records", staticRecordSetsMax, recordsFrom));
    zone.aliases = TRY(itemsFrom<Alias>(reader, "aliases", aliasesMax, aliasFrom));
    TRY_VOID(reader.finish());
    return zone;
}

}  // namespace swb
