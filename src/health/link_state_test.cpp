#include "health/link_state.h"

#include <gtest/gtest.h>

namespace swb::health {
namespace {

Json json(std::string_view text) {
    return parseJson(text).value();
}

constexpr const char* slot = "swb_shop_nyc";

// Facts of a healthy pair, by engine, as the agents send them.
Json sourceOf(Engine engine) {
    switch (engine) {
        case Engine::postgresql:
            return json(R"({"running":true,"reachable":true,"role":"primary","systemId":"7","timeline":1,
                "position":"0/2000","replicas":[{"application":"swb_shop_nyc","state":"streaming",
                "replayPosition":"0/2000","lagBytes":0,"lagSeconds":0}],
                "slots":[{"name":"swb_shop_nyc","walStatus":"reserved"}]})");
        case Engine::redis:
        case Engine::valkey:
            return json(R"({"running":true,"reachable":true,"role":"primary","systemId":"abc","replid":"abc",
                "position":"abc:500","replicas":[{"application":"swb_shop_nyc","state":"streaming",
                "replayPosition":"abc:500","lagBytes":0,"lagSeconds":0}]})");
        default:
            return json(R"({"running":true,"reachable":true,"role":"primary","systemId":"7","serverId":1,
                "position":"0-1-9","binlogState":"0-1-9","log":{"file":"bin.000002","position":90,"sizes":[900,90]},
                "replicas":[{"application":"swb_shop_nyc","state":"streaming","replayPosition":null,"lagBytes":0}]})");
    }
}

Json replicaOf(Engine engine) {
    switch (engine) {
        case Engine::postgresql:
            return json(R"({"running":true,"reachable":true,"role":"replica","systemId":"7","timeline":1,
                "position":"0/2000","receiverStatus":"streaming","replayPaused":false})");
        case Engine::redis:
        case Engine::valkey:
            return json(R"({"running":true,"reachable":true,"role":"replica","systemId":"abc","replid":"abc",
                "position":"abc:500","receiverStatus":"streaming","replayPaused":false})");
        default:
            return json(R"({"running":true,"reachable":true,"role":"replica","systemId":"7","serverId":2,
                "position":"0-1-9","binlogState":"0-1-9","appliedLog":{"file":"bin.000002","position":90},
                "receiverStatus":"streaming","replayPaused":false})");
    }
}

class EveryEngine : public testing::TestWithParam<Engine> {
  protected:
    EveryEngine() : source(sourceOf(GetParam())), replica(replicaOf(GetParam())) {}

    LinkHealth judged() {
        LinkInput input;
        input.link = {"shop-fra", "shop-nyc", "main", "", 0};
        input.source = sideOf(GetParam(), source, slot);
        input.replica = sideOf(GetParam(), replica, slot);
        input.source.at = input.replica.at = now;
        if (input.source.known && input.replica.known && input.source.reachable)
            input.divergence = divergence(GetParam(), source, replica);
        clock.observe(input.source, input.replica);
        input.lag = clock.lag(now, streams(input.source, input.replica));
        input.before = before;
        input.seeding = seeding;
        LinkHealth health = judge(input);
        EXPECT_FALSE(health.sentence.empty());
        EXPECT_TRUE(health.state == LinkState::streaming || !health.hint.empty()) << nameOf(health.state);
        return health;
    }
    void set(Json& facts, const char* name, Json value) { facts.as_object()[name] = std::move(value); }
    static bool isMariadb() { return GetParam() == Engine::mariadb || GetParam() == Engine::mysql; }

    Json source, replica;
    LagClock clock;
    UnixMs now = 1'700'000'000'000;
    LinkState before = LinkState::none;
    std::optional<Seeding> seeding;
};

TEST_P(EveryEngine, StreamsWhenBothSaySo) {
    const LinkHealth health = judged();
    EXPECT_EQ(health.state, LinkState::streaming) << health.sentence;
    EXPECT_EQ(health.sentence, "the replica has everything");
}

TEST_P(EveryEngine, IsSeedingWhileARunCopies) {
    replica = nullptr;
    seeding = Seeding{"r-1", "base copy: 40 %"};
    const LinkHealth health = judged();
    EXPECT_EQ(health.state, LinkState::seeding);
    EXPECT_EQ(health.sentence, "base copy: 40 %");
    EXPECT_NE(health.hint.find("r-1"), std::string::npos);
}

