// Cloudflare's API, version 4. A batch is one transaction, executed deletes, patches, puts, posts; its propagation is
// not: so an address is turned into another in place (a put of the same record id), never removed and added. The mark's
// record is removed and added: its id then exists for one change only, and a batch that arrives late or twice fails
// as a whole. Beside it stands a record that never changes: where the first write finds it, it fails, for identical
// records are refused. Together they are the compare-and-set that the API itself does not have.
#include <algorithm>

#include "publication/providers.h"

namespace swb::publication {
namespace {

constexpr std::string_view publicEndpoint = "https://api.cloudflare.com/client/v4";
constexpr int64_t recordIsGone = 81044, recordExists = 81057, identicalExists = 81058;
constexpr std::string_view guardText = "swingbridge guard";
constexpr int64_t automaticTtl = 1;
constexpr uint32_t automaticTtlSeconds = 300;
constexpr int pageRecords = 100;

Json record(const std::string& name, std::string_view type, const std::string& content, uint32_t ttl) {
    JsonObject out{{"type", type}, {"name", name}, {"content", content}, {"ttl", ttl}};
    if (type != "TXT") out["proxied"] = false;
    return out;
}

// First of the answer's errors: {code, sentence}.
std::pair<int64_t, std::string> firstError(const Json& answer) {
    const Json* errors = memberAt(answer, "errors");
    if (!errors || !errors->is_array() || errors->get_array().empty()) return {0, ""};
    const Json& error = errors->get_array().front();
    const int64_t code = integerAt(error, "code");
    return {code, textAt(error, "message") + " (" + std::to_string(code) + ")"};
}

// `"default";r=1100;t=240` of the header Ratelimit.
std::optional<int64_t> headRoom(const HttpReply& reply) {
    const std::string text = reply.header("ratelimit");
    const size_t at = text.find("r=");
    if (at == std::string::npos) return std::nullopt;
    int64_t number = 0;
    size_t digits = 0;
    for (size_t i = at + 2; i < text.size() && text[i] >= '0' && text[i] <= '9' && digits < 9; ++i, ++digits)
        number = number * 10 + (text[i] - '0');
    return digits ? std::optional(number) : std::nullopt;
}

class Cloudflare final : public Provider {
  public:
    explicit Cloudflare(ProviderSettings settings) : settings_(std::move(settings)) {
        http_.timeoutMs = settings_.timeoutMs;
        http_.authorityPem = settings_.authorityPem;
        http_.stop = settings_.stop;
        http_.answerBytesMax = 2 << 20;
        const std::string& endpoint = settings_.publication.endpoint;
        base_ = endpoint.empty() ? std::string(publicEndpoint) : endpoint;
        while (base_.ends_with('/')) base_.pop_back();
        zoneId_ = settings_.publication.zoneId;
    }

    Result<Reading> read() override {
        TRY_VOID(findZone());
        std::optional<int64_t> left;
        const JsonArray set = TRY(records(settings_.publication.name, left));
        const JsonArray mark = TRY(records(markNameOf(settings_.publication.name), left));
        Reading reading = TRY(readCloudflareRecords(settings_.publication, set, mark));
        reading.requestsLeft = left;
        return reading;
    }

    Result<std::string> replace(const Reading& seen, const Wanted& wanted) override {
        TRY_VOID(findZone());
        TRY_VOID(send(cloudflareBatch(settings_.publication, seen, wanted)));
        return std::string();
    }

    Result<void> withdraw(const Reading& seen) override {
        TRY_VOID(findZone());
        JsonArray deletes;
        for (const char* member : {"mark", "guard"})
            for (const Json& entry : seen.token.at(member).as_array())
                deletes.push_back(JsonObject{{"id", entry.at("id")}});
        return send(JsonObject{{"deletes", std::move(deletes)}});
    }

    bool comparesAndSets() const override { return true; }

  private:
    // One transaction.
    Result<void> send(const Json& body) const {
        const HttpReply reply = TRY(sendHttp(http_, request("POST", "/zones/" + zoneId_ + "/dns_records/batch", body)));
        const auto answer = parseJson(reply.body, http_.answerBytesMax);
        if (reply.status == 200) {
            // A success that cannot be read is no proof of one.
            if (!answer || !booleanAt(*answer, "success"))
                return fail(ErrorCode::OutcomeUnknown, "Cloudflare's answer to the change cannot be read");
            return {};
        }
        return fail(errorOf(reply, answer ? *answer : Json(nullptr), "the change of " + settings_.publication.key()));
    }

    HttpRequest request(std::string method, const std::string& path, const Json& body = nullptr) const {
        HttpRequest request;
        request.method = std::move(method);
        request.url = base_ + path;
        request.headers = {{"Accept", "application/json"}};
        request.secretHeaders = {{"Authorization", Secret("Bearer " + settings_.credential.reveal())}};
        if (!body.is_null()) {
            request.headers.emplace_back("Content-Type", "application/json");
            request.body = toText(body);
        }
        return request;
    }

    static Error errorOf(const HttpReply& reply, const Json& answer, const std::string& what) {
        const auto [code, sentence] = firstError(answer);
        Error error = errorOfStatus(reply, what + " at Cloudflare", sentence);
        if (code == recordIsGone || code == recordExists || code == identicalExists) error.code = ErrorCode::Conflict;
        return error;
    }

