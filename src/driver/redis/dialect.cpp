#include "driver/redis/dialect.h"

#include <charconv>

namespace swb::driver::redis {

namespace {

struct SnapshotVersion {
    bool valkey;
    int major, minor;
    int version;
};

// Newest first. Valkey went its own way after 7.2: what Redis 7.4 writes it cannot read, and the other way round from
// Valkey 9 on.
constexpr SnapshotVersion snapshotVersions[] = {{false, 7, 4, 12}, {false, 7, 2, 11}, {false, 7, 0, 10},
                                                {false, 5, 0, 9},  {true, 9, 0, 80},  {true, 7, 2, 11}};

}  // namespace

int Release::snapshotVersion() const {
    for (const auto& entry : snapshotVersions)
        if (entry.valkey == valkey && atLeast(entry.major, entry.minor)) return entry.version;
    return 0;
}

bool Release::supported() const {
    return valkey ? atLeast(7, 2) && !atLeast(10, 0) : atLeast(6, 2) && !atLeast(9, 0);
}

Release releaseOf(std::string_view server, std::string_view version) {
    Release release;
    release.valkey = server == "valkey";
    release.version = version;
    const char* end = version.data() + version.size();
    const auto [dot, error] = std::from_chars(version.data(), end, release.major);
    if (error == std::errc() && dot != end && *dot == '.') std::from_chars(dot + 1, end, release.minor);
    return release;
}

Release releaseOf(const Info& info) {
    // Valkey also names a redis_version, the one it is compatible with.
    const std::string valkey = info.text("valkey_version");
    return valkey.empty() ? releaseOf("redis", info.text("redis_version")) : releaseOf("valkey", valkey);
}

std::string serverProgram(Engine engine) {
    return engine == Engine::valkey ? "valkey-server" : "redis-server";
}

std::string defaultConfigFile(Engine engine) {
    return engine == Engine::valkey ? "/etc/valkey/valkey.conf" : "/etc/redis/redis.conf";
}

bool isServerProcessName(std::string_view name) {
    return name == "redis-server" || name == "valkey-server";
}

}  // namespace swb::driver::redis
