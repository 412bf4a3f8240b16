#include "dns/transfer/access.h"

#include <algorithm>
#include <charconv>

namespace swb::dns::transfer {
namespace {

uint8_t bitsMax(AddressFamily family) {
    return family == AddressFamily::ipv4 ? 32 : 128;
}

IpAddress masked(IpAddress address, unsigned bits) {
    for (size_t i = 0; i < address.octets.size(); ++i) {
        const unsigned kept = bits > i * 8 ? std::min<unsigned>(bits - static_cast<unsigned>(i) * 8, 8) : 0;
        address.octets[i] &= static_cast<uint8_t>(0xff00u >> kept);
    }
    return address;
}

IpAddress unmapped(const IpAddress& address) {
    constexpr std::array<uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address.family != AddressFamily::ipv6 || !std::equal(mapped.begin(), mapped.end(), address.octets.begin()))
        return address;
    IpAddress ipv4;
    std::copy_n(address.octets.begin() + 12, 4, ipv4.octets.begin());
    return ipv4;
}

}  // namespace

Result<AddressPrefix> AddressPrefix::fromText(std::string_view text) {
    const size_t slash = text.find('/');
    AddressPrefix prefix;
    prefix.address = TRY(IpAddress::fromText(text.substr(0, slash)));
    prefix.bits = bitsMax(prefix.address.family);
    if (slash == std::string_view::npos) return prefix;
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix.bits);
    const bool isNumber = problem == std::errc() && end == digits.data() + digits.size();
    if (!isNumber || prefix.bits > bitsMax(prefix.address.family))
        return fail(ErrorCode::InvalidInput, "\"" + std::string(text.substr(0, 80)) + "\" is not an address prefix",
                    "write it like 192.0.2.0/24 or 2001:db8::/32");
    if (masked(prefix.address, prefix.bits) != prefix.address)
        return fail(ErrorCode::InvalidInput,
                    "\"" + std::string(text) + "\" has bits behind its prefix: which addresses are meant is not clear",
                    "write " + masked(prefix.address, prefix.bits).toText() + "/" + std::to_string(prefix.bits) +
                        ", or the address alone");
    return prefix;
}

std::string AddressPrefix::toText() const {
    return bits == bitsMax(address.family) ? address.toText() : address.toText() + "/" + std::to_string(bits);
}

bool AddressPrefix::contains(const IpAddress& other) const {
    const IpAddress plain = unmapped(other);
    return plain.family == address.family && masked(plain, bits) == address;
}

bool isAllowed(const std::vector<AccessRule>& rules, const IpAddress& client, const Name* key) {
    return std::any_of(rules.begin(), rules.end(), [&](const AccessRule& rule) {
        if (rule.from.empty() && !rule.key) return false;
        const bool fromFits =
            rule.from.empty() || std::any_of(rule.from.begin(), rule.from.end(),
                                             [&](const auto& prefix) { return prefix.contains(client); });
        return fromFits && (!rule.key || (key && *key == *rule.key));
    });
}

}  // namespace swb::dns::transfer
