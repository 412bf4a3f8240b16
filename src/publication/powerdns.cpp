// The PowerDNS HTTP API. A PATCH is one transaction of the server, but it knows no compare-and-set: the zone's serial
// is looked at just before, and what was written is read back by the caller. Its caches delay a change: they are
// purged.
#include "base/log.h"
#include "publication/providers.h"

namespace swb::publication {
namespace {

std::string absolute(const std::string& name) {
    return name + ".";
}

const JsonArray* setsOf(const Json& zone) {
    const Json* sets = memberAt(zone, "rrsets");
    return sets && sets->is_array() ? &sets->get_array() : nullptr;
}

// Contents of the records that are not disabled.
Result<std::vector<std::string>> contentsOf(const Json& set) {
    std::vector<std::string> out;
    const Json* records = memberAt(set, "records");
    if (!records || !records->is_array())
        return fail(ErrorCode::ProtocolViolation, "PowerDNS answered a record set without records");
    for (const Json& record : records->get_array()) {
        if (!record.is_object())
            return fail(ErrorCode::ProtocolViolation, "PowerDNS answered a record that is no object");
        if (!booleanAt(record, "disabled")) out.push_back(textAt(record, "content"));
    }
    return out;
}

Json replacement(const std::string& name, std::string_view type, uint32_t ttl, const std::vector<std::string>& values) {
    JsonArray records;
    for (const std::string& value : values) records.push_back(JsonObject{{"content", value}, {"disabled", false}});
    return JsonObject{
        {"name", absolute(name)}, {"type", type}, {"ttl", ttl}, {"changetype", "REPLACE"}, {"records", records}};
}

class PowerDns final : public Provider {
  public:
    explicit PowerDns(ProviderSettings settings) : settings_(std::move(settings)) {
        http_.timeoutMs = settings_.timeoutMs;
        http_.authorityPem = settings_.authorityPem;
        http_.stop = settings_.stop;
        server_ = settings_.publication.endpoint;
        while (server_.ends_with('/')) server_.pop_back();
        server_ += "/api/v1/servers/localhost";
        const std::string& id = settings_.publication.zoneId;
        zone_ = server_ + "/zones/" + urlEncoded(id.empty() ? absolute(settings_.publication.zone) : id);
    }

    Result<Reading> read() override {
        // Two small answers: the name's sets, and the mark's. The serial of the first is the one that counts.
        const Json first = TRY(getZone(settings_.publication.name));
        const Json second = TRY(getZone(markNameOf(settings_.publication.name)));
        if (integerAt(first, "serial") != integerAt(second, "serial"))
            return fail(ErrorCode::Conflict, "the zone " + settings_.publication.zone + " changed while it was read");
        JsonArray sets;
        for (const Json* zone : {&first, &second})
            if (const JsonArray* list = setsOf(*zone)) sets.insert(sets.end(), list->begin(), list->end());
        return readPowerDnsZone(settings_.publication,
                                JsonObject{{"serial", integerAt(first, "serial")}, {"rrsets", sets}});
    }

    Result<std::string> replace(const Reading& seen, const Wanted& wanted) override {
        TRY_VOID(checkSerial(seen));
        const Publication& publication = settings_.publication;
        TRY_VOID(patch(
            JsonArray{replacement(publication.name, nameOf(publication.type), wanted.set.ttlSeconds, wanted.set.values),
                      replacement(markNameOf(publication.name), "TXT", markTtlSeconds, {quoted(wanted.mark.text())})}));
        return std::string();
    }

    Result<void> withdraw(const Reading& seen) override {
        TRY_VOID(checkSerial(seen));
        const std::string mark = absolute(markNameOf(settings_.publication.name));
        return patch(
            JsonArray{JsonObject{{"name", mark}, {"type", "TXT"}, {"changetype", "DELETE"}, {"records", JsonArray{}}}});
    }

    bool comparesAndSets() const override { return false; }

  private:
    Result<void> checkSerial(const Reading& seen) const {
        const Json now = TRY(getZone(settings_.publication.name));
        if (integerAt(now, "serial") != integerAt(seen.token, "serial"))
            return fail(ErrorCode::Conflict, "the zone " + settings_.publication.zone + " has moved on to serial " +
                                                 std::to_string(integerAt(now, "serial")));
        return {};
    }

