// Zones and their static records. What is given is checked as the zone it would make before anything is stored.
#include <algorithm>
#include <set>

#include "api/route.h"
#include "dispatch/zone_composition.h"
#include "dns/epoch_mark.h"
#include "dns/rdata.h"
#include "dns/zone_file.h"

namespace swb::api {
namespace {

// "@", "www", "www.example.com" and "www.example.com." all name something in example.com.
Result<std::string> nameInZone(const std::string& zone, const std::string& text) {
    if (text.empty() || text.size() > 255) return fail(ErrorCode::InvalidInput, "a name is empty or too long");
    if (text == "@") return zone;
    const dns::Name origin = TRY(dns::Name::fromText(zone));
    if (dns::Name name = TRY(dns::Name::fromText(text)); name.view().isAtOrBelow(origin))
        return dispatch::documentText(name);
    if (text.back() == '.')
        return fail(ErrorCode::InvalidInput, text + " is not inside the zone " + zone, "leave the final dot out");
    return dispatch::documentText(TRY(dns::Name::fromText(text + "." + zone)));
}

struct Loaded {
    Zone zone;
    int64_t version = store::mustNotExist;
};

// A zone exists without a document until it has records of its own.
Result<Loaded> loadZone(const Context& context, const std::string& name) {
    for (const dns::Name& origin : context.publisher.origins()) {
        if (dispatch::documentText(origin) != name) continue;
        const auto document = TRY(context.store.get("zone", name));
        return Loaded{TRY(dispatch::zoneDocument(context.store, origin)),
                      document ? document->version : store::mustNotExist};
    }
    return fail(ErrorCode::NotFound, "there is no zone " + name.substr(0, 255),
                "`swing zone list`; zones are named in swingd.yaml");
}

dns::ZonePointer publishedZone(const Context& context, const std::string& name) {
    const auto origin = dns::Name::fromText(name);
    return origin ? context.publisher.zone(*origin) : nullptr;
}

Result<Response> storeZone(Context& context, const Call& call, const Loaded& loaded, std::string event, Json detail) {
    TRY_VOID(context.publisher.checkZone(context.store, loaded.zone));
    store::Commit commit;
    commit.puts.push_back({"zone", loaded.zone.name, loaded.version, toJson(loaded.zone)});
    commit.events.push_back({std::move(event), "zone/" + loaded.zone.name, call.actorText(), std::move(detail)});
    TRY(context.store.commit(commit));
    TRY(context.publisher.publish(context.store));
    const dns::ZonePointer zone = publishedZone(context, loaded.zone.name);
    return Response{200, JsonObject{{"zone", toJson(loaded.zone)}, {"serial", zone ? zone->serial() : 0}}};
}

auto recordsAt(Zone& zone, const std::string& name, const std::string& type) {
    return std::find_if(zone.records.begin(), zone.records.end(),
                        [&](const StaticRecords& set) { return set.name == name && set.type == type; });
}

// Read as lines of a master file of this zone: names in the data may be relative to it.
Result<StaticRecords> recordsFromText(const std::string& zone, const std::string& name, const std::string& typeText,
                                      int64_t ttl, const std::vector<std::string>& data) {
    const uint16_t type = TRY(dns::typeFromText(typeText));
    std::string lines;
    for (const std::string& text : data) {
        if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }))
            return fail(ErrorCode::InvalidInput, "the data of a record has a control character in it");
        lines += name + ". " + std::to_string(ttl) + " IN " + dns::typeToText(type) + " " + text + "\n";
    }
    const dns::MasterFile file = TRY(dns::readMasterFile(lines, TRY(dns::Name::fromText(zone))));
    if (!file.leftOut.empty()) return fail(ErrorCode::InvalidInput, file.leftOut.front());
    StaticRecords set{name, dns::typeToText(type), ttl, {}};
    for (const dns::ZoneRecordSet& one : file.records)
        for (const dns::Rdata& record : one.set.records) set.data.push_back(dns::rdataToText(type, record));
    return set;
}

