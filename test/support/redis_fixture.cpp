#include "support/redis_fixture.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "driver/redis/dialect.h"
#include "driver/redis/managers.h"
#include "driver/support/files.h"
#include "driver/support/program.h"

namespace swb::test {

namespace redis = driver::redis;

namespace {

constexpr int64_t patienceMs = 10'000;

MonotonicMs inPatience() {
    return SystemClock().monotonic() + patienceMs;
}

void give(const std::string& path) {
    giveTo(redisUser(), path);
}

}  // namespace

std::string redisPrograms() {
    const char* named = std::getenv("SWB_REDIS_PROGRAMS");
    return named ? named : "";
}

Engine redisEngine() {
    const std::string directory = redisPrograms();
    const bool valkeyOnly = fileExists(directory + "/valkey-server") && !fileExists(directory + "/redis-server");
    return valkeyOnly ? Engine::valkey : Engine::redis;
}

std::vector<std::string> redisServerCommand(const DatabaseSpec& spec) {
    const std::string program = redis::serverProgram(spec.engine);
    return {spec.service.bin.empty() ? program : spec.service.bin + "/" + program, spec.service.config};
}

driver::OsUser redisUser() {
    return require(::geteuid() == 0 ? driver::osUserByName("redis") : driver::currentOsUser());
}

DatabaseSpec makeRedisServer(const std::string& directory, const std::string& host, const std::string& settings) {
    DatabaseSpec spec;
    spec.name = "cache";
    spec.engine = redisEngine();
    spec.server = "server";
    spec.service.bin = redisPrograms();
    spec.service.data = directory + "/data";
    spec.service.config = spec.service.data + "/redis.conf";
    spec.service.socket = spec.service.data + "/socket";
    spec.address = {host, freePort(host)};
    spec.replication = HostPort{host, freePort(host)};
    spec.user = "shop";
    std::filesystem::create_directory(spec.service.data);
    give(spec.service.data);
    const std::string configuration =
        "port " + std::to_string(spec.address.port) + "\nbind " + host + "\ndir " + spec.service.data +
        "\nunixsocket " + spec.service.socket + "\nunixsocketperm 700\nprotected-mode no\nlogfile " + directory +
        "/data/server.log\nsave 3600 1\nrepl-diskless-sync-delay 0\nuser shop on >shop-password ~* &* +@all -@admin "
        "-@dangerous\n" +
        settings;
    require(driver::writeFileAs(redisUser(), spec.service.config, configuration, 0640));
    return spec;
}

void startRedisServer(const DatabaseSpec& spec) {
    driver::DetachedProgram server;
    server.argv = redisServerCommand(spec);
    server.user = redisUser();
    server.directory = spec.service.data;
    require(driver::spawnDetached(server));
    if (!awaitRedis(spec)) std::abort();
}

bool awaitRedis(const DatabaseSpec& spec) {
    const MonotonicMs deadline = inPatience();
    while (SystemClock().monotonic() < deadline) {
        auto connection = redis::Connection::open({spec.service.socket, {}, 0, std::nullopt}, deadline);
        if (connection) {
            // One that wants a password answers as well.
            const auto replies = connection->callAll({{"PING"}}, deadline);
            if (replies && (*replies)[0].errorName() != "LOADING") return true;
        }
        ::usleep(5000);
    }
    return false;
}

std::optional<int> redisPid(const DatabaseSpec& spec) {
    const auto process = redis::findServer(spec.service.data);
    return process ? std::optional<int>(process->pid) : std::nullopt;
}

void stopRedisServer(const DatabaseSpec& spec, int signalNumber) {
    const auto process = redis::findServer(spec.service.data);
    if (!process) return;
    driver::sendSignal(*process, signalNumber);
    if (!driver::awaitExit(*process, SystemClock().monotonic() + 7000)) driver::sendSignal(*process, SIGKILL);
    (void)driver::awaitExit(*process, SystemClock().monotonic() + 2000);
}

redis::Connection adminOf(const DatabaseSpec& spec) {
    return require(redis::Connection::open({spec.service.socket, {}, 0, std::nullopt}, inPatience()));
}

redis::Reply ask(const DatabaseSpec& spec, const redis::Command& command) {
    auto connection = adminOf(spec);
    return require(connection.callAll({command}, inPatience()))[0];
}

std::string infoOf(const DatabaseSpec& spec, const std::string& name) {
    return redis::Info::parse(ask(spec, {"INFO", "default"}).text).text(name);
}

std::optional<redis::Connection> applicationOf(const DatabaseSpec& spec, int64_t milliseconds) {
    const MonotonicMs deadline = SystemClock().monotonic() + milliseconds;
    auto connection = redis::Connection::open({{}, spec.address.host, spec.address.port, std::nullopt}, deadline);
    if (!connection || !connection->logIn("shop", Secret("shop-password"), deadline)) return std::nullopt;
    return std::move(*connection);
}

RedisWorld::RedisWorld(const std::string& settings) : DatabaseWorld("redis") {
    makeSides(settings);
}

RedisWorld::~RedisWorld() {
    endSides();
}

DatabaseSpec RedisWorld::makeServer(const std::string& directory, const std::string& host,
                                    const std::string& settings) {
    DatabaseSpec spec = makeRedisServer(directory, host, settings);
    startRedisServer(spec);
    return spec;
}

bool RedisWorld::insert(DatabaseSide& side, const std::string& tag) {
    const MonotonicMs deadline = SystemClock().monotonic() + 2000;
    auto connection = applicationOf(side.spec);
    if (!connection) return false;
    const auto answer = connection->callAll({{"SADD", "tags", tag}}, deadline);
    return answer && (*answer)[0].kind == redis::Reply::Kind::integer;
}

std::set<std::string> RedisWorld::tags(DatabaseSide& side) {
    std::set<std::string> tags;
    const driver::redis::Reply reply = ask(side.spec, {"SMEMBERS", "tags"});
    for (const auto& member : reply.list) tags.insert(member.text);
    return tags;
}

Json RedisWorld::laterToken(const Json& token) {
    const std::string end = textAt(token, "end");
    const size_t offset = end.rfind(':') + 1;
    Json later = token;
    later.as_object()["end"] = end.substr(0, offset) + std::to_string(std::stoull(end.substr(offset)) + 1000);
    return later;
}

Json RedisWorld::foreignToken(const Json& token) {
    const std::string replid(40, 'a'), end = textAt(token, "end");
    Json foreign = token;
    foreign.as_object()["identity"] = replid;
    foreign.as_object()["end"] = replid + end.substr(end.rfind(':'));
    return foreign;
}

}  // namespace swb::test
