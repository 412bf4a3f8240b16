// TSIG (RFC 8945): messages signed with a secret that two servers share.
//
//     server   findTsig ─▶ verifyRequest ─▶ TsigSigner: first reply over the request's MAC, each next one over the last
//     client   TsigSigner signs the request ─▶ TsigVerifier checks each reply in turn, unsigned ones in between too
//
// Used by the name server's workers for signed queries and transfers, by NOTIFY, and by the transfer client. Pure: the
// time comes in, in seconds. Only HMAC with SHA-2; only whole MACs are accepted (a truncated one that is right is
// answered BADTRUNC). A key's secret is base64 in files and nowhere else.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/secret.h"
#include "crypto/hmac.h"
#include "dns/protocol.h"
#include "dns/wire.h"

namespace swb::dns {

using UnixSeconds = uint64_t;

constexpr uint16_t tsigFudgeSeconds = 300;  // RFC 8945 §10 recommends it
constexpr size_t tsigSecretBytesMax = 512;
constexpr size_t tsigUnsignedMax = 99;  // messages of a transfer between two signed ones (§5.3.1)

namespace tsigError {
constexpr uint16_t none = 0, badSignature = 16, badKey = 17, badTime = 18, badTruncation = 22;
}  // namespace tsigError

enum class TsigAlgorithm : uint8_t { hmacSha256, hmacSha384, hmacSha512 };

struct TsigKey {
    Name name;
    TsigAlgorithm algorithm = TsigAlgorithm::hmacSha256;
    Secret secret;  // octets, not base64
};
using TsigKeyPointer = std::shared_ptr<const TsigKey>;

std::string_view tsigAlgorithmText(TsigAlgorithm algorithm);  // "hmac-sha256"
Result<TsigAlgorithm> tsigAlgorithmFromText(std::string_view text);

// The keys of a server, by name (without case).
class TsigKeyring {
  public:
    // A second key of the same name is an error.
    Result<void> add(TsigKey key);
    TsigKeyPointer find(NameView name) const;
    bool empty() const { return keys_.empty(); }

  private:
    std::vector<TsigKeyPointer> keys_;  // a handful
};

// The TSIG record of a message. The views point into the message.
struct TsigRecord {
    size_t start = 0;  // where the record begins: the message without it ends here
    NameBuffer keyName;
    NameView algorithm;
    UnixSeconds timeSigned = 0;
    uint16_t fudge = 0;
    std::span<const uint8_t> mac;
    uint16_t originalId = 0;
    uint16_t error = 0;
    std::span<const uint8_t> other;
};

enum class TsigFound : uint8_t { no, yes, malformed };

// Whether a message can hold a TSIG record at all: what the answer path may ask of every query.
bool mayHoldTsig(std::span<const uint8_t> message);
// malformed: the record is not the last one, there are two, or it cannot be read (all FORMERR).
TsigFound findTsig(std::span<const uint8_t> message, TsigRecord& record);

// One direction of an exchange: remembers the MAC that the next message is signed over.
class TsigSigner {
  public:
    explicit TsigSigner(TsigKeyPointer key) : key_(std::move(key)) {}
    // For replies: the first covers this MAC too.
    TsigSigner(TsigKeyPointer key, std::span<const uint8_t> requestMac)
        : key_(std::move(key)), previousMac_(requestMac.begin(), requestMac.end()) {}

    // Octets that sign() appends at most.
    size_t recordBytes() const;
    // Signs the message in buffer[0, length) and returns its new length; 0 when there is no room.
    size_t sign(std::span<uint8_t> buffer, size_t length, UnixSeconds now);
    // The reply to a request that came too early or too late: the request's time, and ours beside it (§5.2.3).
    size_t signBadTime(std::span<uint8_t> buffer, size_t length, UnixSeconds requestTime, UnixSeconds now);
    size_t signError(std::span<uint8_t> buffer, size_t length, uint16_t error, UnixSeconds now);

    const TsigKeyPointer& key() const { return key_; }
    // Of the message signed last: what a TsigVerifier for the replies begins with.
    std::span<const uint8_t> mac() const { return previousMac_; }

  private:
    struct Variables;
    size_t append(std::span<uint8_t> buffer, size_t length, const Variables& variables);

    TsigKeyPointer key_;
    std::vector<uint8_t> previousMac_;
    bool signedBefore_ = false;
};

// What verifyRequest found. error: one of tsigError.
struct TsigVerdict {
    bool malformed = false;  // FORMERR, no TSIG in the reply
    uint16_t error = tsigError::none;
    TsigKeyPointer key;  // null for badKey
};
TsigVerdict verifyRequest(std::span<const uint8_t> message, const TsigRecord& record, const TsigKeyring& keys,
                          UnixSeconds now);

// Appends a TSIG record without a MAC: how badKey and badSignature are told (§5.3.2). 0 when there is no room.
size_t appendUnsignedTsig(std::span<uint8_t> buffer, size_t length, const TsigRecord& request, uint16_t error);

// Checks the messages of a reply in the order they come.
class TsigVerifier {
  public:
    TsigVerifier(TsigKeyPointer key, std::span<const uint8_t> requestMac);

    // The length of the message without its TSIG record. Unsigned messages are taken only between signed ones.
    Result<size_t> receive(std::span<const uint8_t> message, UnixSeconds now);
    // Whether the last message was signed: only then is what came complete.
    bool complete() const { return complete_; }

  private:
    Result<size_t> receiveSigned(std::span<const uint8_t> message, const TsigRecord& record, UnixSeconds now);

    TsigKeyPointer key_;
    std::optional<crypto::Hmac> hmac_;  // over everything since the last signed message
    bool first_ = true;
    bool complete_ = false;
    size_t unsigned_ = 0;
};

// The message as it was before the record was added: without it, one record less. For handing it on.
std::vector<uint8_t> withoutTsig(std::span<const uint8_t> message, const TsigRecord& record);

}  // namespace swb::dns
