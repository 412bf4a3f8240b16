// What the tests of Redis' traps share beyond those of every engine (database_traps.h).
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "driver/support/files.h"
#include "support/database_traps.h"
#include "support/redis_fixture.h"

namespace swb::test {

class RedisTraps : public DatabaseTraps<RedisWorld> {
  protected:
    void TearDown() override {
        if (follower_) stopRedisServer(*follower_, SIGKILL);
    }
    // The value of a CONFIG GET.
    static std::string textAt(const driver::redis::Reply& reply) {
        return reply.list.size() == 2 ? reply.list[1].text : "";
    }
    static std::string textAt(const Json& value, std::string_view key) { return swb::textAt(value, key); }
    static void awaitInfo(const DatabaseSpec& spec, const std::string& name, const std::string& value) {
        const MonotonicMs deadline = SystemClock().monotonic() + 8000;
        while (infoOf(spec, name) != value && SystemClock().monotonic() < deadline) ::usleep(5000);
        EXPECT_EQ(infoOf(spec, name), value) << name;
    }
    // Both servers, after a moment.
    void expectSame(const std::set<std::string>& tags) {
        const MonotonicMs deadline = SystemClock().monotonic() + 5000;
        while ((world->tags(*standby) != tags || world->tags(*current) != tags) && SystemClock().monotonic() < deadline)
            ::usleep(2000);
        EXPECT_EQ(world->tags(*current), tags);
        EXPECT_EQ(world->tags(*standby), tags);
    }
    // One more replica of the current server, over its plain port, set up by somebody else.
    DatabaseSpec makeFollower(const std::string& settings = {}) {
        const std::string directory = world->directory() + "/follower";
        ::mkdir(directory.c_str(), 0755);
        DatabaseSpec spec = makeRedisServer(directory, "127.0.30.1",
                                            "replicaof " + current->spec.address.host + " " +
                                                std::to_string(current->spec.address.port) +
                                                "\nmasteruser follower\nmasterauth follower\n" + settings);
        ask(current->spec, {"ACL", "SETUSER", "follower", "on", ">follower", "+psync", "+replconf", "+ping"});
        follower_ = spec;
        startRedisServer(spec);
        return spec;
    }
    // Snapshots that the driver put aside.
    static std::vector<std::string> snapshotsOf(const DatabaseSide& side) {
        std::vector<std::string> names;
        for (const auto& name : driver::directoryEntries(side.spec.service.data))
            if (name.rfind("swingbridge-", 0) == 0) names.push_back(name);
        return names;
    }

  private:
    std::optional<DatabaseSpec> follower_;
};

}  // namespace swb::test