    Result<void> patch(JsonArray sets) const {
        const HttpReply reply = TRY(sendHttp(http_, request("PATCH", zone_, JsonObject{{"rrsets", std::move(sets)}})));
        if (reply.status != 204 && reply.status != 200) return fail(errorOf(reply, "the change of the zone"));
        tellOthers();
        return {};
    }

    HttpRequest request(std::string method, std::string url, const Json& body = nullptr) const {
        HttpRequest request;
        request.method = std::move(method);
        request.url = std::move(url);
        request.headers = {{"Accept", "application/json"}};
        request.secretHeaders = {{"X-API-Key", settings_.credential}};
        if (!body.is_null()) {
            request.headers.emplace_back("Content-Type", "application/json");
            request.body = toText(body);
        }
        return request;
    }

    static Error errorOf(const HttpReply& reply, const std::string& what) {
        const auto json = parseJson(reply.body);
        return errorOfStatus(reply, what + " at PowerDNS", json ? textAt(*json, "error") : "");
    }

    Result<Json> getZone(const std::string& name) const {
        const HttpReply reply =
            TRY(readHttp(http_, request("GET", zone_ + "?rrset_name=" + urlEncoded(absolute(name)))));
        if (reply.status != 200) return fail(errorOf(reply, "the zone " + settings_.publication.zone));
        Json zone = TRY(parseJson(reply.body, http_.answerBytesMax));
        if (!zone.is_object() || !setsOf(zone) || !zone.get_object().if_contains("serial"))
            return fail(ErrorCode::ProtocolViolation, "PowerDNS answered something that is no zone");
        return zone;
    }

    // Secondaries and caches. What fails here delays the change and shows when the name servers are asked.
    void tellOthers() const {
        const std::vector<std::string> calls = {
            zone_ + "/notify", server_ + "/cache/flush?domain=" + urlEncoded(absolute(settings_.publication.name))};
        for (const std::string& url : calls) {
            const auto reply = sendHttp(http_, request("PUT", url, JsonObject{}));
            // A native zone has nobody to notify: 400 or 422.
            if (!reply)
                logWarning("publication", "{}: {}", settings_.publication.key(), reply.error().message);
            else if (reply->status >= 500)
                logWarning("publication", "{}: PowerDNS answered {}", settings_.publication.key(), reply->status);
        }
    }

    ProviderSettings settings_;
    HttpSettings http_;
    std::string server_, zone_;
};

}  // namespace

Result<Reading> readPowerDnsZone(const Publication& publication, const Json& zone) {
    Reading reading;
    reading.token = JsonObject{{"serial", integerAt(zone, "serial")}};
    const std::string name = absolute(publication.name), markName = absolute(markNameOf(publication.name));
    const JsonArray* sets = setsOf(zone);
    if (!sets) return fail(ErrorCode::ProtocolViolation, "PowerDNS answered a zone without record sets");
    for (const Json& set : *sets) {
        const std::string owner = textAt(set, "name"), type = textAt(set, "type");
        if (owner == name && (type == "CNAME" || type == "ALIAS" || type == "LUA"))
            reading.strange = "the name has a " + type + " record";
        if (owner == name && type == nameOf(publication.type)) {
            const int64_t ttl = integerAt(set, "ttl");
            if (ttl < 0 || ttl > 0x7fffffff)
                return fail(ErrorCode::ProtocolViolation, "PowerDNS answered a TTL out of range");
            auto values = TRY(canonicalValues(publication.type, TRY(contentsOf(set))));
            if (!values.empty()) reading.set = RecordSet{static_cast<uint32_t>(ttl), std::move(values)};
        }
        if (owner == markName && type == "TXT") {
            std::vector<std::string> texts;
            for (const std::string& content : TRY(contentsOf(set))) texts.push_back(unquoted(content));
            putMark(reading, texts);
        }
    }
    return reading;
}

Result<std::unique_ptr<Provider>> makePowerDns(ProviderSettings settings) {
    return std::make_unique<PowerDns>(std::move(settings));
}

}  // namespace swb::publication
