// Redis' own traps (each has cost somebody data), on real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/ids.h"
#include "driver/redis/config_text.h"
#include "driver/redis/role_file.h"
#include "driver/redis/server_state.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "support/redis_traps.h"

namespace swb::test {

namespace redis = driver::redis;
using driver::Token;

// "Restarted by somebody": not by the agent, with the server's own configuration file.
TEST_F(RedisTraps, AFencedPrimaryThatIsRestartedStaysFenced) {
    for (const int how : {SIGTERM, SIGKILL}) {
        begin({});
        ASSERT_TRUE(world->insert(*current, "before"));
        ask(current->spec, {"SAVE"});
        expectSame({"before"});
        const auto token = fence();
        SWB_REQUIRE(token);
        stopRedisServer(current->spec, how);
        startRedisServer(current->spec);
        EXPECT_EQ(infoOf(current->spec, "role"), "slave");
        EXPECT_FALSE(world->insert(*current, "never"));
        current->restartAgent();
        const Json seen = facts(*current);
        EXPECT_TRUE(booleanAt(seen, "fenced")) << toText(seen);
        // The supervisor's look changes nothing, whatever the guard says.
        for (const char* guard : {"replica", "primary"})
            SWB_REQUIRE(current->driver->ensureRunning(current->spec, guard, current->context()));
        EXPECT_FALSE(world->insert(*current, "never"));
        const auto again = fence();
        SWB_REQUIRE(again);
        EXPECT_EQ(toText(again->proof), toText(token->proof));
        SWB_REQUIRE(awaitToken(*token));
        SWB_REQUIRE(promote(*token));
        const auto rejoined = rejoin(*token);
        SWB_REQUIRE(rejoined);
        // Both ways the snapshot names a place in the common history: only what is missing is copied.
        EXPECT_FALSE(booleanAt(*rejoined, "fullSync", true)) << toText(*rejoined);
        EXPECT_TRUE(world->insert(*standby, "after"));
        expectSame({"before", "after"});
    }
}

// Right after its promotion, before anybody prepared it as a source.
TEST_F(RedisTraps, APromotedServerThatRestartsDoesNotFollowTheFencedOne) {
    ASSERT_TRUE(world->insert(*current, "before"));
    expectSame({"before"});
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    ASSERT_TRUE(world->insert(*standby, "acknowledged"));
    stopRedisServer(standby->spec, SIGTERM);
    startRedisServer(standby->spec);
    EXPECT_EQ(infoOf(standby->spec, "master_host"), redis::nowhereHost);
    SWB_REQUIRE(standby->driver->ensureRunning(standby->spec, "primary", standby->context()));
    EXPECT_EQ(world->tags(*standby), (std::set<std::string>{"before", "acknowledged"}));
    EXPECT_TRUE(world->insert(*standby, "more"));
    SWB_REQUIRE(rejoin(*token));
    expectSame({"before", "acknowledged", "more"});
}

TEST_F(RedisTraps, APromotedServerThatLosesItsDataAtOnceIsNotOpened) {
    begin("save \"\"\n");
    ASSERT_TRUE(world->insert(*current, "before"));
    expectSame({"before"});
    switchOver();
    stopRedisServer(current->spec, SIGKILL);
    const auto refused = current->driver->ensureRunning(current->spec, "primary", current->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
    ::usleep(1'200'000);
    EXPECT_EQ(world->tags(*standby), std::set<std::string>{"before"});
}

TEST_F(RedisTraps, UnfenceAfterARestartOpensOnlyWhatCameBackWhole) {
    ASSERT_TRUE(world->insert(*current, "first"));
    SWB_REQUIRE(fence());
    stopRedisServer(current->spec, SIGTERM);
    SWB_REQUIRE(unfence());
    EXPECT_TRUE(world->insert(*current, "second"));
    expectSame({"first", "second"});
    // Killed: the snapshot is older than the fence. Its replica has what is missing.
    SWB_REQUIRE(fence());
    stopRedisServer(current->spec, SIGKILL);
    const auto refused = unfence();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady) << describe(refused.error());
    EXPECT_FALSE(world->insert(*current, "never"));
    ::usleep(1'500'000);
    EXPECT_EQ(world->tags(*standby), (std::set<std::string>{"first", "second"}));
    // A person may decide otherwise.
    SWB_REQUIRE(current->driver->promoteStandalone(current->spec, true, current->context()));
    EXPECT_TRUE(world->insert(*current, "third"));
}

// A primary without persistence comes back empty; its replica would copy that within a second.
TEST_F(RedisTraps, AnEmptyRestartDoesNotWipeTheReplica) {
    begin("save \"\"\n");
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(world->insert(*current, "tag" + std::to_string(i)));
    const auto before = world->tags(*current);
    expectSame(before);
    (void)facts(*current);
    stopRedisServer(current->spec, SIGKILL);
    startRedisServer(current->spec);
    ::usleep(2'500'000);
    EXPECT_EQ(world->tags(*standby), before);
    EXPECT_FALSE(world->insert(*current, "never"));
    for (const char* guard : {"primary", ""}) {
        const auto refused = current->driver->ensureRunning(current->spec, guard, current->context());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
    }
    const auto lagging = standby->driver->promoteStandalone(standby->spec, false, standby->context());
    ASSERT_FALSE(lagging);
    SWB_REQUIRE(standby->driver->promoteStandalone(standby->spec, true, standby->context()));
    EXPECT_TRUE(world->insert(*standby, "goes-on"));
    EXPECT_EQ(world->tags(*standby).size(), before.size() + 1);
}

TEST_F(RedisTraps, APrimaryWhoseDataCameBackIsPromotedByTheAgentAndItsReplicaGoesOn) {
    ASSERT_TRUE(world->insert(*current, "kept"));
    expectSame({"kept"});
    (void)facts(*current);
    const std::string full = infoOf(standby->spec, "sync_full");
    stopRedisServer(current->spec, SIGTERM);
    const auto running = current->driver->ensureRunning(current->spec, "primary", current->context());
    SWB_REQUIRE(running);
    EXPECT_EQ(textAt(*running, "role"), "primary");
    EXPECT_TRUE(world->insert(*current, "more"));
    expectSame({"kept", "more"});
    EXPECT_EQ(infoOf(current->spec, "sync_full"), "0") << "the replica took everything again";
    EXPECT_EQ(infoOf(standby->spec, "sync_full"), full);
}

TEST_F(RedisTraps, ABootGuardThatSaysReplicaHoldsAPrimary) {
    const auto held = current->driver->ensureRunning(current->spec, "replica", current->context());
    SWB_REQUIRE(held);
    EXPECT_EQ(textAt(*held, "role"), "fenced");
    EXPECT_FALSE(world->insert(*current, "never"));
    EXPECT_TRUE(booleanAt(facts(*current), "fenced"));
    current->restartAgent();
    SWB_REQUIRE(current->driver->ensureRunning(current->spec, "replica", current->context()));
    EXPECT_FALSE(world->insert(*current, "never"));
    SWB_REQUIRE(unfence());
    EXPECT_TRUE(world->insert(*current, "again"));
    EXPECT_FALSE(booleanAt(facts(*current), "fenced"));
    EXPECT_EQ(textAt(facts(*current), "role"), "primary");
}

// A replica more, and PINGs that would move the offset: the token must still be the end long after.
TEST_F(RedisTraps, AnotherReplicaDuringTheFenceDoesNotMoveTheEnd) {
    ask(current->spec, {"CONFIG", "SET", "repl-ping-replica-period", "1"});
    ASSERT_TRUE(world->insert(*current, "one"));
    prepare();
    const auto token = fence();
    SWB_REQUIRE(token);
    const auto other = makeFollower();
    ::usleep(2'500'000);
    EXPECT_EQ(infoOf(current->spec, "master_repl_offset"),
              textAt(token->proof, "end").substr(textAt(token->proof, "end").find(':') + 1));
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    const auto rejoined = rejoin(*token);
    SWB_REQUIRE(rejoined);
    EXPECT_FALSE(booleanAt(*rejoined, "fullSync", true));
    EXPECT_EQ(textAt(ask(current->spec, {"CONFIG", "GET", "repl-ping-replica-period"})), "1");
    stopRedisServer(other, SIGKILL);
}

TEST_F(RedisTraps, AnotherHistoryIsNeverPromoted) {
    ASSERT_TRUE(world->insert(*current, "one"));
    const auto token = fence();
    SWB_REQUIRE(token);
    const auto end = redis::parsePosition(textAt(token->proof, "end")).value();
    const redis::Position others[] = {{std::string(40, 'a'), end.offset}, {end.id, end.offset - 1}};
    for (const auto& wrong : others) {
        Token other = *token;
        other.proof.as_object()["end"] = wrong.text();
        for (const auto& refused : {awaitToken(other), promote(other)}) {
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch) << describe(refused.error());
        }
    }
    Token later = *token;
    later.proof.as_object()["end"] = redis::Position{end.id, end.offset + 5}.text();
    EXPECT_EQ(awaitToken(later, 300).error().code, ErrorCode::TokenNotReached);
    EXPECT_EQ(promote(later).error().code, ErrorCode::TokenNotReached);
    EXPECT_EQ(infoOf(standby->spec, "role"), "slave");
    SWB_REQUIRE(unfence());
}

