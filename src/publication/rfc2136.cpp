// Dynamic updates (RFC 2136) to the zone's primary server, signed by TSIG. The one provider with a true
// compare-and-set: "this set exists and is exactly what was read" is a prerequisite of the same message.
#include <array>

#include "base/clock.h"
#include "crypto/digest.h"
#include "dns/exchange.h"
#include "dns/resolve.h"
#include "dns/tsig.h"
#include "model/address.h"
#include "publication/providers.h"
#include "publication/update.h"

namespace swb::publication {
namespace {

uint16_t typeNumber(AddressType type) {
    return type == AddressType::a ? dns::type::a : dns::type::aaaa;
}

// Records of exactly this name and type, as they came.
struct Found {
    uint32_t ttlSeconds = 0;
    std::vector<dns::Rdata> records;
    bool alias = false;
};

Json toHexArray(const std::vector<dns::Rdata>& records) {
    JsonArray out;
    for (const dns::Rdata& data : records) out.push_back(Json(crypto::toHex(data)));
    return out;
}

int hexDigit(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

std::vector<dns::Rdata> fromHexArray(const Json& value) {
    std::vector<dns::Rdata> out;
    for (const Json& entry : value.as_array()) {
        const std::string_view text = entry.as_string();
        dns::Rdata data;
        for (size_t i = 0; i + 1 < text.size(); i += 2)
            data += static_cast<char>(hexDigit(text[i]) << 4 | hexDigit(text[i + 1]));
        out.push_back(std::move(data));
    }
    return out;
}

// The strings of a TXT record, joined.
std::string textOf(const dns::Rdata& data) {
    std::string out;
    for (size_t at = 0; at < data.size();) {
        const size_t length = static_cast<unsigned char>(data[at++]);
        out += data.substr(at, length);
        at += length;
    }
    return out;
}

class Rfc2136 final : public Provider {
  public:
    Rfc2136(ProviderSettings settings, dns::Endpoint server, dns::TsigKeyPointer key, dns::Name zone, dns::Name name,
            dns::Name mark)
        : settings_(std::move(settings)),
          server_(server),
          key_(std::move(key)),
          zone_(std::move(zone)),
          name_(std::move(name)),
          mark_(std::move(mark)) {}

    Result<Reading> read() override {
        const uint16_t type = typeNumber(settings_.publication.type);
        const Found set = TRY(find(name_, type)), mark = TRY(find(mark_, dns::type::txt));
        Reading reading;
        if (set.alias) reading.strange = "the name has a CNAME record";
        std::vector<std::string> values, texts;
        for (const dns::Rdata& data : set.records) values.push_back(dns::rdataToText(type, data));
        if (!values.empty())
            reading.set = RecordSet{set.ttlSeconds, TRY(canonicalValues(settings_.publication.type, values))};
        for (const dns::Rdata& data : mark.records) texts.push_back(textOf(data));
        putMark(reading, texts);
        reading.token = JsonObject{{"set", toHexArray(set.records)}, {"mark", toHexArray(mark.records)}};
        return reading;
    }

    Result<std::string> replace(const Reading& seen, const Wanted& wanted) override {
        const uint16_t type = typeNumber(settings_.publication.type);
        std::vector<dns::Rdata> records;
        for (const std::string& value : wanted.set.values) records.push_back(TRY(dns::rdataFromText(type, value)));
        Update update;
        update.zone = zone_;
        update.requireSet(name_, type, fromHexArray(seen.token.at("set")));
        update.requireSet(mark_, dns::type::txt, fromHexArray(seen.token.at("mark")));
        update.replaceSet(name_, type, wanted.set.ttlSeconds, records);
        update.replaceSet(mark_, dns::type::txt, markTtlSeconds,
                          {TRY(dns::rdataFromText(dns::type::txt, quoted(wanted.mark.text())))});
        TRY_VOID(send(update));
        return std::string();
    }

    Result<void> withdraw(const Reading& seen) override {
        Update update;
        update.zone = zone_;
        update.requireSet(mark_, dns::type::txt, fromHexArray(seen.token.at("mark")));
        update.removeTexts(mark_);
        return send(update);
    }

    bool comparesAndSets() const override { return true; }

  private:
    std::string serverText() const { return "the server " + server_.toText(); }

    // Over TCP: the answer's source is certain and it fits.
    Result<Found> find(const dns::Name& name, uint16_t type) const {
        const dns::Response response = TRY(dns::ask(server_, name, type, settings_.timeoutMs, dns::Transport::tcp));
        if (response.rcode != dns::rcode::noError && response.rcode != dns::rcode::nameError)
            return fail(ErrorCode::VerificationFailed,
                        serverText() + " answered RCODE " + std::to_string(response.rcode) + " for " + name.toText());
        if (!response.isAuthoritative())
            return fail(ErrorCode::VerificationFailed, serverText() + " is not authoritative for " + name.toText(),
                        "the endpoint must be the zone's primary server");
        Found found;
        for (const dns::ReceivedRecord& record : response.answers) {
            if (record.name != name) continue;
            found.alias = found.alias || record.type == dns::type::cname;
            if (record.type != type) continue;
            found.ttlSeconds = record.ttlSeconds;
            found.records.push_back(record.data);
        }
        return found;
    }

    // Once, over TCP. When anything but a whole, signed reply comes back after it was sent, the outcome is unknown.
    Result<void> send(const Update& update) const {
        const uint16_t id = dns::randomMessageId();
        std::vector<uint8_t> message = writeUpdate(id, update);
        dns::TsigSigner signer(key_);
        const size_t length = message.size();
        message.resize(length + signer.recordBytes());
        const size_t signedLength = signer.sign(message, length, now());
        if (signedLength == 0) return fail(ErrorCode::Bug, "there is no room for the signature");
        message.resize(signedLength);
        dns::Exchange how;
        how.server = server_;
        how.transport = dns::Transport::tcp;
        how.timeoutMs = settings_.timeoutMs;
        auto reply = dns::exchange(how, message, [&](std::span<const uint8_t> bytes) {
            return bytes.size() >= dns::headerBytes && (bytes[0] << 8 | bytes[1]) == id;
        });
        if (!reply && reply.error().code == ErrorCode::Unreachable) return fail(reply.error());
        if (!reply) return fail(ErrorCode::OutcomeUnknown, reply.error().message);
        dns::TsigVerifier verifier(key_, signer.mac());
        const auto verified = verifier.receive(*reply, now());
        const auto meaning = readUpdateReply(*reply, id, serverText());
        // A refusal of the key itself cannot be signed; it is believed, for it claims nothing that could do harm.
        if (!meaning && meaning.error().code == ErrorCode::Unauthenticated) return meaning;
        if (!verified)
            return fail(ErrorCode::OutcomeUnknown,
                        serverText() + "'s reply is not signed as it must be: " + verified.error().message);
        return meaning;
    }

    static dns::UnixSeconds now() { return static_cast<dns::UnixSeconds>(SystemClock().now() / 1000); }

    ProviderSettings settings_;
    dns::Endpoint server_;
    dns::TsigKeyPointer key_;
    dns::Name zone_, name_, mark_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeRfc2136(ProviderSettings settings) {
    const UpdateKey parsed = TRY(updateKeyFromText(settings.credential.reveal()));
    auto key = std::make_shared<dns::TsigKey>();
    key->name = TRY(dns::Name::fromText(parsed.name));
    key->algorithm = TRY(dns::tsigAlgorithmFromText(parsed.algorithm));
    key->secret = Secret(parsed.secret);
    const Publication& publication = settings.publication;
    const HostPort endpoint = TRY(parseHostPort(publication.endpoint, dns::defaultPort));
    const dns::Endpoint server{TRY(dns::IpAddress::fromText(endpoint.host)), endpoint.port};
    dns::Name zone = TRY(dns::Name::fromText(publication.zone)), name = TRY(dns::Name::fromText(publication.name)),
              mark = TRY(dns::Name::fromText(markNameOf(publication.name)));
    return std::make_unique<Rfc2136>(std::move(settings), server, std::move(key), std::move(zone), std::move(name),
                                     std::move(mark));
}

}  // namespace swb::publication
