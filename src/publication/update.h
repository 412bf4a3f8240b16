// DNS UPDATE messages (RFC 2136), as values to bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dns/message.h"

namespace swb::publication {

struct UpdateRecord {
    dns::Name name;
    uint16_t type = 0;
    uint16_t recordClass = 0;
    uint32_t ttlSeconds = 0;
    dns::Rdata data;
};

struct Update {
    dns::Name zone;
    std::vector<UpdateRecord> prerequisites, changes;

    // "The set exists and is exactly this" (RFC 2136 §2.4.2); an empty list: "there is no such set" (§2.4.3).
    void requireSet(const dns::Name& name, uint16_t type, const std::vector<dns::Rdata>& records);
    // The whole set in one message: deleted and added (§2.5.2, §2.5.1). Precondition: records is not empty.
    void replaceSet(const dns::Name& name, uint16_t type, uint32_t ttlSeconds, const std::vector<dns::Rdata>& records);
    // The texts of a name. There is no such call for addresses: a set of those is replaced, never removed.
    void removeTexts(const dns::Name& name);
};

// The message with room behind it for a TSIG record of `reserve` bytes: the size says where it ends.
std::vector<uint8_t> writeUpdate(uint16_t id, const Update& update);

// What the server's word means: nothing for NOERROR. Anything that is not the reply to this update: OutcomeUnknown.
Result<void> readUpdateReply(std::span<const uint8_t> bytes, uint16_t id, const std::string& server);

// "[ALGORITHM:]NAME:BASE64", as nsupdate takes it.
struct UpdateKey {
    std::string algorithm, name, secret;  // the secret as octets
};
Result<UpdateKey> updateKeyFromText(const std::string& text);

}  // namespace swb::publication