// The old primary was opened behind everybody's back and wrote: refused, and what it has is put aside.
TEST_F(RedisTraps, ADivergedOldPrimaryIsRefusedAndItsDataIsSaved) {
    ASSERT_TRUE(world->insert(*current, "common"));
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    ask(current->spec, {"CONFIG", "SET", "min-replicas-to-write", "0"});
    ask(current->spec, {"CLIENT", "UNPAUSE"});
    ASSERT_TRUE(world->insert(*current, "diverged"));
    ASSERT_TRUE(world->insert(*standby, "new-history"));
    const auto refused = rejoin(*token);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch);
    EXPECT_EQ(world->tags(*current).count("diverged"), 1U);
    const auto saved = snapshotsOf(*current);
    ASSERT_EQ(saved.size(), 1U);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr(saved[0]));
    EXPECT_THAT(readFile(current->spec.service.data + "/" + saved[0]).value(), ::testing::HasSubstr("diverged"));
    // A resync, which a person consents to, replaces it; what only it had stays on its disk.
    const auto seeded =
        current->driver->seed(current->spec, current->application, standby->peer(), current->slot, current->context());
    SWB_REQUIRE(seeded);
    EXPECT_THAT(readFile(textAt(*seeded, "saved")).value(), ::testing::HasSubstr("diverged"));
    expectSame({"common", "new-history"});
    EXPECT_FALSE(world->insert(*current, "never"));
}

