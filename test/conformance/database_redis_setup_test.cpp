// Enabling replication of Redis: users, passwords, certificates, the copy, what facts say, and the way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "driver/redis/config_text.h"
#include "driver/redis/credentials.h"
#include "driver/redis/dialect.h"
#include "driver/redis/role_file.h"
#include "driver/support/program.h"
#include "plan/engine_checks.h"
#include "support/redis_traps.h"

namespace swb::test {

namespace redis = driver::redis;

using RedisSetup = RedisTraps;

namespace {

// What the server really writes: the number after the name at the file's beginning.
int64_t snapshotVersionOf(const DatabaseSpec& spec) {
    ask(spec, {"SAVE"});
    const std::string file = readFile(spec.service.data + "/dump.rdb").value_or("");
    return std::atoll(file.substr(std::min(file.find_first_of("0123456789"), file.size()), 4).c_str());
}

// As a server with a password for everybody.
redis::Reply askWithPassword(const DatabaseSpec& spec, const std::string& password, const redis::Command& command) {
    const MonotonicMs deadline = SystemClock().monotonic() + 5000;
    auto connection = redis::Connection::open({spec.service.socket, {}, 0, std::nullopt}, deadline);
    if (!connection || !connection->logIn("", Secret(password), deadline)) return {};
    return connection->callAll({command}, deadline).value()[0];
}

std::string modeOf(const std::string& path) {
    return std::to_string(static_cast<int>(std::filesystem::status(path).permissions()) & 0777);
}

}  // namespace

TEST_F(RedisSetup, TheAgentFindsItsWayInByTheConfigurationAndKeepsAUserOfItsOwn) {
    begin("requirepass \"s3 cret\"\n");
    EXPECT_TRUE(world->insert(*current, "one"));
    switchOver();
    EXPECT_TRUE(world->insert(*current, "two"));
    // Its own user survives a change of that password, a restart and an agent that knows nothing.
    for (auto* side : {current, standby}) {
        askWithPassword(side->spec, "s3 cret", {"CONFIG", "SET", "requirepass", "other"});
        const std::string text = readFile(side->spec.service.config).value();
        EXPECT_TRUE(redis::userRules(text, redis::agentUser));
        EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr(">swing"))) << "a password in clear";
        stopRedisServer(side->spec, SIGTERM);
        side->restartAgent();
        SWB_REQUIRE(side->driver->ensureRunning(side->spec, "", side->context()));
        EXPECT_TRUE(booleanAt(facts(*side), "reachable"));
    }
    EXPECT_TRUE(world->insert(*current, "three"));
}

TEST_F(RedisSetup, UsersAreKeptInTheAclFileWhereThereIsOne) {
    // The fixture's own user line would not go with an ACL file.
    RedisWorld plain;
    for (auto* side : {&plain.a(), &plain.b()}) {
        stopRedisServer(side->spec, SIGKILL);
        const std::string file = side->spec.service.data + "/users.acl";
        const auto user = redisUser();
        SWB_REQUIRE(driver::writeFileAs(
            user, file, "user default on >s3cret ~* &* +@all\nuser shop on >shop-password ~* &* +@all\n", 0600));
        const std::string text = readFile(side->spec.service.config).value();
        SWB_REQUIRE(driver::writeFileAs(user, side->spec.service.config,
                                        redis::withUser(text, "shop", std::nullopt) + "aclfile " + file + "\n", 0640));
        driver::DetachedProgram server;
        server.argv = redisServerCommand(side->spec);
        server.user = user;
        SWB_REQUIRE(driver::spawnDetached(server));
        for (int i = 0; i < 400 && !applicationOf(side->spec, 200); ++i) ::usleep(5000);
    }
    plain.link();
    EXPECT_TRUE(plain.insert(plain.a(), "one"));
    for (auto* side : {&plain.a(), &plain.b()}) {
        const std::string acl = readFile(side->spec.service.data + "/users.acl").value();
        EXPECT_TRUE(redis::userRules(acl, redis::agentUser)) << acl;
        EXPECT_TRUE(redis::userRules(acl, redis::replicationUser)) << acl;
        EXPECT_TRUE(redis::userRules(acl, "shop")) << acl;
        EXPECT_FALSE(redis::userRules(readFile(side->spec.service.config).value(), redis::agentUser));
        // The server takes the file as it is.
        stopRedisServer(side->spec, SIGTERM);
        side->restartAgent();
        SWB_REQUIRE(side->driver->ensureRunning(side->spec, "", side->context()));
    }
    EXPECT_TRUE(plain.insert(plain.a(), "two"));
}

