// Two real database servers at two pretended sites, for tests of drivers and of everything above them. What a test
// needs to know of an engine is behind this interface; the servers live in a temporary directory and end with the
// object.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "driver/database_driver.h"

// Evaluates its argument once: asking again may well succeed.
#define SWB_REQUIRE(result)                                        \
    do {                                                           \
        const auto& swbRequired = (result);                        \
        ASSERT_TRUE(swbRequired) << describe(swbRequired.error()); \
    } while (false)

namespace swb::test {

struct DatabaseSide {
    std::string application;  // shop-fra
    std::string slot;         // slot name of this side's application: what the *other* side keeps for it
    DatabaseSpec spec;
    std::string stateDirectory;
    std::unique_ptr<driver::DatabaseDriver> driver;  // as the agent of this side would have

    std::string verifier;  // of this side's replication user, for engines that have one

    driver::Peer peer() const {
        return {application, spec.replicationAddress().host, spec.replicationAddress().port, verifier};
    }
    driver::Context context(int64_t milliseconds = 20'000) const;
    // A driver that knows nothing yet, as after the agent's restart.
    void restartAgent();
};

class DatabaseWorld {
  public:
    virtual ~DatabaseWorld() = default;
    virtual DatabaseSide& a() = 0;
    virtual DatabaseSide& b() = 0;
    // Certificates on both sides, sources prepared both ways, b seeded from a. Aborts the test on failure.
    virtual void link() = 0;
    // One committed row as the application's user; false when the server did not acknowledge it.
    virtual bool insert(DatabaseSide& side, const std::string& tag) = 0;
    virtual std::set<std::string> tags(DatabaseSide& side) = 0;
    // The token as it would be had more been written before the fence; and had it been of another origin.
    virtual Json laterToken(const Json& token) = 0;
    virtual Json foreignToken(const Json& token) = 0;
};

}  // namespace swb::test
