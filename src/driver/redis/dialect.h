// Where Redis and Valkey, and their releases, differ. Nothing else in this folder knows which of the two it drives.
#pragma once

#include <string>

#include "driver/redis/info.h"
#include "model/application.h"

namespace swb::driver::redis {

struct Release {
    bool valkey = false;
    int major = 0, minor = 0;
    std::string version;  // "7.0.15"

    bool atLeast(int wantedMajor, int wantedMinor) const {
        return major > wantedMajor || (major == wantedMajor && minor >= wantedMinor);
    }
    // Several settings in one CONFIG SET, all or none: Redis 7.0 and every Valkey.
    bool setsTogether() const { return atLeast(7, 0); }
    // Format of the snapshots it writes; it reads this one and older ones.
    int snapshotVersion() const;
    bool supported() const;
};

// Of a server by INFO; of a peer by HELLO, which says "redis" or "valkey" and a version.
Release releaseOf(const Info& info);
Release releaseOf(std::string_view server, std::string_view version);

std::string serverProgram(Engine engine);      // redis-server
std::string defaultConfigFile(Engine engine);  // /etc/redis/redis.conf
// The name of a server's process in /proc: either engine's, since a package may have either under the other's name.
bool isServerProcessName(std::string_view name);

}  // namespace swb::driver::redis