TEST_P(EveryEngine, IsStoppedWhenTheReplicaDoesNotRun) {
    replica = json(R"({"running":false,"reachable":false,"role":"stopped"})");
    EXPECT_EQ(judged().state, LinkState::stopped);
}

TEST_P(EveryEngine, IsBrokenWhenTheReplicaDoesNotAnswer) {
    replica = json(R"({"running":true,"reachable":false,"role":"unknown","error":"too many clients"})");
    const LinkHealth health = judged();
    EXPECT_EQ(health.state, LinkState::broken);
    EXPECT_NE(health.sentence.find("too many clients"), std::string::npos);
}

TEST_P(EveryEngine, IsBrokenWhenItIsAPrimaryItself) {
    set(replica, "role", "primary");
    set(replica, "receiverStatus", nullptr);
    EXPECT_EQ(judged().state, LinkState::broken);
}

TEST_P(EveryEngine, ADeadReceiverIsBrokenWhateverThePositionsSay) {
    set(replica, "receiverStatus", GetParam() == Engine::postgresql ? Json(nullptr) : Json("down"));
    const LinkHealth health = judged();
    EXPECT_EQ(health.state, LinkState::broken) << health.sentence;
    EXPECT_NE(health.sentence, "the replica has everything");
}

TEST_P(EveryEngine, AReceiverWhoseSourceDoesNotSeeItIsBroken) {
    set(source, "replicas", JsonArray{});
    EXPECT_EQ(judged().state, LinkState::broken);
}

TEST_P(EveryEngine, ASourceThatIsNotSeenLetsTheReplicaBecomeLate) {
    judged();
    source = nullptr;
    now += 10'000;
    LinkHealth health = judged();
    EXPECT_EQ(health.state, LinkState::streaming) << "for a moment nobody minds";
    EXPECT_NE(health.hint, "");
    now += 60'000;
    health = judged();
    EXPECT_EQ(health.state, LinkState::behind) << health.sentence;
}

TEST_P(EveryEngine, TheSourcesWordIsEnoughWhenTheReplicasAgentIsAway) {
    judged();
    replica = nullptr;
    const LinkHealth health = judged();
    EXPECT_EQ(health.state, LinkState::streaming) << health.sentence;
    EXPECT_NE(health.sentence.find("not connected"), std::string::npos);
    set(source, "replicas", JsonArray{});
    EXPECT_EQ(judged().state, LinkState::broken);
    source = nullptr;
    EXPECT_EQ(judged().state, LinkState::broken);
}

TEST_P(EveryEngine, APausedReplicaIsStopped) {
    set(replica, "replayPaused", true);
    if (isMariadb()) set(replica, "receiverStatus", "receiving");
    EXPECT_EQ(judged().state, LinkState::stopped);
}

TEST_P(EveryEngine, ALateReplicaIsBehindAndStaysSoUntilItIsWellBack) {
    judged();
    before = LinkState::streaming;
    const auto ahead = [&](int64_t bytes) {
        now += 1000;
        if (GetParam() == Engine::postgresql) {
            std::array<char, 32> lsn{};
            std::snprintf(lsn.data(), lsn.size(), "0/%llX", static_cast<unsigned long long>(0x2000 + bytes));
            set(source, "position", lsn.data());
        } else if (isMariadb()) {
            set(source, "position", Json("0-1-" + std::to_string(9 + bytes)));
            set(source, "log",
                JsonObject{{"file", "bin.000002"}, {"position", 90 + bytes}, {"sizes", JsonArray{900, 90 + bytes}}});
        } else {
            set(source, "position", Json("abc:" + std::to_string(500 + bytes)));
        }
        return judged();
    };
    EXPECT_EQ(ahead(40LL << 20).state, LinkState::streaming);
    const LinkHealth late = ahead(70LL << 20);
    EXPECT_EQ(late.state, LinkState::behind);
    EXPECT_NE(late.sentence.find("70.0 MiB"), std::string::npos) << late.sentence;
    before = LinkState::behind;
    // Still a little under the limit: it stays behind.
    LinkInput input;
    input.lag.bytes = 40LL << 20;
    EXPECT_TRUE(isBehind(input.lag, {}, true));
    EXPECT_FALSE(isBehind(input.lag, {}, false));
    input.lag.bytes = 20LL << 20;
    EXPECT_FALSE(isBehind(input.lag, {}, true));
}

