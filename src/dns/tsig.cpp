#include "dns/tsig.h"

#include <algorithm>

#include "base/assert.h"

namespace swb::dns {
namespace {

constexpr size_t additionalCountAt = 10;
constexpr size_t macBytesMin = 10;  // §5.2.2.1: shorter ones, and ones under half of the hash, are malformed
// The least a TSIG record takes: root owner, fixed fields, the shortest algorithm name, no MAC.
constexpr size_t recordBytesMin = 1 + 10 + 1 + 16;

struct AlgorithmRow {
    TsigAlgorithm algorithm;
    crypto::HmacHash hash;
    std::string_view text;
    std::string_view wire;
};
constexpr std::array algorithms = {
    AlgorithmRow{TsigAlgorithm::hmacSha256, crypto::HmacHash::sha256, "hmac-sha256",
                 std::string_view("\x0bhmac-sha256\0", 13)},
    AlgorithmRow{TsigAlgorithm::hmacSha384, crypto::HmacHash::sha384, "hmac-sha384",
                 std::string_view("\x0bhmac-sha384\0", 13)},
    AlgorithmRow{TsigAlgorithm::hmacSha512, crypto::HmacHash::sha512, "hmac-sha512",
                 std::string_view("\x0bhmac-sha512\0", 13)},
};

const AlgorithmRow& rowOf(TsigAlgorithm algorithm) {
    return algorithms[static_cast<size_t>(algorithm)];
}

crypto::Hmac hmacOf(const TsigKey& key) {
    return {rowOf(key.algorithm).hash, key.secret};
}

// Integers as they stand in the message, into the digest.
class DigestWriter {
  public:
    explicit DigestWriter(crypto::Hmac& hmac) : hmac_(hmac) {}
    void number(uint64_t value, size_t bytes) {
        std::array<uint8_t, 8> raw{};
        for (size_t i = 0; i < bytes; ++i) raw[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
        hmac_.update(std::span<const uint8_t>(raw).first(bytes));
    }
    void name(NameView name) {
        std::string lower(name.wire());
        for (char& octet : lower) octet = static_cast<char>(lowerCase(static_cast<uint8_t>(octet)));
        hmac_.update(lower);
    }
    void counted(std::span<const uint8_t> bytes) {
        number(bytes.size(), 2);
        hmac_.update(bytes);
    }

  private:
    crypto::Hmac& hmac_;
};

void digestTimers(crypto::Hmac& hmac, UnixSeconds timeSigned, uint16_t fudge) {
    DigestWriter digest(hmac);
    digest.number(timeSigned, 6);
    digest.number(fudge, 2);
}

// §4.3.3: everything of the record but the MAC and the original id.
void digestVariables(crypto::Hmac& hmac, const TsigKey& key, UnixSeconds timeSigned, uint16_t fudge, uint16_t error,
                     std::span<const uint8_t> other) {
    DigestWriter digest(hmac);
    digest.name(key.name);
    digest.number(recordClass::any, 2);
    digest.number(0, 4);
    digest.name(NameView(rowOf(key.algorithm).wire));
    digestTimers(hmac, timeSigned, fudge);
    digest.number(error, 2);
    digest.counted(other);
}

// The message as the signer saw it: its id, and without the record that carries the signature.
void digestStripped(crypto::Hmac& hmac, std::span<const uint8_t> message, const TsigRecord& record) {
    std::array<uint8_t, headerBytes> header{};
    std::copy_n(message.begin(), headerBytes, header.begin());
    header[0] = static_cast<uint8_t>(record.originalId >> 8);
    header[1] = static_cast<uint8_t>(record.originalId);
    const unsigned count = static_cast<unsigned>(header[additionalCountAt] << 8 | header[additionalCountAt + 1]) - 1;
    header[additionalCountAt] = static_cast<uint8_t>(count >> 8);
    header[additionalCountAt + 1] = static_cast<uint8_t>(count);
    hmac.update(header);
    hmac.update(message.subspan(headerBytes, record.start - headerBytes));
}

bool withinFudge(UnixSeconds timeSigned, uint16_t fudge, UnixSeconds now) {
    return (timeSigned > now ? timeSigned - now : now - timeSigned) <= fudge;
}

struct Tsig48 {
    std::array<uint8_t, 6> bytes;
    explicit Tsig48(UnixSeconds value) {
        for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * (5 - i)));
    }
};

void writeBytes(WireWriter& writer, std::span<const uint8_t> bytes) {
    writer.bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void readTsigData(WireReader& reader, TsigRecord& record) {
    record.algorithm = reader.plainName();
    record.timeSigned = static_cast<UnixSeconds>(reader.u16()) << 32;
    record.timeSigned |= reader.u32();
    record.fudge = reader.u16();
    record.mac = reader.bytes(reader.u16());
    record.originalId = reader.u16();
    record.error = reader.u16();
    record.other = reader.bytes(reader.u16());
}

// One record of any section; whether it was a TSIG record.
bool readAnyRecord(WireReader& reader, TsigRecord& record) {
    const size_t start = reader.position();
    NameBuffer owner;
    reader.name(owner);
    const uint16_t type = reader.u16();
    const uint16_t recordClass = reader.u16();
    const uint32_t ttl = reader.u32();
    const size_t length = reader.u16();
    if (type != type::tsig) {
        reader.bytes(length);
        return false;
    }
    const size_t end = reader.position() + length;
    record.start = start;
    record.keyName = owner;
    readTsigData(reader, record);
    if (reader.position() != end || recordClass != recordClass::any || ttl != 0) reader.bytes(SIZE_MAX);
    return true;
}

// The key's name, type, class, TTL, and the data, behind a message whose count is raised.
size_t appendRecord(std::span<uint8_t> buffer, size_t length, NameView key, NameView algorithm,
                    const TsigRecord& data) {
    const size_t size = key.size() + 10 + algorithm.size() + 16 + data.mac.size() + data.other.size();
    if (buffer.size() < length + size) return 0;
    WireWriter writer(buffer.subspan(length, size));
    writer.name(key);
    writer.u16(type::tsig);
    writer.u16(recordClass::any);
    writer.u32(0);
    writer.u16(static_cast<uint16_t>(size - key.size() - 10));
    writer.name(algorithm);
    writeBytes(writer, Tsig48(data.timeSigned).bytes);
    writer.u16(data.fudge);
    writer.u16(static_cast<uint16_t>(data.mac.size()));
    writeBytes(writer, data.mac);
    writer.u16(data.originalId);
    writer.u16(data.error);
    writer.u16(static_cast<uint16_t>(data.other.size()));
    writeBytes(writer, data.other);
    SWB_ASSERT(!writer.full() && writer.size() == size, "the record has the size it was measured to have");
    const unsigned count = static_cast<unsigned>(buffer[additionalCountAt] << 8 | buffer[additionalCountAt + 1]) + 1;
    buffer[additionalCountAt] = static_cast<uint8_t>(count >> 8);
    buffer[additionalCountAt + 1] = static_cast<uint8_t>(count);
    return length + size;
}

uint16_t idOf(std::span<const uint8_t> message) {
    return static_cast<uint16_t>(message[0] << 8 | message[1]);
}

bool isOfKey(const TsigRecord& record, const TsigKey& key) {
    return key.name == record.keyName.view() && record.algorithm == NameView(rowOf(key.algorithm).wire);
}

tl::unexpected<Error> notSigned(const TsigKey& key, const std::string& why) {
    return fail(ErrorCode::ProtocolViolation, "the reply is not signed with the key " + key.name.toText() + ": " + why);
}

std::string errorText(uint16_t error) {
    switch (error) {
        case tsigError::badSignature:
            return "BADSIG";
        case tsigError::badKey:
            return "BADKEY";
        case tsigError::badTime:
            return "BADTIME";
        case tsigError::badTruncation:
            return "BADTRUNC";
        default:
            return "TSIG error " + std::to_string(error);
    }
}

}  // namespace

std::string_view tsigAlgorithmText(TsigAlgorithm algorithm) {
    return rowOf(algorithm).text;
}

Result<TsigAlgorithm> tsigAlgorithmFromText(std::string_view text) {
    if (!text.empty() && text.back() == '.') text.remove_suffix(1);
    for (const AlgorithmRow& row : algorithms)
        if (std::equal(text.begin(), text.end(), row.text.begin(), row.text.end(), [](char left, char right) {
                return lowerCase(static_cast<uint8_t>(left)) == static_cast<uint8_t>(right);
            }))
            return row.algorithm;
    return fail(ErrorCode::InvalidInput,
                "\"" + std::string(text.substr(0, 64)) + "\" is not a TSIG algorithm of this server",
                "hmac-sha256, hmac-sha384 or hmac-sha512");
}

Result<void> TsigKeyring::add(TsigKey key) {
    if (key.secret.empty() || key.secret.reveal().size() > tsigSecretBytesMax)
        return fail(ErrorCode::InvalidInput, "the secret of the key " + key.name.toText() + " has no usable length");
    if (find(key.name)) return fail(ErrorCode::InvalidInput, "there are two keys called " + key.name.toText());
    keys_.push_back(std::make_shared<const TsigKey>(std::move(key)));
    return {};
}

TsigKeyPointer TsigKeyring::find(NameView name) const {
    for (const TsigKeyPointer& key : keys_)
        if (key->name == name) return key;
    return nullptr;
}

bool mayHoldTsig(std::span<const uint8_t> message) {
    return message.size() >= headerBytes + recordBytesMin &&
           (message[additionalCountAt] | message[additionalCountAt + 1]) != 0;
}

TsigFound findTsig(std::span<const uint8_t> message, TsigRecord& record) {
    if (message.size() < headerBytes) return TsigFound::no;
    WireReader reader(message);
    reader.u32();
    const size_t questions = reader.u16();
    const size_t others = static_cast<size_t>(reader.u16()) + reader.u16();
    const size_t additionals = reader.u16();
    for (size_t i = 0; i < questions && reader.ok(); ++i) {
        reader.skipName();
        reader.u32();
    }
    bool found = false;
    for (size_t i = 0; i < others && reader.ok() && !found; ++i) found = readAnyRecord(reader, record);
    if (found) return TsigFound::malformed;
    for (size_t i = 0; i < additionals && reader.ok() && !found; ++i) {
        found = readAnyRecord(reader, record);
        if (found && (i + 1 < additionals || !reader.ok() || !reader.atEnd())) return TsigFound::malformed;
    }
    // A message that cannot be read is not this function's to judge: nothing in it has been seen to be a signature.
    return found ? TsigFound::yes : TsigFound::no;
}

std::vector<uint8_t> withoutTsig(std::span<const uint8_t> message, const TsigRecord& record) {
    std::vector<uint8_t> bytes(message.begin(), message.begin() + static_cast<ptrdiff_t>(record.start));
    const unsigned count = static_cast<unsigned>(bytes[additionalCountAt] << 8 | bytes[additionalCountAt + 1]) - 1;
    bytes[additionalCountAt] = static_cast<uint8_t>(count >> 8);
    bytes[additionalCountAt + 1] = static_cast<uint8_t>(count);
    return bytes;
}

struct TsigSigner::Variables {
    UnixSeconds timeSigned = 0;
    uint16_t error = tsigError::none;
    std::span<const uint8_t> other;
};

size_t TsigSigner::recordBytes() const {
    const AlgorithmRow& row = rowOf(key_->algorithm);
    return key_->name.view().size() + 10 + row.wire.size() + 16 + crypto::macBytes(row.hash) + sizeof(Tsig48);
}

size_t TsigSigner::sign(std::span<uint8_t> buffer, size_t length, UnixSeconds now) {
    return append(buffer, length, {now, tsigError::none, {}});
}

size_t TsigSigner::signBadTime(std::span<uint8_t> buffer, size_t length, UnixSeconds requestTime, UnixSeconds now) {
    const Tsig48 serverTime(now);
    return append(buffer, length, {requestTime, tsigError::badTime, serverTime.bytes});
}

size_t TsigSigner::signError(std::span<uint8_t> buffer, size_t length, uint16_t error, UnixSeconds now) {
    return append(buffer, length, {now, error, {}});
}

size_t TsigSigner::append(std::span<uint8_t> buffer, size_t length, const Variables& variables) {
    SWB_ASSERT(length >= headerBytes && length <= buffer.size(), "a message has a header");
    crypto::Hmac hmac = hmacOf(*key_);
    if (!previousMac_.empty()) DigestWriter(hmac).counted(previousMac_);
    hmac.update(std::span<const uint8_t>(buffer).first(length));
    if (signedBefore_)
        digestTimers(hmac, variables.timeSigned, tsigFudgeSeconds);
    else
        digestVariables(hmac, *key_, variables.timeSigned, tsigFudgeSeconds, variables.error, variables.other);
    const crypto::Mac mac = hmac.finish();
    TsigRecord record;
    record.timeSigned = variables.timeSigned;
    record.fudge = tsigFudgeSeconds;
    record.mac = mac.view();
    record.originalId = idOf(buffer);
    record.error = variables.error;
    record.other = variables.other;
    const size_t size = appendRecord(buffer, length, key_->name, NameView(rowOf(key_->algorithm).wire), record);
    if (size == 0) return 0;
    previousMac_.assign(mac.view().begin(), mac.view().end());
    signedBefore_ = true;
    return size;
}

size_t appendUnsignedTsig(std::span<uint8_t> buffer, size_t length, const TsigRecord& request, uint16_t error) {
    TsigRecord record;
    record.timeSigned = request.timeSigned;
    record.fudge = request.fudge;
    record.originalId = idOf(buffer);
    record.error = error;
    return appendRecord(buffer, length, request.keyName.view(), request.algorithm, record);
}

TsigVerdict verifyRequest(std::span<const uint8_t> message, const TsigRecord& record, const TsigKeyring& keys,
                          UnixSeconds now) {
    TsigVerdict verdict;
    const TsigKeyPointer key = keys.find(record.keyName.view());
    if (!key || !isOfKey(record, *key)) {
        verdict.error = tsigError::badKey;
        return verdict;
    }
    verdict.key = key;
    const size_t full = crypto::macBytes(rowOf(key->algorithm).hash);
    if (record.mac.size() > full || record.mac.size() < std::max(macBytesMin, full / 2)) {
        verdict.malformed = true;
        return verdict;
    }
    crypto::Hmac hmac = hmacOf(*key);
    digestStripped(hmac, message, record);
    digestVariables(hmac, *key, record.timeSigned, record.fudge, record.error, record.other);
    const crypto::Mac expected = hmac.finish();
    if (!crypto::equalInConstantTime(record.mac, expected.view().first(record.mac.size())))
        verdict.error = tsigError::badSignature;
    else if (!withinFudge(record.timeSigned, record.fudge, now))
        verdict.error = tsigError::badTime;
    else if (record.mac.size() < full)
        verdict.error = tsigError::badTruncation;
    return verdict;
}

TsigVerifier::TsigVerifier(TsigKeyPointer key, std::span<const uint8_t> requestMac)
    : key_(std::move(key)), hmac_(hmacOf(*key_)) {
    DigestWriter(*hmac_).counted(requestMac);
}

Result<size_t> TsigVerifier::receive(std::span<const uint8_t> message, UnixSeconds now) {
    TsigRecord record;
    complete_ = false;
    switch (findTsig(message, record)) {
        case TsigFound::malformed:
            return notSigned(*key_, "its TSIG record is malformed");
        case TsigFound::yes:
            return receiveSigned(message, record, now);
        case TsigFound::no:
            break;
    }
    if (first_) return notSigned(*key_, "it has no TSIG record");
    if (++unsigned_ > tsigUnsignedMax) return notSigned(*key_, "too many messages without a TSIG record");
    hmac_->update(message);
    return message.size();
}

Result<size_t> TsigVerifier::receiveSigned(std::span<const uint8_t> message, const TsigRecord& record,
                                           UnixSeconds now) {
    if (record.error != tsigError::none && record.mac.empty())
        return fail(ErrorCode::Forbidden,
                    "the server refuses the key " + key_->name.toText() + ": " + errorText(record.error),
                    "name, algorithm and secret must be the same at both ends");
    if (!isOfKey(record, *key_)) return notSigned(*key_, "it names another key");
    digestStripped(*hmac_, message, record);
    if (first_)
        digestVariables(*hmac_, *key_, record.timeSigned, record.fudge, record.error, record.other);
    else
        digestTimers(*hmac_, record.timeSigned, record.fudge);
    const crypto::Mac expected = hmac_->finish();
    if (!crypto::equalInConstantTime(record.mac, expected.view())) return notSigned(*key_, "the signature is wrong");
    if (record.error != tsigError::none)
        return fail(
            ErrorCode::Forbidden,
            "the server refuses the request signed with " + key_->name.toText() + ": " + errorText(record.error),
            record.error == tsigError::badTime ? "the clocks of the two servers differ by more than five minutes" : "");
    if (!withinFudge(record.timeSigned, record.fudge, now))
        return notSigned(*key_, "its time is more than five minutes off");
    hmac_.emplace(hmacOf(*key_));
    DigestWriter(*hmac_).counted(expected.view());
    first_ = false;
    complete_ = true;
    unsigned_ = 0;
    return record.start;
}

}  // namespace swb::dns
