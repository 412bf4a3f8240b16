// Amazon Route 53, API version 2013-04-01. One ChangeBatch deletes exactly what was read and creates what is wanted,
// the mark with it: all or nothing, and refused when anything has moved. Done when GetChange says INSYNC.
#include "publication/providers.h"
#include "publication/sigv4.h"
#include "publication/xml.h"

namespace swb::publication {
namespace {

constexpr std::string_view publicEndpoint = "https://route53.amazonaws.com";
constexpr std::string_view version = "/2013-04-01";
constexpr std::string_view xmlNamespace = "https://route53.amazonaws.com/doc/2013-04-01/";

tl::unexpected<Error> unreadable(const std::string& what) {
    return fail(ErrorCode::ProtocolViolation, "Route 53's answer cannot be read: " + what);
}

std::string hostOf(const std::string& url) {
    const std::string rest = url.substr(url.find("://") + 3);
    return rest.substr(0, rest.find('/'));
}

// What the answer's code means, where the status alone does not tell.
ErrorCode meaningOf(const std::string& code, ErrorCode otherwise) {
    if (code == "Throttling" || code == "ThrottlingException" || code == "PriorRequestNotComplete")
        return ErrorCode::Busy;
    if (code == "InvalidClientTokenId" || code == "SignatureDoesNotMatch" || code == "ExpiredToken" ||
        code == "RequestExpired" || code == "MissingAuthenticationToken")
        return ErrorCode::Unauthenticated;
    if (code == "AccessDenied") return ErrorCode::Forbidden;
    if (code == "NoSuchHostedZone" || code == "NoSuchChange") return ErrorCode::NotFound;
    return otherwise;
}

// Two forms: ErrorResponse/Error/{Code, Message}, and InvalidChangeBatch/Messages/Message.
Error errorOf(const HttpReply& reply, const std::string& what) {
    std::string code, message;
    if (const auto xml = parseXml(reply.body)) {
        const XmlElement* error = xml->child("Error");
        if (error) {
            code = error->textOf("Code");
            message = error->textOf("Message");
        } else if (xml->name == "InvalidChangeBatch") {
            code = xml->name;
            if (const XmlElement* messages = xml->child("Messages")) message = messages->textOf("Message");
        }
    }
    Error error = errorOfStatus(reply, what + " at Route 53", code + (message.empty() ? "" : ": " + message));
    error.code = meaningOf(code, error.code);
    // The deletion names exactly what was read: not found or different means that it has moved.
    const bool moved = message.find("but it was not found") != std::string::npos ||
                       message.find("do not match the current values") != std::string::npos ||
                       message.find("but it already exists") != std::string::npos;
    if (code == "InvalidChangeBatch" && moved) error.code = ErrorCode::Conflict;
    return error;
}

std::string setXml(const std::string& name, std::string_view type, const RecordSet& set) {
    std::string out = "<ResourceRecordSet><Name>" + xmlEscaped(name) + "</Name><Type>" + std::string(type) +
                      "</Type><TTL>" + std::to_string(set.ttlSeconds) + "</TTL><ResourceRecords>";
    for (const std::string& value : set.values)
        out += "<ResourceRecord><Value>" + xmlEscaped(value) + "</Value></ResourceRecord>";
    return out + "</ResourceRecords></ResourceRecordSet>";
}

std::string change(std::string_view action, const std::string& set) {
    return "<Change><Action>" + std::string(action) + "</Action>" + set + "</Change>";
}

Json toJson(const RecordSet& set) {
    return JsonObject{{"ttl", set.ttlSeconds}, {"values", JsonArray(set.values.begin(), set.values.end())}};
}

RecordSet setFromToken(const Json& value) {
    RecordSet set;
    set.ttlSeconds = static_cast<uint32_t>(integerAt(value, "ttl"));
    for (const Json& text : value.at("values").as_array()) set.values.emplace_back(text.as_string());
    return set;
}

struct Listed {
    std::string type;
    RecordSet set;        // values as they stand there
    std::string strange;  // an alias, or one of several under a routing policy
};

// The record sets of exactly this name.
Result<std::vector<Listed>> listed(std::string_view document, const std::string& name) {
    const XmlElement root = TRY(parseXml(document));
    const XmlElement* sets = root.child("ResourceRecordSets");
    if (root.name != "ListResourceRecordSetsResponse" || !sets) return unreadable("it is no list of record sets");
    std::vector<Listed> out;
    for (const XmlElement& entry : sets->children) {
        if (entry.name != "ResourceRecordSet" || entry.textOf("Name") != name + ".") continue;
        Listed found;
        found.type = entry.textOf("Type");
        if (entry.child("AliasTarget")) found.strange = "it is an alias";
        if (entry.child("SetIdentifier")) found.strange = "it is under a routing policy";
        if (const std::string ttl = entry.textOf("TTL"); !ttl.empty()) {
            if (ttl.size() > 10 || ttl.find_first_not_of("0123456789") != std::string::npos ||
                std::stoll(ttl) > 0x7fffffff)
                return unreadable("a TTL is no number");
            found.set.ttlSeconds = static_cast<uint32_t>(std::stoll(ttl));
        }
        if (const XmlElement* records = entry.child("ResourceRecords"))
            for (const XmlElement& record : records->children) found.set.values.push_back(record.textOf("Value"));
        if (found.set.values.empty() && found.strange.empty()) return unreadable("a record set is empty");
        out.push_back(std::move(found));
    }
    // Sets of the name may stand beyond the end of a cut list.
    if (root.textOf("IsTruncated") == "true" && root.textOf("NextRecordName") == name + ".")
        return fail(ErrorCode::TooLarge, name + " has more record sets than are looked at");
    return out;
}

std::string batchOf(const std::string& comment, const std::string& changes) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChangeResourceRecordSetsRequest xmlns=\"" +
           std::string(xmlNamespace) + "\"><ChangeBatch><Comment>" + xmlEscaped(comment) + "</Comment><Changes>" +
           changes + "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>";
}

class Route53 final : public Provider {
  public:
    Route53(ProviderSettings settings, AwsCredential credential)
        : settings_(std::move(settings)), credential_(std::move(credential)) {
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
        const std::string set = TRY(list(settings_.publication.name));
        const std::string mark = TRY(list(markNameOf(settings_.publication.name)));
        return readRoute53Sets(settings_.publication, set, mark);
    }

