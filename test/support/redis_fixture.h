// Redis for tests: single servers, and a world of two with TLS (database_world.h). As root the servers run as the user
// redis. Set SWB_KEEP_TEST_DATA to look at a failed test's directories afterwards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "driver/redis/connection.h"
#include "driver/support/os_user.h"
#include "support/database_world.h"

namespace swb::test {

// Directory with the server's program, from SWB_REDIS_PROGRAMS; empty: the installed Redis. A directory with
// valkey-server and no redis-server makes the engine Valkey.
std::string redisPrograms();
Engine redisEngine();
std::vector<std::string> redisServerCommand(const DatabaseSpec& spec);
driver::OsUser redisUser();

// A directory with a configuration of its own, not started. `settings` is appended to redis.conf. The application's
// user is "shop" with the password "shop-password", permitted everything but administration.
DatabaseSpec makeRedisServer(const std::string& directory, const std::string& host, const std::string& settings);
// As an administrator's script would start it, not the agent.
void startRedisServer(const DatabaseSpec& spec);
void stopRedisServer(const DatabaseSpec& spec, int signalNumber);
std::optional<int> redisPid(const DatabaseSpec& spec);
bool awaitRedis(const DatabaseSpec& spec);

// As the administrator (the user default, without a password) on the unix socket. Aborts the test when it cannot.
driver::redis::Connection adminOf(const DatabaseSpec& spec);
driver::redis::Reply ask(const DatabaseSpec& spec, const driver::redis::Command& command);
std::string infoOf(const DatabaseSpec& spec, const std::string& name);
// As the application over TCP; nothing when it cannot.
std::optional<driver::redis::Connection> applicationOf(const DatabaseSpec& spec, int64_t milliseconds = 2000);

class RedisWorld final : public DatabaseWorld {
  public:
    explicit RedisWorld(const std::string& settings = {});
    ~RedisWorld() override;
    bool insert(DatabaseSide& side, const std::string& tag) override;
    std::set<std::string> tags(DatabaseSide& side) override;
    Json laterToken(const Json& token) override;
    Json foreignToken(const Json& token) override;

  private:
    DatabaseSpec makeServer(const std::string& directory, const std::string& host,
                            const std::string& settings) override;
    void killServer(const DatabaseSpec& spec) override { stopRedisServer(spec, SIGKILL); }
};

}  // namespace swb::test