// Record sets of a file that the zone makes itself: addresses of its name servers and of groups, and their marks.
bool isMadeByZone(const dns::ZoneSnapshot& zone, const dns::ZoneRecordSet& set) {
    if (set.set.type == dns::type::txt && dns::isEpochMarkName(set.name))
        return zone.failoverAddressAt(dns::markedName(set.name)).has_value();
    if (set.set.type != dns::type::a && set.set.type != dns::type::aaaa) return false;
    if (zone.failoverAddressAt(set.name)) return true;
    const dns::RecordSet* servers = zone.nodeOf(zone.origin()).find(dns::type::ns);
    return servers && std::any_of(servers->records.begin(), servers->records.end(), [&](const dns::Rdata& server) {
               return dns::nameInRdata(server) == set.name.view();
           });
}

Json summaryOf(const Context& context, const Zone& zone) {
    const dns::ZonePointer published = publishedZone(context, zone.name);
    return JsonObject{{"name", zone.name},
                      {"first", zone.name == context.zone},
                      {"serial", published ? Json(published->serial()) : Json(nullptr)},
                      {"signed", published && published->isSigned()},
                      {"names", published ? published->nodeCount() : 0},
                      {"records", zone.records.size()},
                      {"aliases", zone.aliases.size()}};
}

JsonArray secondariesOf(const Context& context, const std::string& zone) {
    JsonArray out;
    const auto origin = dns::Name::fromText(zone);
    if (!context.secondaries || !origin) return out;
    for (const auto views = context.secondaries->ofZone(*origin); const plan::SecondaryView& view : views)
        out.push_back(
            JsonObject{{"address", view.address},
                       {"standing", plan::nameOf(view.standing)},
                       {"serial", view.serial ? Json(*view.serial) : Json(nullptr)},
                       {"newest", view.newest},
                       {"lastContactAt", view.lastContactAt ? Json(isoTime(view.lastContactAt)) : Json(nullptr)},
                       {"lastError", view.lastError.empty() ? Json(nullptr) : Json(view.lastError)}});
    return out;
}

}  // namespace

Result<Response> listZones(Context& context, const Call&) {
    JsonArray zones;
    for (const dns::Name& origin : context.publisher.origins())
        zones.push_back(summaryOf(context, TRY(dispatch::zoneDocument(context.store, origin))));
    return Response{200, JsonObject{{"zones", zones}}};
}

Result<Response> showZone(Context& context, const Call& call) {
    const Zone zone = TRY(loadZone(context, call.parts[0])).zone;
    Json out = summaryOf(context, zone);
    const Json stored = toJson(zone);
    out.as_object()["records"] = stored.at("records");
    out.as_object()["aliases"] = stored.at("aliases");
    out.as_object()["secondaries"] = secondariesOf(context, zone.name);
    return Response{200, JsonObject{{"zone", out}}};
}

Result<Response> putRecords(Context& context, const Call& call) {
    Loaded loaded = TRY(loadZone(context, call.parts[0]));
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string nameText = reader.string("name"), typeText = reader.string("type");
    const int64_t ttl = reader.integer("ttl", typeText == "ALIAS" ? 300 : 3600);
    const std::vector<std::string> data = reader.strings("data");
    TRY_VOID(reader.finish());
    const std::string name = TRY(nameInZone(loaded.zone.name, nameText));
    if (ttl < 0 || ttl > dns::ttlMax) return fail(ErrorCode::InvalidInput, "ttl must be 0 to 2147483647 seconds");
    if (data.empty() || data.size() > staticRecordDataMax)
        return fail(ErrorCode::InvalidInput, "data must be 1 to 256 records");
    Zone& zone = loaded.zone;
    if (typeText == "ALIAS") {
        if (data.size() != 1) return fail(ErrorCode::InvalidInput, "an ALIAS has one target");
        std::erase_if(zone.aliases, [&](const Alias& alias) { return alias.name == name; });
        if (zone.aliases.size() >= aliasesMax)
            return fail(ErrorCode::TooLarge, "the zone has " + std::to_string(aliasesMax) + " aliases already");
        zone.aliases.push_back({name, dispatch::documentText(TRY(dns::Name::fromText(data[0]))), ttl});
    } else {
        StaticRecords set = TRY(recordsFromText(zone.name, name, typeText, ttl, data));
        if (const auto found = recordsAt(zone, name, set.type); found != zone.records.end())
            *found = std::move(set);
        else
            zone.records.push_back(std::move(set));
    }
    return storeZone(
        context, call, loaded, "zone.records.set",
        JsonObject{{"name", name}, {"type", typeText}, {"ttl", ttl}, {"data", JsonArray(data.begin(), data.end())}});
}

