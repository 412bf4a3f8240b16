#include "dns/record_json.h"

namespace swb::dns {
namespace {

JsonObject toJson(const ZoneRecordSet& record) {
    JsonArray data;
    for (const Rdata& one : record.set.records) data.emplace_back(rdataToText(record.set.type, one));
    return {{"name", record.name.toText()},
            {"type", typeToText(record.set.type)},
            {"ttl", record.set.ttlSeconds},
            {"data", std::move(data)}};
}

Result<ZoneRecordSet> fromJson(const Json& value, const std::string& path) {
    JsonReader reader(value, path);
    const std::string nameText = reader.string("name"), typeText = reader.string("type");
    const int64_t ttlSeconds = reader.integer("ttl");
    if (ttlSeconds < 0 || ttlSeconds > ttlMax) reader.problem("ttl", "is out of range");
    const std::vector<std::string> data = reader.strings("data");
    TRY_VOID(reader.finish());
    ZoneRecordSet record;
    record.name = TRY(Name::fromText(nameText));
    record.set.type = TRY(typeFromText(typeText));
    record.set.ttlSeconds = static_cast<uint32_t>(ttlSeconds);
    for (const std::string& text : data) record.set.records.push_back(TRY(rdataFromText(record.set.type, text)));
    return record;
}

}  // namespace

JsonArray recordSetsToJson(const std::vector<ZoneRecordSet>& sets) {
    JsonArray list;
    for (const ZoneRecordSet& set : sets) list.push_back(toJson(set));
    return list;
}

Result<std::vector<ZoneRecordSet>> recordSetsFromJson(const JsonArray& list, const std::string& path) {
    if (list.size() > zoneRecordSetsMax) return fail(ErrorCode::TooLarge, path + " has too many entries");
    std::vector<ZoneRecordSet> sets;
    for (size_t i = 0; i < list.size(); ++i) {
        const std::string where = path + "[" + std::to_string(i) + "]";
        auto record = fromJson(list[i], where);
        if (!record)
            return fail(record.error().message.starts_with(where) ? record.error() : record.error().within(where));
        sets.push_back(*std::move(record));
    }
    return sets;
}

}  // namespace swb::dns
