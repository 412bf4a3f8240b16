// What the tests of every engine's traps share: a linked world of that engine, and the acts of a switch in one word
// each.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "support/database_world.h"

namespace swb::test {

template <typename World>
class DatabaseTraps : public ::testing::Test {
  protected:
    void SetUp() override { begin({}); }
    void begin(const std::string& settings) {
        world.reset();
        world = std::make_unique<World>(settings);
        linkSides();
    }
    void linkSides() {
        world->link();
        current = &world->a();
        standby = &world->b();
    }

    Result<driver::Token> fence(int64_t milliseconds = 10'000, int64_t epoch = 2) {
        return current->driver->fence(current->spec, epoch, current->context(milliseconds));
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
    Result<Json> prepareReplica(int64_t milliseconds = 5000) {
        return standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20,
                                                     standby->context(milliseconds));
    }
    void prepare() {
        SWB_REQUIRE(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
        SWB_REQUIRE(prepareReplica(20'000));
    }
    // A whole switch; `current` and `standby` are swapped after it.
    void switchOver(int64_t epoch = 2) {
        prepare();
        const auto token = fence(10'000, epoch);
        SWB_REQUIRE(token);
        SWB_REQUIRE(awaitToken(*token));
        SWB_REQUIRE(promote(*token));
        SWB_REQUIRE(rejoin(*token));
        for (auto* side : {current, standby}) SWB_REQUIRE(side->driver->endSwitch(side->spec, side->context()));
        std::swap(current, standby);
    }
    Result<Json> ensureRunning(const std::string& guardRole) {
        return current->driver->ensureRunning(current->spec, guardRole, current->context());
    }
    static Json facts(DatabaseSide& side, const driver::Peer* peer = nullptr) {
        return side.driver->inspect(side.spec, peer, side.context());
    }

    std::unique_ptr<World> world;
    DatabaseSide* current = nullptr;
    DatabaseSide* standby = nullptr;
};

}  // namespace swb::test
