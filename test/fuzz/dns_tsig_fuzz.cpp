// The TSIG code takes any bytes: as a request, as the messages of a reply, as a key file. Whatever they are, a message
// that was signed here is found valid, and one octet of it changed is not.
#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "dns/transfer/key_file.h"
#include "dns/tsig.h"

namespace {

using namespace swb;
using namespace swb::dns;

constexpr UnixSeconds now = 1'700'000'000;

TsigKey exampleKey() {
    return {*Name::fromText("xfer-key.example"), TsigAlgorithm::hmacSha256, Secret("a secret of thirty-two octets!!!")};
}

void takeAsRequest(std::span<const uint8_t> message) {
    TsigRecord record;
    if (findTsig(message, record) != TsigFound::yes) return;
    SWB_ASSERT(mayHoldTsig(message), "the quick look never misses a record");
    static const TsigKeyring keys = [] {
        TsigKeyring made;
        SWB_ASSERT(made.add(exampleKey()).has_value(), "the first key is taken");
        return made;
    }();
    const TsigVerdict verdict = verifyRequest(message, record, keys, now);
    SWB_ASSERT(verdict.key || verdict.error == tsigError::badKey, "without a key nothing is valid");
    const std::vector<uint8_t> stripped = withoutTsig(message, record);
    SWB_ASSERT(stripped.size() == record.start, "what is left ends where the record began");
    std::vector<uint8_t> reply(stripped.begin(), stripped.begin() + headerBytes);
    reply.resize(1024);
    const size_t length = appendUnsignedTsig(reply, headerBytes, record, tsigError::badKey);
    SWB_ASSERT(length == 0 || length > headerBytes, "it is appended whole or not at all");
}

void takeAsReply(std::span<const uint8_t> message) {
    static const auto key = std::make_shared<const TsigKey>(exampleKey());
    const std::array<uint8_t, 32> mac{};
    TsigVerifier verifier(key, mac);
    for (int i = 0; i < 2; ++i)
        if (const auto length = verifier.receive(message, now))
            SWB_ASSERT(*length <= message.size(), "what is left is no longer than what came");
}

// Signs the bytes as if they were a message.
void signThenChange(std::span<const uint8_t> data) {
    static const auto key = std::make_shared<const TsigKey>(exampleKey());
    if (data.size() < headerBytes + 1 || data.size() > 4096) return;
    std::vector<uint8_t> message(data.begin() + 1, data.end());
    TsigRecord record;
    message.resize(std::max(message.size(), headerBytes));
    if (findTsig(message, record) != TsigFound::no) return;
    TsigSigner signer(key);
    const size_t length = message.size();
    message.resize(length + signer.recordBytes());
    message.resize(signer.sign(message, length, now));
    // Bytes that were no message by themselves may become another one with the record.
    if (findTsig(message, record) != TsigFound::yes || record.start != length) return;
    TsigKeyring keys;
    SWB_ASSERT(keys.add(exampleKey()).has_value(), "the first key is taken");
    SWB_ASSERT(verifyRequest(message, record, keys, now).error == tsigError::none, "what was signed is valid");
    message[2 + data[0] % (length - 2)] ^= 0x10;
    if (findTsig(message, record) != TsigFound::yes) return;
    const TsigVerdict verdict = verifyRequest(message, record, keys, now);
    SWB_ASSERT(verdict.malformed || verdict.error != tsigError::none, "what was changed is not");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    takeAsRequest({data, size});
    takeAsReply({data, size});
    signThenChange({data, size});
    (void)transfer::keysFromText({reinterpret_cast<const char*>(data), size});
    return 0;
}