TEST_F(RedisSetup, SecretsAreForNobodyElse) {
    for (const auto* side : {current, standby})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(side->stateDirectory)) {
            if (!entry.is_regular_file() || entry.path().extension() == ".log") continue;
            EXPECT_EQ(static_cast<int>(entry.status().permissions()) & 077, 0)
                << entry.path() << " " << modeOf(entry.path());
        }
    // A source knows its replica's password by a hash alone.
    const std::string users =
        ask(current->spec, {"ACL", "LIST"}).list.empty()
            ? ""
            : redis::userRules(readFile(current->spec.service.config).value(), redis::replicationUser).value()[1];
    EXPECT_EQ(users, "#" + standby->verifier);
    // And lets that user do nothing but replicate.
    for (const redis::Command& command :
         {redis::Command{"GET", "tags"}, {"CONFIG", "GET", "*"}, {"SET", "a", "b"}, {"INFO"}, {"KEYS", "*"}}) {
        redis::Command tried = {"ACL", "DRYRUN", std::string(redis::replicationUser)};
        tried.insert(tried.end(), command.begin(), command.end());
        EXPECT_THAT(ask(current->spec, tried).text, ::testing::HasSubstr("has no permissions")) << command[0];
    }
}

TEST_F(RedisSetup, APortForTlsOfItsOwnIsAskedFor) {
    RedisWorld plain;
    plain.a().spec.replication.reset();
    const auto requests = plain.a().driver->certificateRequests(plain.a().spec, plain.a().context());
    SWB_REQUIRE(requests);
    EXPECT_EQ(requests->verifier.size(), 64U);
    // The same again: keys and passwords are made once.
    EXPECT_EQ(plain.a().driver->certificateRequests(plain.a().spec, plain.a().context())->verifier, requests->verifier);
    const auto authority = crypto::createAuthority("test", 1).value();
    const auto signer = crypto::CertificateAuthority::load(authority.certificatePem, authority.keyPem).value();
    crypto::SignRequest server, client;
    server.commonName = plain.a().spec.address.host;
    server.usage = crypto::CertificateUsage::server;
    client.commonName = "swingbridge_repl";
    client.usage = crypto::CertificateUsage::client;
    const auto refused =
        plain.a().driver->installCertificates(plain.a().spec,
                                              {authority.certificatePem, signer.sign(requests->server, server).value(),
                                               signer.sign(requests->client, client).value()},
                                              plain.a().context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidDefinition);
    EXPECT_THAT(refused.error().hint, ::testing::HasSubstr("replication: HOST:PORT"));
}

TEST_F(RedisSetup, NewCertificatesAreTakenUpWithoutARestart) {
    const auto pid = redisPid(current->spec);
    for (auto* side : {current, standby}) world->installCertificates(*side);
    for (auto* side : {current, standby})
        SWB_REQUIRE(
            side->driver->testSource(side->spec, (side == current ? standby : current)->peer(), side->context()));
    ask(current->spec, {"CLIENT", "KILL", "TYPE", "replica"});
    EXPECT_TRUE(world->insert(*current, "after"));
    expectSame({"after"});
    EXPECT_EQ(redisPid(current->spec), pid);
}

TEST_F(RedisSetup, FactsSayWhatChecksAsk) {
    ASSERT_TRUE(world->insert(*current, "one"));
    expectSame({"one"});
    const driver::Peer peer = current->peer();
    const Json replica = standby->driver->inspect(standby->spec, &peer, standby->context());
    EXPECT_EQ(textAt(replica, "engine"), nameOf(redisEngine()));
    EXPECT_EQ(textAt(replica, "role"), "replica");
    EXPECT_EQ(textAt(replica, "receiverStatus"), "streaming");
    EXPECT_EQ(textAt(replica, "receiverSlot"), standby->slot);
    EXPECT_EQ(textAt(replica, "primaryHost"), peer.host);
    EXPECT_EQ(integerAt(replica, "primaryPort"), peer.port);
    EXPECT_TRUE(booleanAt(replica, "canConnectToPeer")) << toText(replica);
    EXPECT_FALSE(booleanAt(replica, "fenced", true));
    const double start = preciseMs();
    const Json source = facts(*current);
    EXPECT_LT(preciseMs() - start, 100) << "inspection is for every second";
    EXPECT_EQ(textAt(source, "systemId"), textAt(replica, "systemId"));
    EXPECT_EQ(textAt(source, "role"), "primary");
    // Both name a place in the same history.
    EXPECT_EQ(textAt(source, "position").substr(0, 41), textAt(replica, "systemId") + ":");
    EXPECT_EQ(textAt(replica, "position").substr(0, 41), textAt(replica, "systemId") + ":");
    const auto release = redis::releaseOf(redis::Info::parse(ask(current->spec, {"INFO", "server"}).text));
    EXPECT_EQ(integerAt(source, "majorVersion"), release.major);
    EXPECT_EQ(integerAt(source, "rdbVersion"), snapshotVersionOf(current->spec));
    EXPECT_EQ(textAt(source, "failoverState"), "no-failover");
    EXPECT_EQ(textAt(source, "sentinelOrCluster"), "");
    EXPECT_GE(integerAt(source, "backlogBytes"), 64 << 20);
    ASSERT_EQ(memberAt(source, "replicas")->as_array().size(), 1U);
    const Json& listed = memberAt(source, "replicas")->as_array()[0];
    EXPECT_EQ(textAt(listed, "application"), standby->slot);
    EXPECT_EQ(textAt(listed, "state"), "streaming");
    EXPECT_EQ(textAt(*memberAt(source, "settings"), "repl-backlog-ttl"), "0");
    EXPECT_TRUE(booleanAt(*memberAt(source, "persistence"), "rdb"));
    // Down: what is known from before.
    stopRedisServer(current->spec, SIGTERM);
    const Json stopped = facts(*current);
    EXPECT_EQ(textAt(stopped, "role"), "stopped");
    EXPECT_FALSE(booleanAt(stopped, "running", true));
    EXPECT_TRUE(booleanAt(stopped, "fenced"));
    EXPECT_EQ(textAt(stopped, "systemId"), textAt(source, "systemId"));
    DatabaseSpec nothing = current->spec;
    nothing.service.data += "/absent";
    EXPECT_EQ(textAt(current->driver->inspect(nothing, nullptr, current->context()), "role"), "stopped");
}