// A hand-over that cannot reach its target stays for ever, without a writable server.
TEST_F(RedisTraps, AStuckFailoverOfSomebodyIsEndedAndSaid) {
    const auto other = makeFollower("replica-announce-ip 127.0.99.9\nreplica-announce-port 9\n");
    redis::Reply begun;
    for (int i = 0; i < 500 && (i == 0 || begun.isError()); ++i) {
        begun = ask(current->spec, {"FAILOVER", "TO", "127.0.99.9", "9", "FORCE", "TIMEOUT", "200"});
        ::usleep(10'000);
    }
    ASSERT_FALSE(begun.isError()) << begun.text;
    awaitInfo(current->spec, "master_failover_state", "failover-in-progress");
    EXPECT_EQ(textAt(facts(*current), "failoverState"), "failover-in-progress");
    const auto refused = current->driver->prepareSwitchSource(current->spec, standby->slot, current->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InUse) << describe(refused.error());
    EXPECT_EQ(infoOf(current->spec, "master_failover_state"), "no-failover");
    stopRedisServer(other, SIGKILL);
    // It is a primary again, its replica finds it, and the next attempt is a switch.
    awaitInfo(current->spec, "role", "master");
    awaitInfo(standby->spec, "master_link_status", "up");
    ASSERT_TRUE(world->insert(*current, "writable"));
    switchOver();
    expectSame({"writable"});
}

TEST_F(RedisTraps, ForgottenReplicationCredentialsAreThereAgainForTheRejoin) {
    ask(current->spec, {"CONFIG", "SET", "masterauth", "wrong"});
    switchOver();
    ASSERT_TRUE(world->insert(*current, "streams"));
    expectSame({"streams"});
    // At the replica they are missed before a switch, not in it.
    ask(standby->spec, {"CONFIG", "SET", "masterauth", "wrong"});
    ask(current->spec, {"CLIENT", "KILL", "TYPE", "replica"});
    ::usleep(1'200'000);
    const auto refused =
        standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context(500));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
}

TEST_F(RedisTraps, AnAddressThatCannotBeReachedIsSaidBeforeTheSwitch) {
    driver::Peer nowhere = current->peer();
    nowhere.port = 9;
    const auto unreachable = standby->driver->testSource(standby->spec, nowhere, standby->context(3000));
    ASSERT_FALSE(unreachable);
    EXPECT_EQ(unreachable.error().code, ErrorCode::Unreachable);
    const Json facts = standby->driver->inspect(standby->spec, &nowhere, standby->context());
    EXPECT_FALSE(booleanAt(facts, "canConnectToPeer", true));
    // The plain port speaks no TLS.
    nowhere.port = current->spec.address.port;
    const auto plain = standby->driver->testSource(standby->spec, nowhere, standby->context(3000));
    ASSERT_FALSE(plain);
    EXPECT_THAT(plain.error().message, ::testing::HasSubstr("no TLS"));
    for (auto* side : {current, standby})
        SWB_REQUIRE(
            side->driver->testSource(side->spec, (side == current ? standby : current)->peer(), side->context()));
    // One that announces another address is not the replica that the link means.
    ask(standby->spec, {"CONFIG", "SET", "replica-announce-ip", "127.0.99.9"});
    ask(current->spec, {"CLIENT", "KILL", "TYPE", "replica"});
    awaitInfo(current->spec, "connected_slaves", "1");
    const auto refused = current->driver->prepareSwitchSource(current->spec, standby->slot, current->context(1000));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
}

