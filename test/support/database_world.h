// Two real database servers at two pretended sites, for tests of drivers and of everything above them. What a test
// needs to know of an engine is behind this interface; the servers live in a temporary directory and end with the
// object.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "driver/database_driver.h"
#include "driver/support/os_user.h"

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
        return {application, spec.replicationAddress().host, spec.replicationAddress().port, verifier, spec.copy};
    }
    driver::Context context(int64_t milliseconds = 20'000) const;
    // A driver that knows nothing yet, as after the agent's restart.
    void restartAgent();
};

// Tests cannot go on without their servers.
template <typename T>
T require(Result<T> result) {
    if (!result) {
        ADD_FAILURE() << describe(result.error());
        std::fprintf(stderr, "test set-up failed: %s\n", describe(result.error()).c_str());
        std::abort();
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class DatabaseWorld {
  public:
    virtual ~DatabaseWorld() = default;
    DatabaseSide& a() { return a_; }
    DatabaseSide& b() { return b_; }
    // Another server, not linked to anything.
    DatabaseSide& addSide(const std::string& application, const std::string& host);
    // lifetimeSeconds 0: long enough.
    void installCertificates(DatabaseSide& side, int64_t lifetimeSeconds = 0);
    // Certificates on both sides, sources prepared both ways, b seeded from a. Aborts the test on failure.
    void link();
    const std::string& directory() const { return directory_; }

    // One committed row as the application's user; false when the server did not acknowledge it.
    virtual bool insert(DatabaseSide& side, const std::string& tag) = 0;
    virtual std::set<std::string> tags(DatabaseSide& side) = 0;
    // The token as it would be had more been written before the fence; and had it been of another origin.
    virtual Json laterToken(const Json& token) = 0;
    virtual Json foreignToken(const Json& token) = 0;

  protected:
    explicit DatabaseWorld(const std::string& kind);  // in the directory's name
    // For the constructor and the destructor of a world: they need its servers.
    void makeSides(const std::string& settings);
    void endSides();
    // A running server with its files below the directory; ends it the hard way.
    virtual DatabaseSpec makeServer(const std::string& directory, const std::string& host,
                                    const std::string& settings) = 0;
    virtual void killServer(const DatabaseSpec& spec) = 0;

  private:
    void makeSide(DatabaseSide& side, const std::string& application, const std::string& host,
                  const std::string& settings);

    const std::string directory_;
    const crypto::KeyAndCertificate authority_;
    DatabaseSide a_, b_;
    std::vector<std::unique_ptr<DatabaseSide>> further_;
};

// A directory below TMPDIR that the servers' user may walk through.
std::string makeTestDirectory(const std::string& name);
uint16_t freePort(const std::string& address);
// Gives a file of a test run by root to the servers' user.
void giveTo(const driver::OsUser& user, const std::string& path);

}  // namespace swb::test