INSTANTIATE_TEST_SUITE_P(Engines, EveryEngine,
                         testing::Values(Engine::postgresql, Engine::mariadb, Engine::mysql, Engine::redis,
                                         Engine::valkey),
                         [](const auto& tested) { return std::string(nameOf(tested.param)); });

class Judge : public testing::Test {
  protected:
    static LinkHealth of(Engine engine, const Json& source, const Json& replica) {
        LinkInput input;
        input.link = {"shop-fra", "shop-nyc", "main", "", 0};
        input.source = sideOf(engine, source, slot);
        input.replica = sideOf(engine, replica, slot);
        input.divergence = divergence(engine, source, replica);
        return judge(input);
    }
};

TEST_F(Judge, ALostSlotWantsAResync) {
    Json source = sourceOf(Engine::postgresql), replica = replicaOf(Engine::postgresql);
    source.as_object()["slots"] = json(R"([{"name":"swb_shop_nyc","walStatus":"lost"}])");
    source.as_object()["replicas"] = JsonArray{};
    replica.as_object()["receiverStatus"] = nullptr;
    const LinkHealth health = of(Engine::postgresql, source, replica);
    EXPECT_EQ(health.state, LinkState::broken);
    EXPECT_NE(health.hint.find("resync"), std::string::npos);
}

TEST_F(Judge, PurgedBinaryLogsWantAResyncAndForeignOnesAreDivergence) {
    Json replica = replicaOf(Engine::mariadb);
    replica.as_object()["receiverStatus"] = "stopped";
    replica.as_object()["receiverError"] =
        "Got fatal error 1236 from master: Could not find GTID state requested by slave in any binlog files";
    const LinkHealth purged = of(Engine::mariadb, sourceOf(Engine::mariadb), replica);
    EXPECT_EQ(purged.state, LinkState::broken);
    EXPECT_NE(purged.hint.find("resync"), std::string::npos);
    replica.as_object()["receiverError"] =
        "Got fatal error 1236: connecting slave requested to start from GTID 0-2-9, which is not in the master's "
        "binlog";
    EXPECT_EQ(of(Engine::mariadb, sourceOf(Engine::mariadb), replica).state, LinkState::diverged);
}

TEST_F(Judge, AnApplierThatFailsIsBrokenAndOneThatWasStoppedIsStopped) {
    Json replica = replicaOf(Engine::mariadb);
    replica.as_object()["receiverStatus"] = "receiving";
    replica.as_object()["replayPaused"] = true;
    EXPECT_EQ(of(Engine::mariadb, sourceOf(Engine::mariadb), replica).state, LinkState::stopped);
    replica.as_object()["applierError"] = "Duplicate entry '1' for key 'PRIMARY'";
    EXPECT_EQ(of(Engine::mariadb, sourceOf(Engine::mariadb), replica).state, LinkState::broken);
    replica = replicaOf(Engine::mariadb);
    replica.as_object()["receiverStatus"] = "stopped";
    EXPECT_EQ(of(Engine::mariadb, sourceOf(Engine::mariadb), replica).state, LinkState::stopped);
}

TEST_F(Judge, ADivergedPrimaryIsSaidBeforeItsRole) {
    Json replica = replicaOf(Engine::postgresql);
    replica.as_object()["role"] = "primary";
    replica.as_object()["timeline"] = 2;
    EXPECT_EQ(of(Engine::postgresql, sourceOf(Engine::postgresql), replica).state, LinkState::diverged);
}

TEST_F(Judge, AFullCopyByRedisItselfIsSeeding) {
    Json replica = replicaOf(Engine::redis);
    replica.as_object()["receiverStatus"] = "copying";
    EXPECT_EQ(of(Engine::redis, sourceOf(Engine::redis), replica).state, LinkState::seeding);
}

}  // namespace
}  // namespace swb::health
