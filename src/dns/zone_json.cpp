// The zone as a document: the form it has on disk and is sent in.
#include "dns/zone.h"

namespace swb::dns {
namespace {

constexpr std::string_view formatName = "swingbridge-zone-1";
constexpr size_t groupNameMax = 255;

JsonArray addressesToJson(const std::vector<IpAddress>& addresses) {
    JsonArray list;
    for (const IpAddress& address : addresses) list.emplace_back(address.toText());
    return list;
}

JsonObject recordSetToJson(const ZoneRecordSet& set) {
    JsonArray data;
    for (const Rdata& record : set.records) data.emplace_back(rdataToText(set.type, record));
    return {{"name", set.name.toText()},
            {"type", typeToText(set.type)},
            {"ttl", set.ttlSeconds},
            {"data", std::move(data)}};
}

// The reader collects problems of shape; this adds those of content, so that the first one of either kind is reported.
Name nameAt(JsonReader& reader, std::string_view key) {
    const std::string text = reader.string(key);
    auto name = Name::fromText(text);
    if (name) return *std::move(name);
    reader.problem(key, name.error().message);
    return {};
}

template <typename Number>
Number numberAt(JsonReader& reader, std::string_view key, int64_t max) {
    const int64_t value = reader.integer(key);
    if (value >= 0 && value <= max) return static_cast<Number>(value);
    reader.problem(key, "is out of range");
    return 0;
}

uint32_t ttlAt(JsonReader& reader, std::string_view key) {
    return numberAt<uint32_t>(reader, key, ttlMax);
}

std::vector<IpAddress> addressesAt(JsonReader& reader, std::string_view key) {
    std::vector<IpAddress> addresses;
    for (const std::string& text : reader.strings(key)) {
        auto address = IpAddress::fromText(text);
        if (!address) {
            reader.problem(key, address.error().message);
            break;
        }
        addresses.push_back(*address);
    }
    return addresses;
}

Result<NameServer> nameServerFromJson(const Json& value, const std::string& path) {
    JsonReader reader(value, path);
    NameServer server;
    server.name = nameAt(reader, "name");
    server.addresses = addressesAt(reader, "addresses");
    TRY_VOID(reader.finish());
    return server;
}

Result<FailoverAddress> failoverAddressFromJson(const Json& value, const std::string& path) {
    JsonReader reader(value, path);
    FailoverAddress address;
    address.group = reader.string("group");
    if (address.group.size() > groupNameMax) reader.problem("group", "is too long");
    address.epoch = numberAt<int64_t>(reader, "epoch", INT64_MAX);
    address.name = nameAt(reader, "name");
    address.ttlSeconds = ttlAt(reader, "ttl");
    address.addresses = addressesAt(reader, "addresses");
    TRY_VOID(reader.finish());
    return address;
}

Result<ZoneRecordSet> recordSetFromJson(const Json& value, const std::string& path) {
    JsonReader reader(value, path);
    ZoneRecordSet set;
    set.name = nameAt(reader, "name");
    set.ttlSeconds = ttlAt(reader, "ttl");
    const std::string typeText = reader.string("type");
    const std::vector<std::string> data = reader.strings("data");
    TRY_VOID(reader.finish());
    set.type = TRY(typeFromText(typeText));
    for (const std::string& text : data) set.records.push_back(TRY(rdataFromText(set.type, text)));
    return set;
}

template <typename Item, typename FromJson>
Result<std::vector<Item>> listAt(JsonReader& reader, std::string_view key, size_t max, FromJson fromJson) {
    std::vector<Item> items;
    const JsonArray* array = reader.array(key);
    if (!array) return items;
    if (array->size() > max) return fail(ErrorCode::TooLarge, std::string(key) + " has too many entries");
    items.reserve(array->size());
    for (size_t i = 0; i < array->size(); ++i)
        items.push_back(TRY(fromJson((*array)[i], reader.pathOf(key) + "[" + std::to_string(i) + "]")));
    return items;
}

Result<void> readSoa(const Json& value, ZoneDefinition& definition) {
    JsonReader soa(value, "soa");
    definition.mailbox = nameAt(soa, "mailbox");
    definition.soaTtlSeconds = ttlAt(soa, "ttl");
    definition.refreshSeconds = ttlAt(soa, "refresh");
    definition.retrySeconds = ttlAt(soa, "retry");
    definition.expireSeconds = ttlAt(soa, "expire");
    definition.minimumSeconds = ttlAt(soa, "minimum");
    return soa.finish();
}

}  // namespace

Json zoneToJson(const ZoneDefinition& definition) {
    JsonArray nameServers;
    for (const NameServer& server : definition.nameServers)
        nameServers.push_back(
            JsonObject{{"name", server.name.toText()}, {"addresses", addressesToJson(server.addresses)}});
    JsonArray addresses;
    for (const FailoverAddress& address : definition.addresses)
        addresses.push_back(JsonObject{{"group", address.group},
                                       {"epoch", address.epoch},
                                       {"name", address.name.toText()},
                                       {"ttl", address.ttlSeconds},
                                       {"addresses", addressesToJson(address.addresses)}});
    JsonArray records;
    for (const ZoneRecordSet& set : definition.records) records.push_back(recordSetToJson(set));
    return JsonObject{{"format", formatName},
                      {"origin", definition.origin.toText()},
                      {"serial", definition.serial},
                      {"soa", JsonObject{{"mailbox", definition.mailbox.toText()},
                                         {"ttl", definition.soaTtlSeconds},
                                         {"refresh", definition.refreshSeconds},
                                         {"retry", definition.retrySeconds},
                                         {"expire", definition.expireSeconds},
                                         {"minimum", definition.minimumSeconds}}},
                      {"nameServerTtl", definition.nameServerTtlSeconds},
                      {"nameServers", std::move(nameServers)},
                      {"addresses", std::move(addresses)},
                      {"records", std::move(records)}};
}

Result<ZoneDefinition> zoneFromJson(const Json& value) {
    JsonReader reader(value);
    ZoneDefinition definition;
    if (reader.string("format") != formatName) reader.problem("format", "is not " + std::string(formatName));
    definition.origin = nameAt(reader, "origin");
    definition.serial = numberAt<uint32_t>(reader, "serial", UINT32_MAX);
    definition.nameServerTtlSeconds = ttlAt(reader, "nameServerTtl");
    const Json* soaValue = reader.child("soa");
    if (!soaValue) reader.problem("soa", "is missing");
    definition.nameServers = TRY(listAt<NameServer>(reader, "nameServers", nameServersMax, nameServerFromJson));
    definition.addresses =
        TRY(listAt<FailoverAddress>(reader, "addresses", zoneRecordSetsMax, failoverAddressFromJson));
    definition.records = TRY(listAt<ZoneRecordSet>(reader, "records", zoneRecordSetsMax, recordSetFromJson));
    TRY_VOID(reader.finish());
    TRY_VOID(readSoa(*soaValue, definition));
    return definition;
}

}  // namespace swb::dns
