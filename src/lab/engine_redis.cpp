// Redis in the lab: a server with a password, an append-only file, and a user for the application that may do
// everything but administrate.
#include <fmt/format.h>

#include "base/file.h"
#include "base/ids.h"
#include "crypto/digest.h"
#include "driver/redis/connection.h"
#include "driver/support/program.h"
#include "lab/lab_engine.h"
#include "lab/quote.h"

namespace swb::lab {
namespace {

using driver::redis::Connection;
constexpr Engine self = Engine::redis;

std::string directoryOf(const World& world, const Site& site) {
    return world.databaseDirectory(site, self);
}
std::string dataOf(const World& world, const Site& site) {
    return directoryOf(world, site) + "/data";
}
std::string configurationFileOf(const World& world, const Site& site) {
    return directoryOf(world, site) + "/redis.conf";
}
std::string adminPasswordFileOf(const World& world, const Site& site) {
    return directoryOf(world, site) + "/admin.password";
}
std::string socketOf(const World& world, const Site& site) {
    return world.socketsOf(site) + "/redis.sock";
}

// It says what it has to say on standard output, which the agent keeps.
std::string configuration(const World& world, const Site& site, const Secret& adminPassword) {
    return fmt::format(
        "bind {}\n"
        "port {}\n"
        "dir {}\n"
        "unixsocket {}\n"
        "unixsocketperm 700\n"
        "pidfile {}\n"
        "appendonly yes\n"
        "appendfsync everysec\n"
        "save 3600 1\n"
        "requirepass {}\n"
        "user {} on #{} ~* &* +@all -@admin -@dangerous\n",
        site.address, site.databases.at(self).port, dataOf(world, site), socketOf(world, site),
        dataOf(world, site) + "/redis.pid", adminPassword.reveal(), databaseUser,
        crypto::sha256Hex(world.password.reveal()));
}

Result<Connection> connect(const World& world, const Site& site, MonotonicMs deadline) {
    Connection connection =
        TRY(Connection::open({{}, site.address, site.databases.at(self).port, std::nullopt}, deadline));
    TRY_VOID(connection.logIn(databaseUser, world.password, deadline));
    return connection;
}

class RedisEngine final : public LabEngine {
  public:
    Engine engine() const override { return self; }
    std::string_view title() const override { return "Redis"; }
    std::string_view database() const override { return "recent"; }
    DatabasePorts wantedPorts() const override { return {6379, 6380}; }

    Result<std::string> findPrograms() const override {
        if (const std::string program = driver::findProgram("redis-server"); !program.empty())
            return program.substr(0, program.rfind('/'));
        return fail(ErrorCode::CommandFailed, "Redis is not installed", "install it: scripts/dependencies");
    }

    Result<void> makeServer(const World& world, const Site& site) const override {
        TRY_VOID(makeDirectories(dataOf(world, site)));
        const Secret adminPassword(newSecretToken());
        TRY_VOID(writeFileAtomically(adminPasswordFileOf(world, site), adminPassword.reveal() + "\n", 0600));
        return writeFileAtomically(configurationFileOf(world, site), configuration(world, site, adminPassword), 0600);
    }

    std::string definition(const World& world, const Site& site) const override {
        return fmt::format(
            "  recent:\n"
            "    engine: redis\n"
            "    server: {}\n"
            "    service: {}\n"
            "    address: {}:{}\n"
            "    replication: {}:{}    # TLS, for the other site\n"
            "    user: {}              # its password: swing app secret set {} {}\n",
            site.server, service(world, site), site.address, site.databases.at(self).port, site.address,
            site.databases.at(self).secondPort, databaseUser, site.application, passwordVariable());
    }

    std::string_view replicaPort() const override { return "replication"; }

    std::string service(const World& world, const Site& site) const override {
        return fmt::format("{{manage: direct, data: {}, bin: {}, config: {}, socket: {}}}",
                           yamlWord(dataOf(world, site)), yamlWord(world.programsOf(self)),
                           yamlWord(configurationFileOf(world, site)), yamlWord(socketOf(world, site)));
    }

    JsonObject access(const World& world, const Site& site) const override {
        return JsonObject{{"dsn", fmt::format("redis://{}:{}@{}:{}/0", databaseUser, urlPart(world.password.reveal()),
                                              site.address, site.databases.at(self).port)},
                          {"replicationPort", site.databases.at(self).secondPort},
                          {"user", databaseUser},
                          {"password", world.password.reveal()},
                          {"adminCommand",
                           fmt::format("REDISCLI_AUTH=$(cat {}) redis-cli -s {}",
                                       shellWord(adminPasswordFileOf(world, site)), shellWord(socketOf(world, site)))},
                          {"data", dataOf(world, site)},
                          {"config", configurationFileOf(world, site)},
                          {"socket", socketOf(world, site)}};
    }

    std::string pidFile(const World& world, const Site& site) const override {
        return dataOf(world, site) + "/redis.pid";
    }

    Result<std::string> role(const World& world, const Site& site) const override {
        const MonotonicMs deadline = SystemClock().monotonic() + questionMs;
        Connection connection = TRY(connect(world, site, deadline));
        const auto hello = TRY(connection.call({"HELLO"}, deadline));  // the one command that tells it without a right
        return std::string(hello.valueOf("role").value_or("") == "master" ? "primary" : "replica");
    }

    // The shop's hash of tags, in pages that fit the client's limit.
    Result<TagCounts> tags(const World& world, const Site& site, const std::string& prefix) const override {
        const MonotonicMs deadline = SystemClock().monotonic() + readingMs;
        Connection connection = TRY(connect(world, site, deadline));
        TagCounts counts;
        std::string cursor = "0";
        do {
            const auto page = TRY(connection.call({"HSCAN", "shop:tags", cursor, "COUNT", "5000"}, deadline));
            if (page.list.size() != 2) return fail(ErrorCode::ProtocolViolation, "HSCAN answered no page");
            cursor = page.list[0].text;
            const auto& pairs = page.list[1].list;
            for (size_t i = 0; i + 1 < pairs.size(); i += 2)
                if (pairs[i].text.starts_with(prefix)) counts[pairs[i].text] = std::atoll(pairs[i + 1].text.c_str());
        } while (cursor != "0");
        return counts;
    }
};

}  // namespace

const LabEngine& redisEngine() {
    static const RedisEngine engine;
    return engine;
}

}  // namespace swb::lab
