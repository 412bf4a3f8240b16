#include "publication/provider.h"

#include <algorithm>
#include <charconv>

#include "dns/address.h"
#include "publication/providers.h"

namespace swb::publication {
namespace {

constexpr std::string_view markBegin = "swingbridge group=";
constexpr std::string_view markEpoch = " epoch=";
constexpr size_t groupBytesMax = 64;

}  // namespace

Result<std::vector<std::string>> canonicalValues(AddressType type, std::vector<std::string> values) {
    for (std::string& value : values) {
        const dns::IpAddress address = TRY(dns::IpAddress::fromText(value));
        if ((address.family == dns::AddressFamily::ipv4) != (type == AddressType::a))
            return fail(ErrorCode::InvalidInput,
                        value.substr(0, 60) + " is not of the type " + std::string(nameOf(type)));
        value = address.toText();
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

std::string Mark::text() const {
    return std::string(markBegin) + group + std::string(markEpoch) + std::to_string(epoch);
}

std::optional<Mark> markFromText(std::string_view text) {
    if (!text.starts_with(markBegin)) return std::nullopt;
    text.remove_prefix(markBegin.size());
    const size_t space = text.find(markEpoch);
    if (space == std::string_view::npos || space == 0 || space > groupBytesMax) return std::nullopt;
    Mark mark;
    mark.group = std::string(text.substr(0, space));
    const std::string_view digits = text.substr(space + markEpoch.size());
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), mark.epoch);
    if (problem != std::errc() || end != digits.data() + digits.size() || mark.epoch < 0) return std::nullopt;
    return mark;
}

std::string markNameOf(std::string_view name) {
    return "_swingbridge-owner." + std::string(name);
}

uint32_t ttlMinOf(ProviderKind kind) {
    return kind == ProviderKind::cloudflare ? 60 : 1;
}

Result<bool> Provider::inSync(const std::string&) {
    return true;
}

Result<std::unique_ptr<Provider>> makeProvider(ProviderSettings settings) {
    switch (settings.publication.provider) {
        case ProviderKind::rfc2136:
            return makeRfc2136(std::move(settings));
        case ProviderKind::powerdns:
            return makePowerDns(std::move(settings));
        case ProviderKind::cloudflare:
            return makeCloudflare(std::move(settings));
        case ProviderKind::route53:
            return makeRoute53(std::move(settings));
    }
    return fail(ErrorCode::Bug, "a provider without an implementation");
}

}  // namespace swb::publication