    // A list: every record of it, or an error; never a part.
    Result<JsonArray> list(const std::string& path, std::optional<int64_t>& left) const {
        const HttpReply reply = TRY(readHttp(http_, request("GET", path)));
        const auto answer = parseJson(reply.body, http_.answerBytesMax);
        if (const auto room = headRoom(reply)) left = room;
        if (reply.status != 200)
            return fail(errorOf(reply, answer ? *answer : Json(nullptr), "the look at the records"));
        const Json* result = answer ? memberAt(*answer, "result") : nullptr;
        if (!result || !result->is_array() || !booleanAt(*answer, "success"))
            return fail(ErrorCode::ProtocolViolation, "Cloudflare's answer cannot be read");
        const Json* info = memberAt(*answer, "result_info");
        if (!info || integerAt(*info, "total_count", -1) != static_cast<int64_t>(result->get_array().size()))
            return fail(ErrorCode::ProtocolViolation, "Cloudflare answered a part of its list",
                        "over " + std::to_string(pageRecords) + " records of one name are too many");
        return result->get_array();
    }

    Result<JsonArray> records(const std::string& name, std::optional<int64_t>& left) const {
        return list("/zones/" + zoneId_ + "/dns_records?name.exact=" + urlEncoded(name) +
                        "&match=all&per_page=" + std::to_string(pageRecords),
                    left);
    }

    Result<void> findZone() {
        if (!zoneId_.empty()) return {};
        std::optional<int64_t> left;
        const std::string& zone = settings_.publication.zone;
        const JsonArray zones = TRY(list("/zones?name=" + urlEncoded(zone) + "&per_page=50", left));
        for (const Json& candidate : zones) {
            const std::string id = textAt(candidate, "id");
            // It becomes part of a URL.
            if (textAt(candidate, "name") != zone || id.empty() || id != urlEncoded(id)) continue;
            zoneId_ = id;
            return {};
        }
        return fail(ErrorCode::NotFound, "the token sees no zone " + zone + " at Cloudflare",
                    "give the token the permissions Zone Read and DNS Edit for it");
    }

    ProviderSettings settings_;
    HttpSettings http_;
    std::string base_, zoneId_;
};

}  // namespace

Result<Reading> readCloudflareRecords(const Publication& publication, const JsonArray& set, const JsonArray& mark) {
    Reading reading;
    JsonArray setIds, markIds, guardIds;
    std::vector<std::string> values, texts;
    const auto broken = [] {
        return fail(ErrorCode::ProtocolViolation, "Cloudflare answered a record that cannot be read");
    };
    uint32_t ttlSeconds = 0;
    for (const Json& entry : set) {
        const std::string type = textAt(entry, "type"), id = textAt(entry, "id");
        if (id.empty() || textAt(entry, "name") != publication.name) return broken();
        if (type == "CNAME") reading.strange = "the name has a CNAME record";
        if (type != nameOf(publication.type)) continue;
        if (booleanAt(entry, "proxied")) reading.strange = "the record is proxied: the DNS answer is Cloudflare's own";
        const int64_t ttl = integerAt(entry, "ttl", -1);
        if (ttl < 1 || ttl > 0x7fffffff) return broken();
        ttlSeconds = ttl == automaticTtl ? automaticTtlSeconds : static_cast<uint32_t>(ttl);
        values.push_back(textAt(entry, "content"));
        setIds.push_back(JsonObject{{"id", id}, {"content", values.back()}});
    }
    if (!values.empty()) reading.set = RecordSet{ttlSeconds, TRY(canonicalValues(publication.type, values))};
    for (const Json& entry : mark) {
        const std::string id = textAt(entry, "id");
        if (id.empty() || textAt(entry, "name") != markNameOf(publication.name)) return broken();
        if (textAt(entry, "type") != "TXT") continue;
        const std::string text = unquoted(textAt(entry, "content"));
        if (text == guardText) {
            guardIds.push_back(JsonObject{{"id", id}});
            continue;
        }
        texts.push_back(text);
        markIds.push_back(JsonObject{{"id", id}});
    }
    putMark(reading, texts);
    reading.token = JsonObject{{"set", setIds}, {"mark", markIds}, {"guard", guardIds}};
    return reading;
}

Json cloudflareBatch(const Publication& publication, const Reading& seen, const Wanted& wanted) {
    const std::string_view type = nameOf(publication.type);
    JsonArray deletes, puts, posts;
    const JsonArray& present = seen.token.at("set").as_array();
    for (size_t i = 0; i < std::max(present.size(), wanted.set.values.size()); ++i) {
        if (i >= wanted.set.values.size()) {
            deletes.push_back(JsonObject{{"id", present[i].at("id")}});
            continue;
        }
        Json entry = record(publication.name, type, wanted.set.values[i], wanted.set.ttlSeconds);
        if (i < present.size()) {
            entry.as_object()["id"] = present[i].at("id");
            puts.push_back(std::move(entry));
        } else {
            posts.push_back(std::move(entry));
        }
    }
    for (const Json& mark : seen.token.at("mark").as_array()) deletes.push_back(JsonObject{{"id", mark.at("id")}});
    posts.push_back(record(markNameOf(publication.name), "TXT", quoted(wanted.mark.text()), markTtlSeconds));
    if (seen.token.at("guard").as_array().empty())
        posts.push_back(record(markNameOf(publication.name), "TXT", quoted(guardText), markTtlSeconds));
    return JsonObject{{"deletes", deletes}, {"puts", puts}, {"posts", posts}};
}

Result<std::unique_ptr<Provider>> makeCloudflare(ProviderSettings settings) {
    return std::make_unique<Cloudflare>(std::move(settings));
}

}  // namespace swb::publication
