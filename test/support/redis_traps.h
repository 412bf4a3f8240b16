// What the tests of Redis' traps share: a linked world and the acts of a switch in one word each.
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
#include "support/redis_fixture.h"

namespace swb::test {

class RedisTraps : public ::testing::Test {
  protected:
    void SetUp() override { begin({}); }
    void TearDown() override {
        if (follower_) stopRedisServer(*follower_, SIGKILL);
    }
    void begin(const std::string& settings) {
        world.reset();
        world = std::make_unique<RedisWorld>(settings);
        world->link();
        current = &world->a();
        standby = &world->b();
    }

    Result<driver::Token> fence(int64_t milliseconds = 10'000) {
        return current->driver->fence(current->spec, 2, current->context(milliseconds));
    }
    Result<Json> unfence() { return current->driver->unfence(current->spec, current->context()); }
    Result<Json> awaitToken(const driver::Token& token, int64_t milliseconds = 5000) {
        return standby->driver->awaitToken(standby->spec, token, standby->context(milliseconds));
    }
    Result<Json> promote(const driver::Token& token) {
        return standby->driver->promote(standby->spec, token, standby->context());
    }
    Result<Json> rejoin(const driver::Token& token, int64_t milliseconds = 10'000) {
        auto source = standby->driver->prepareSource(standby->spec, standby->application, current->peer(),
                                                     current->slot, standby->context());
        if (!source) return source;
        return current->driver->rejoin(current->spec, current->application, standby->peer(), current->slot, token,
                                       current->context(milliseconds));
    }
    void prepare() {
        SWB_REQUIRE(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
        SWB_REQUIRE(standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context()));
    }
    // A whole switch; `current` and `standby` are swapped after it.
    void switchOver() {
        prepare();
        const auto token = fence();
        SWB_REQUIRE(token);
        SWB_REQUIRE(awaitToken(*token));
        SWB_REQUIRE(promote(*token));
        SWB_REQUIRE(rejoin(*token));
        for (auto* side : {current, standby}) SWB_REQUIRE(side->driver->endSwitch(side->spec, side->context()));
        std::swap(current, standby);
    }

    static Json factsOf(DatabaseSide& side) { return side.driver->inspect(side.spec, nullptr, side.context()); }
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

    std::unique_ptr<RedisWorld> world;
    DatabaseSide* current = nullptr;
    DatabaseSide* standby = nullptr;

  private:
    std::optional<DatabaseSpec> follower_;
};

}  // namespace swb::test