// CONFIG REWRITE puts what is true now behind our include, where it would win after the next change of roles.
TEST_F(RedisTraps, AConfigRewriteDoesNotOutliveARole) {
    for (auto* side : {current, standby}) ASSERT_FALSE(ask(side->spec, {"CONFIG", "REWRITE"}).isError());
    EXPECT_TRUE(redis::lastSetting(readFile(standby->spec.service.config).value(), "replicaof"));
    ASSERT_TRUE(world->insert(*current, "one"));
    switchOver();
    stopRedisServer(current->spec, SIGTERM);
    startRedisServer(current->spec);
    EXPECT_EQ(infoOf(current->spec, "master_host"), redis::nowhereHost) << "it follows the former primary";
    SWB_REQUIRE(current->driver->ensureRunning(current->spec, "primary", current->context()));
    ASSERT_TRUE(world->insert(*current, "two"));
    expectSame({"one", "two"});
    // In the middle of a fence, too: what is momentary does not stay.
    SWB_REQUIRE(fence());
    ASSERT_FALSE(ask(current->spec, {"CONFIG", "REWRITE"}).isError());
    stopRedisServer(current->spec, SIGTERM);
    SWB_REQUIRE(unfence());
    EXPECT_EQ(textAt(ask(current->spec, {"CONFIG", "GET", "min-replicas-to-write"})), "0");
    EXPECT_EQ(textAt(ask(current->spec, {"CONFIG", "GET", "repl-ping-replica-period"})), "10");
    ASSERT_TRUE(world->insert(*current, "three"));
}

// An administrator who wants a replica for every write: there is none in the middle of a switch.
TEST_F(RedisTraps, AWishForReplicasDoesNotKeepTheNewPrimaryFromWriting) {
    for (auto* side : {current, standby}) ask(side->spec, {"CONFIG", "SET", "min-replicas-to-write", "1"});
    awaitInfo(current->spec, "min_slaves_good_slaves", "1");
    ASSERT_TRUE(world->insert(*current, "one"));
    prepare();
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    EXPECT_TRUE(world->insert(*standby, "two"));
    SWB_REQUIRE(rejoin(*token));
    for (auto* side : {current, standby}) {
        SWB_REQUIRE(side->driver->endSwitch(side->spec, side->context()));
        EXPECT_EQ(textAt(ask(side->spec, {"CONFIG", "GET", "min-replicas-to-write"})), "1");
    }
    EXPECT_TRUE(world->insert(*standby, "three"));
    expectSame({"one", "two", "three"});
}

// They would only ever hear READONLY; and one that waits behind the pause must not be served by a demoted server.
TEST_F(RedisTraps, ClientsOfTheOldPrimaryAreClosed) {
    auto idle = applicationOf(current->spec), waiting = applicationOf(current->spec);
    ASSERT_TRUE(idle && waiting);
    prepare();
    ask(current->spec, {"CLIENT", "PAUSE", "60000", "WRITE"});
    const MonotonicMs deadline = SystemClock().monotonic() + 8000;
    std::optional<Result<std::vector<redis::Reply>>> answer;
    std::thread client([&] { answer = waiting->callAll({{"SADD", "tags", "waited"}}, deadline); });
    ::usleep(50'000);
    const auto token = fence();
    if (token && awaitToken(*token) && promote(*token)) (void)rejoin(*token);
    client.join();
    EXPECT_FALSE(*answer) << (*answer)->at(0).text;
    EXPECT_FALSE(idle->usable());
    EXPECT_EQ(infoOf(current->spec, "role"), "slave");
    expectSame({});
}

TEST_F(RedisTraps, AScriptThatRunsForLongIsWaitedFor) {
    ask(current->spec, {"CONFIG", "SET", "busy-reply-threshold", "50"});
    std::thread script([&] {
        ask(current->spec, {"EVAL",
                            "local t = redis.call('TIME') local till = t[1] * 1000000 + t[2] + 700000 "
                            "repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] > till "
                            "return redis.call('SADD', 'tags', 'from-the-script')",
                            "0"});
    });
    ::usleep(150'000);
    const auto token = fence();
    script.join();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    EXPECT_EQ(world->tags(*standby), world->tags(*current)) << "the script's write is before the token, or nowhere";
}

}  // namespace swb::test