Result<Response> deleteRecords(Context& context, const Call& call) {
    Loaded loaded = TRY(loadZone(context, call.parts[0]));
    const std::string name = TRY(nameInZone(loaded.zone.name, call.parts[1]));
    size_t removed = 0;
    std::string type = call.parts[2];
    if (type == "ALIAS") {
        removed = std::erase_if(loaded.zone.aliases, [&](const Alias& alias) { return alias.name == name; });
    } else {
        type = dns::typeToText(TRY(dns::typeFromText(type)));
        removed = std::erase_if(loaded.zone.records,
                                [&](const StaticRecords& set) { return set.name == name && set.type == type; });
    }
    if (removed == 0) return fail(ErrorCode::NotFound, name + " has no " + type + " record of its own");
    return storeZone(context, call, loaded, "zone.records.deleted", JsonObject{{"name", name}, {"type", type}});
}

// The zone's own records become those of a master file; what was left out of it is said.
Result<Response> importZone(Context& context, const Call& call) {
    Loaded loaded = TRY(loadZone(context, call.parts[0]));
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string text = reader.string("text");
    const bool dryRun = reader.boolean("dryRun", false);
    TRY_VOID(reader.finish());
    const dns::MasterFile file = TRY(dns::readMasterFile(text, TRY(dns::Name::fromText(loaded.zone.name))));
    JsonArray leftOut(file.leftOut.begin(), file.leftOut.end());
    const dns::ZonePointer published = publishedZone(context, loaded.zone.name);
    std::vector<StaticRecords> wanted;
    for (const dns::ZoneRecordSet& set : file.records) {
        if (published && isMadeByZone(*published, set)) {
            if (leftOut.size() < dns::MasterFile::leftOutMax)
                leftOut.emplace_back(set.name.toText() + " " + dns::typeToText(set.set.type) +
                                     ": the zone makes it itself");
            continue;
        }
        StaticRecords records{dispatch::documentText(set.name), dns::typeToText(set.set.type), set.set.ttlSeconds, {}};
        for (const dns::Rdata& data : set.set.records) records.data.push_back(dns::rdataToText(set.set.type, data));
        wanted.push_back(std::move(records));
    }
    if (wanted.size() > staticRecordSetsMax)
        return fail(ErrorCode::TooLarge,
                    "the file has more than " + std::to_string(staticRecordSetsMax) + " record sets");
    std::set<std::string> before, after;
    for (const StaticRecords& set : loaded.zone.records) before.insert(toText(toJson(set)));
    for (const StaticRecords& set : wanted) after.insert(toText(toJson(set)));
    JsonArray added, removed;
    for (const std::string& set : after)
        if (!before.count(set)) added.push_back(TRY(parseJson(set)));
    for (const std::string& set : before)
        if (!after.count(set)) removed.push_back(TRY(parseJson(set)));
    loaded.zone.records = std::move(wanted);
    const JsonObject summary{{"added", added.size()}, {"removed", removed.size()}};
    if (dryRun) {
        TRY_VOID(context.publisher.checkZone(context.store, loaded.zone));
        return Response{200,
                        JsonObject{{"added", added}, {"removed", removed}, {"leftOut", leftOut}, {"dryRun", true}}};
    }
    Response response = TRY(storeZone(context, call, loaded, "zone.imported", summary));
    response.body = JsonObject{{"added", added},
                               {"removed", removed},
                               {"leftOut", leftOut},
                               {"dryRun", false},
                               {"serial", response.body.at("serial")}};
    return response;
}

// The zone as it is answered, signatures left out: they are made anew wherever it goes.
Result<Response> exportZone(Context& context, const Call& call) {
    const std::string name = TRY(loadZone(context, call.parts[0])).zone.name;
    const dns::ZonePointer zone = publishedZone(context, name);
    if (!zone) return fail(ErrorCode::NotFound, "the zone " + name + " is not answered at present");
    std::vector<dns::ZoneRecordSet> sets;
    zone->forEachSet([&](dns::NameView owner, const dns::RecordSet& set) {
        if (!dns::isSignerType(set.type)) sets.push_back({dns::Name(owner), set});
    });
    return Response{200, JsonObject{{"zone", name}, {"serial", zone->serial()}, {"text", dns::masterFileText(sets)}}};
}

}  // namespace swb::api