    Result<std::string> replace(const Reading& seen, const Wanted& wanted) override {
        TRY_VOID(findZone());
        return send(route53Batch(settings_.publication, seen, wanted));
    }

    Result<void> withdraw(const Reading& seen) override {
        TRY_VOID(findZone());
        const Json& mark = seen.token.at("mark");
        if (mark.is_null()) return {};
        const std::string name = markNameOf(settings_.publication.name) + ".";
        TRY(send(batchOf("withdrawn", change("DELETE", setXml(name, "TXT", setFromToken(mark))))));
        return {};
    }

    Result<bool> inSync(const std::string& id) override {
        AwsRequest request;
        request.path = std::string(version) + "/change/" + bareId(id);
        const HttpReply reply = TRY(readHttp(http_, signedRequest(std::move(request))));
        if (reply.status != 200) return fail(errorOf(reply, "the state of the change"));
        const XmlElement xml = TRY(parseXml(reply.body));
        const XmlElement* info = xml.child("ChangeInfo");
        const std::string status = info ? info->textOf("Status") : "";
        if (status != "INSYNC" && status != "PENDING") return unreadable("a change is neither PENDING nor INSYNC");
        return status == "INSYNC";
    }

    bool comparesAndSets() const override { return true; }

  private:
    // Answers the change's id.
    Result<std::string> send(std::string batch) const {
        AwsRequest request;
        request.method = "POST";
        request.path = zonePath() + "/rrset/";
        request.body = std::move(batch);
        const HttpReply reply = TRY(sendHttp(http_, signedRequest(std::move(request))));
        if (reply.status != 200) return fail(errorOf(reply, "the change of " + settings_.publication.key()));
        const auto xml = parseXml(reply.body);
        const XmlElement* info = xml ? xml->child("ChangeInfo") : nullptr;
        const std::string id = info ? bareId(info->textOf("Id")) : "";
        if (id.empty()) return fail(ErrorCode::OutcomeUnknown, "Route 53's answer to the change cannot be read");
        return id;
    }

    // "/change/C123" → "C123"; what is not letters and digits never becomes part of a URL.
    static std::string bareId(const std::string& id) {
        const std::string last = id.substr(id.rfind('/') + 1);
        for (const unsigned char c : last)
            if (!std::isalnum(c)) return "";
        return last.size() <= 64 ? last : "";
    }

    std::string zonePath() const { return std::string(version) + "/hostedzone/" + zoneId_; }