TEST_F(RedisSetup, ReadinessLooksAtWhatIsKeptForASlowReplica) {
    const auto verdict = [&] {
        plan::CheckList list(1);
        plan::checksOf(Engine::redis).leaving(list, "shop-fra/main", facts(*current));
        for (const plan::Check& check : list.take().checks)
            if (check.name == "output-buffer") return check.verdict;
        ADD_FAILURE() << "it is not checked";
        return plan::Verdict::refused;
    };
    const auto set = [&](const std::string& limit) {
        const auto reply = ask(current->spec, {"CONFIG", "SET", "client-output-buffer-limit", limit});
        ASSERT_EQ(reply.text, "OK") << limit;
    };
    EXPECT_EQ(verdict(), plan::Verdict::ok) << "as Redis comes";
    for (const char* limit : {"replica 0 0 0", "replica 1mb 0 0", "slave 0 1mb 60"}) {
        set(limit);
        EXPECT_EQ(verdict(), plan::Verdict::warning) << limit;
    }
    set("replica 256mb 64mb 60");
    EXPECT_EQ(verdict(), plan::Verdict::ok);
}

// Somebody's Sentinel would promote whom it likes.
TEST_F(RedisSetup, ASentinelIsSeenAndRefused) {
    auto watcher = adminOf(current->spec);
    SWB_REQUIRE(watcher.call({"SUBSCRIBE", "__sentinel__:hello"}, SystemClock().monotonic() + 2000));
    EXPECT_EQ(textAt(facts(*current), "sentinelOrCluster"), "sentinel");
    const auto refused = current->driver->prepareSource(current->spec, current->application, standby->peer(),
                                                        standby->slot, current->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
}

TEST_F(RedisSetup, AReleaseEndsTheLinkAndFreesTheSource) {
    const auto released = current->driver->releaseSource(current->spec, {standby->slot}, current->context());
    SWB_REQUIRE(released);
    EXPECT_EQ(memberAt(*released, "dropped")->as_array().size(), 1U);
    SWB_REQUIRE(current->driver->releaseSource(current->spec, {standby->slot}, current->context()));
    EXPECT_FALSE(standby->driver->testSource(standby->spec, current->peer(), standby->context(2000)));
    awaitInfo(current->spec, "connected_slaves", "0");
    // Nobody replicates from it: it may start as a primary, empty or not.
    stopRedisServer(current->spec, SIGKILL);
    startRedisServer(current->spec);
    EXPECT_EQ(infoOf(current->spec, "role"), "master");
    EXPECT_TRUE(world->insert(*current, "alone"));
    SWB_REQUIRE(standby->driver->promoteStandalone(standby->spec, true, standby->context()));
    EXPECT_TRUE(world->insert(*standby, "alone-too"));
    // And linked again.
    world->link();
    expectSame({"alone"});
    EXPECT_EQ(snapshotsOf(*standby).size(), 1U) << "what only the other side had is put aside";
}

TEST_F(RedisSetup, AStandalonePromotionWantsAllThatWasReceived) {
    ASSERT_TRUE(world->insert(*current, "one"));
    expectSame({"one"});
    stopRedisServer(current->spec, SIGKILL);
    awaitInfo(standby->spec, "master_link_status", "down");
    const auto refused = standby->driver->promoteStandalone(standby->spec, false, standby->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
    const auto promoted = standby->driver->promoteStandalone(standby->spec, true, standby->context());
    SWB_REQUIRE(promoted);
    EXPECT_EQ(textAt(*promoted, "role"), "primary");
    EXPECT_TRUE(world->insert(*standby, "two"));
    // Nothing of the former primary comes back by itself.
    startRedisServer(current->spec);
    ::usleep(1'300'000);
    EXPECT_EQ(infoOf(current->spec, "master_host"), redis::nowhereHost);
    EXPECT_FALSE(world->insert(*current, "never"));
}

TEST_F(RedisSetup, TheWriteTestIsTheApplicationsOwn) {
    SWB_REQUIRE(current->driver->writeTest(current->spec, Secret("shop-password"), current->context(2000)));
    EXPECT_EQ(ask(current->spec, {"DBSIZE"}).integer, 0);
    EXPECT_FALSE(current->driver->writeTest(current->spec, Secret("wrong"), current->context(2000)));
    EXPECT_FALSE(standby->driver->writeTest(standby->spec, Secret("shop-password"), standby->context(2000)));
    ask(current->spec, {"ACL", "SETUSER", "shop", "resetkeys", "~shop:*"});
    const auto refused = current->driver->writeTest(current->spec, Secret("shop-password"), current->context(2000));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().hint, ::testing::HasSubstr("~swingbridge:*"));
    ask(current->spec, {"ACL", "SETUSER", "shop", "~swingbridge:*"});
    SWB_REQUIRE(current->driver->writeTest(current->spec, Secret("shop-password"), current->context(2000)));
    SWB_REQUIRE(fence());
    EXPECT_FALSE(current->driver->writeTest(current->spec, Secret("shop-password"), current->context(500)));
}

// A seed that is killed goes on in the server; the next call finds it.
TEST_F(RedisSetup, ASeedIsRepeatable) {
    ask(current->spec, {"EVAL", "for i = 1, 20000 do redis.call('SET', 'key:' .. i, string.rep('x', 500)) end", "0"});
    for (int round = 0; round < 3; ++round) {
        ask(standby->spec, {"REPLICAOF", "NO", "ONE"});
        ask(standby->spec, {"SADD", "tags", "only-here-" + std::to_string(round)});
        const auto seedOnce = [&] {
            return standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                         standby->context(20'000));
        };
        const pid_t child = ::fork();
        if (child == 0) {
            (void)seedOnce();
            ::_exit(0);
        }
        ::usleep(20'000 + 60'000 * round);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        standby->restartAgent();
        SWB_REQUIRE(seedOnce());
        EXPECT_EQ(ask(standby->spec, {"DBSIZE"}).integer, 20000);
        SWB_REQUIRE(seedOnce());
    }
    EXPECT_EQ(infoOf(standby->spec, "role"), "slave");
}

TEST_F(RedisSetup, StopAndStartByTheAgent) {
    std::set<std::string> all;
    // More than once: each start as a primary is a new history, which the next start must know.
    for (const std::string tag : {"one", "two", "three"}) {
        ASSERT_TRUE(world->insert(*current, tag));
        all.insert(tag);
        expectSame(all);
        for (auto* side : {standby, current}) {
            for (int time = 0; time < 2; ++time) SWB_REQUIRE(side->driver->stop(side->spec, side->context()));
            EXPECT_FALSE(redisPid(side->spec));
        }
        for (auto* side : {standby, current}) {
            const auto started = side->driver->ensureRunning(side->spec, "", side->context());
            SWB_REQUIRE(started);
            EXPECT_TRUE(booleanAt(*started, "started"));
            EXPECT_EQ(textAt(*started, "role"), side == current ? "primary" : "replica");
        }
    }
}

// Prepared as a source, and nobody has replicated from it yet: its snapshots name no place, and it may start.
TEST_F(RedisSetup, ASourceWithoutAReplicaYetMayBeRestarted) {
    RedisWorld fresh;
    for (auto* side : {&fresh.a(), &fresh.b()}) fresh.installCertificates(*side);
    ASSERT_TRUE(fresh.insert(fresh.a(), "one"));
    SWB_REQUIRE(fresh.a().driver->prepareSource(fresh.a().spec, fresh.a().application, fresh.b().peer(), fresh.b().slot,
                                                fresh.a().context()));
    (void)facts(fresh.a());
    SWB_REQUIRE(fresh.a().driver->stop(fresh.a().spec, fresh.a().context()));
    SWB_REQUIRE(fresh.a().driver->ensureRunning(fresh.a().spec, "", fresh.a().context()));
    EXPECT_EQ(fresh.tags(fresh.a()), std::set<std::string>{"one"});
    EXPECT_TRUE(fresh.insert(fresh.a(), "two"));
}

}  // namespace swb::test
