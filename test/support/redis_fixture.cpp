#include "support/redis_fixture.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "driver/redis/managers.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "model/group.h"
#include "support/postgresql_fixture.h"

namespace swb::test {

namespace redis = driver::redis;

namespace {

constexpr int64_t patienceMs = 10'000;

MonotonicMs inPatience() {
    return SystemClock().monotonic() + patienceMs;
}

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

void give(const std::string& path) {
    const auto user = redisUser();
    if (::geteuid() == 0 && ::chown(path.c_str(), user.uid, user.gid) != 0) std::perror("chown");
}

}  // namespace

driver::OsUser redisUser() {
    return require(::geteuid() == 0 ? driver::osUserByName("redis") : driver::currentOsUser());
}

DatabaseSpec makeRedisServer(const std::string& directory, const std::string& host, const std::string& settings) {
    DatabaseSpec spec;
    spec.name = "cache";
    spec.engine = Engine::redis;
    spec.server = "server";
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
    server.argv = {"redis-server", spec.service.config};
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

RedisWorld::RedisWorld(const std::string& settings) : directory_(makeTestDirectory("redis")) {
    authority_ = require(crypto::createAuthority("test authority", 1));
    makeSide(a_, "shop-fra", "127.0.10.1", settings);
    makeSide(b_, "shop-nyc", "127.0.20.1", settings);
}

void RedisWorld::makeSide(DatabaseSide& side, const std::string& application, const std::string& host,
                          const std::string& settings) {
    const std::string directory = directory_ + "/" + application;
    std::filesystem::create_directories(directory + "/agent");
    side.application = application;
    side.slot = Link::slotFor(application);
    side.stateDirectory = directory + "/agent";
    side.spec = makeRedisServer(directory, host, settings);
    side.restartAgent();
    startRedisServer(side.spec);
}

RedisWorld::~RedisWorld() {
    stopRedisServer(a_.spec, SIGKILL);
    stopRedisServer(b_.spec, SIGKILL);
    if (!std::getenv("SWB_KEEP_TEST_DATA")) (void)driver::removeTree(directory_);
}

void RedisWorld::installCertificates(DatabaseSide& side) {
    const auto authority = require(crypto::CertificateAuthority::load(authority_.certificatePem, authority_.keyPem));
    const auto requests = require(side.driver->certificateRequests(side.spec, side.context()));
    side.verifier = requests.verifier;
    crypto::SignRequest server;
    server.commonName = side.spec.replicationAddress().host;
    server.ipAddresses = {side.spec.replicationAddress().host};
    server.usage = crypto::CertificateUsage::server;
    crypto::SignRequest client;
    client.commonName = "swingbridge_repl";
    client.usage = crypto::CertificateUsage::client;
    require(
        side.driver->installCertificates(side.spec,
                                         {authority_.certificatePem, require(authority.sign(requests.server, server)),
                                          require(authority.sign(requests.client, client))},
                                         side.context()));
}

void RedisWorld::link() {
    installCertificates(a_);
    installCertificates(b_);
    require(a_.driver->prepareSource(a_.spec, a_.application, b_.peer(), b_.slot, a_.context()));
    require(b_.driver->seed(b_.spec, b_.application, a_.peer(), b_.slot, b_.context(60'000)));
    require(b_.driver->prepareSource(b_.spec, b_.application, a_.peer(), "", b_.context()));
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