    HttpRequest signedRequest(AwsRequest request) const {
        const UnixMs now = SystemClock().now();
        request.region = "us-east-1";
        request.service = "route53";
        request.headers = {{"Host", hostOf(base_)}, {"X-Amz-Date", amzDate(now)}};
        if (!request.body.empty()) request.headers.emplace_back("Content-Type", "text/xml");
        if (!credential_.sessionToken.empty())
            request.headers.emplace_back("X-Amz-Security-Token", credential_.sessionToken.reveal());
        HttpRequest out;
        out.method = request.method;
        const std::string query = awsQuery(request);
        out.url = base_ + request.path + (query.empty() ? "" : "?" + query);
        for (const auto& [name, value] : request.headers) {
            if (name == "X-Amz-Security-Token")
                out.secretHeaders.emplace_back(name, Secret(value));
            else
                out.headers.emplace_back(name, value);
        }
        out.secretHeaders.emplace_back("Authorization", Secret(awsAuthorization(request, credential_, now)));
        out.body = std::move(request.body);
        return out;
    }

    Result<std::string> list(const std::string& name) const {
        AwsRequest request;
        request.path = zonePath() + "/rrset";
        request.query = {{"name", name + "."}, {"maxitems", "50"}};
        const HttpReply reply = TRY(readHttp(http_, signedRequest(std::move(request))));
        if (reply.status != 200) return fail(errorOf(reply, "the look at the records"));
        return reply.body;
    }

    Result<void> findZone() {
        if (!zoneId_.empty()) return {};
        const std::string& zone = settings_.publication.zone;
        AwsRequest request;
        request.path = std::string(version) + "/hostedzonesbyname";
        request.query = {{"dnsname", zone + "."}, {"maxitems", "10"}};
        const HttpReply reply = TRY(readHttp(http_, signedRequest(std::move(request))));
        if (reply.status != 200) return fail(errorOf(reply, "the look for the zone"));
        const XmlElement root = TRY(parseXml(reply.body));
        const XmlElement* zones = root.child("HostedZones");
        if (!zones) return unreadable("it is no list of zones");
        std::vector<std::string> found;
        for (const XmlElement& entry : zones->children) {
            const XmlElement* config = entry.child("Config");
            const bool isPrivate = config && config->textOf("PrivateZone") == "true";
            if (entry.textOf("Name") == zone + "." && !isPrivate) found.push_back(bareId(entry.textOf("Id")));
        }
        if (found.size() > 1)
            return fail(ErrorCode::InvalidInput, "Route 53 has several zones " + zone, "name the one by its zone id");
        if (found.empty() || found.front().empty())
            return fail(ErrorCode::NotFound, "the access key sees no public zone " + zone + " at Route 53",
                        "name it by its zone id, or allow route53:ListHostedZonesByName");
        zoneId_ = found.front();
        return {};
    }

    ProviderSettings settings_;
    AwsCredential credential_;
    HttpSettings http_;
    std::string base_, zoneId_;
};

}  // namespace

Result<Reading> readRoute53Sets(const Publication& publication, std::string_view setDocument,
                                std::string_view markDocument) {
    Reading reading;
    JsonObject token{{"set", nullptr}, {"mark", nullptr}};
    for (const Listed& found : TRY(listed(setDocument, publication.name))) {
        if (found.type == "CNAME") reading.strange = "the name has a CNAME record";
        if (found.type != nameOf(publication.type)) continue;
        if (!found.strange.empty()) {
            reading.strange = "the record set is not a plain one: " + found.strange;
            continue;
        }
        reading.set = RecordSet{found.set.ttlSeconds, TRY(canonicalValues(publication.type, found.set.values))};
        token["set"] = toJson(found.set);
    }
    for (const Listed& found : TRY(listed(markDocument, markNameOf(publication.name)))) {
        if (found.type != "TXT") continue;
        std::vector<std::string> texts;
        for (const std::string& value : found.set.values) texts.push_back(unquoted(value));
        putMark(reading, texts);
        token["mark"] = toJson(found.set);
    }
    reading.token = token;
    return reading;
}

std::string route53Batch(const Publication& publication, const Reading& seen, const Wanted& wanted) {
    const std::string name = publication.name + ".", markName = markNameOf(publication.name) + ".";
    const std::string_view type = nameOf(publication.type);
    std::string changes;
    if (const Json& set = seen.token.at("set"); !set.is_null())
        changes += change("DELETE", setXml(name, type, setFromToken(set)));
    changes += change("CREATE", setXml(name, type, wanted.set));
    if (const Json& mark = seen.token.at("mark"); !mark.is_null())
        changes += change("DELETE", setXml(markName, "TXT", setFromToken(mark)));
    changes += change("CREATE", setXml(markName, "TXT", {markTtlSeconds, {quoted(wanted.mark.text())}}));
    return batchOf(wanted.mark.text(), changes);
}

Result<std::unique_ptr<Provider>> makeRoute53(ProviderSettings settings) {
    AwsCredential credential = TRY(awsCredentialFromText(settings.credential));
    return std::make_unique<Route53>(std::move(settings), std::move(credential));
}

}  // namespace swb::publication
