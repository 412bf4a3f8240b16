#include "name_server_config.h"

#include "base/log.h"
#include "dns/cookie_key_file.h"

namespace swb {
namespace {

constexpr int64_t threadsMax = 63, rateLimitMax = 4'000'000, slipMax = 100;
constexpr size_t nsidBytesMax = 128;

int64_t readNumber(JsonReader& reader, std::string_view key, int64_t byDefault, int64_t least, int64_t most) {
    const int64_t value = reader.integer(key, byDefault);
    if (value < least || value > most)
        reader.problem(key, "must be " + std::to_string(least) + " to " + std::to_string(most));
    return value;
}

}  // namespace

NameServerConfig readNameServer(JsonReader& reader) {
    NameServerConfig config;
    config.threads = readNumber(reader, "threads", config.threads, 1, threadsMax);
    config.nsid = reader.string("nsid", "");
    if (config.nsid.size() > nsidBytesMax) reader.problem("nsid", "must be at most 128 octets");
    dns::RateLimitOptions& limit = config.rateLimit;
    limit.answersPerSecond =
        static_cast<uint32_t>(readNumber(reader, "rate_limit", limit.answersPerSecond, 0, rateLimitMax));
    limit.slip = static_cast<uint32_t>(readNumber(reader, "rate_limit_slip", limit.slip, 0, slipMax));
    config.cookieKeys = reader.string("cookie_keys", "");
    return config;
}

void apply(const NameServerConfig& config, const std::string& directory, dns::ServerOptions& options) {
    options.udpThreads = static_cast<size_t>(config.threads);
    options.nsid = config.nsid;
    options.rateLimit = config.rateLimit;
    auto keys = dns::loadCookieKeys(config.cookieKeys.empty() ? directory + "/cookie.key" : config.cookieKeys);
    if (keys)
        options.cookieKeys = *std::move(keys);
    else
        logError("dns", "no shared cookie keys: {}", describe(keys.error()));
}

}  // namespace swb
