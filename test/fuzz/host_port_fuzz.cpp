// Addresses end up in the configuration of databases and web fronts: what is accepted contains nothing but an address.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "model/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const uint16_t defaultPort : {uint16_t{0}, uint16_t{5432}}) {
        const auto address = swb::parseHostPort(text, defaultPort);
        if (!address) continue;
        SWB_ASSERT(address->port != 0, "an address has a port");
        SWB_ASSERT(std::all_of(
                       address->host.begin(), address->host.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':'; }),
                   "a host has no other characters");
        const auto again = swb::parseHostPort(address->text());
        SWB_ASSERT(again && *again == *address, "its text is the same address");
    }
    return 0;
}
