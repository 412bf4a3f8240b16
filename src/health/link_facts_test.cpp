#include "health/link_facts.h"

#include <gtest/gtest.h>

namespace swb::health {
namespace {

Json json(std::string_view text) {
    return parseJson(text).value();
}

TEST(LinkFacts, PostgresqlPositionsAreNumbersOfOneSystem) {
    const auto side = sideOf(Engine::postgresql, json(R"({"running":true,"reachable":true,"role":"primary",
        "systemId":"73","timeline":2,"position":"1/10","replicas":[
        {"application":"swb_nyc","state":"startup","lagBytes":null},
        {"application":"swb_nyc","state":"streaming","replayPosition":"1/8","lagBytes":8,"lagSeconds":0.5},
        {"application":"other","state":"streaming","replayPosition":"1/8","lagBytes":1}],
        "slots":[{"name":"swb_nyc","walStatus":"lost"}]})"),
                             "swb_nyc");
    ASSERT_TRUE(side.known && side.position);
    EXPECT_EQ(*side.position, (LogPosition{"73", 0, (1LL << 32) + 16}));
    ASSERT_TRUE(side.replica);
    EXPECT_EQ(side.replica->state, "streaming");
    EXPECT_EQ(side.replica->bytes, 8);
    EXPECT_TRUE(side.isSlotLost);
    EXPECT_FALSE(sideOf(Engine::postgresql, json(R"({"position":"nonsense"})"), "x").position);
    EXPECT_FALSE(sideOf(Engine::postgresql, Json(nullptr), "x").known);
}

TEST(LinkFacts, MariadbCountsWithinFiles) {
    const Json facts = json(R"({"role":"replica","position":"0-1-9","appliedLog":{"file":"bin.000004","position":77},
        "log":{"file":"own.000002","position":10,"sizes":[100,10]},"receiverStatus":"receiving"})");
    const auto replica = sideOf(Engine::mariadb, facts, "x");
    EXPECT_EQ(replica.position, (LogPosition{"bin", 4, 77}));
    EXPECT_FALSE(replica.isApplying);
    const auto source =
        sideOf(Engine::mariadb, json(R"({"role":"primary","log":{"file":"bin.000005","position":30,"sizes":[5,90,30]},
        "replicas":[{"application":"x","state":"streaming","replayPosition":null,"lagBytes":0}]})"),
               "x");
    EXPECT_EQ(source.position, (LogPosition{"bin", 5, 30}));
    EXPECT_EQ(source.files, (std::vector<std::pair<int64_t, int64_t>>{{3, 5}, {4, 90}, {5, 30}}));
    EXPECT_FALSE(source.replica->bytes) << "what was sent is not what was applied";
}

TEST(LinkFacts, AReplicaIsASourceByItsOwnLog) {
    const Json facts = json(R"({"role":"replica","position":"0-1-9","appliedLog":{"file":"bin.000004","position":77},
        "log":{"file":"own.000002","position":10,"sizes":[100,10]},"receiverStatus":"streaming"})");
    EXPECT_EQ(asSource(sideOf(Engine::mariadb, facts, "x")).position, (LogPosition{"own", 2, 10}));
    const auto other = sideOf(Engine::redis, json(R"({"role":"replica","position":"abc:120"})"), "x");
    EXPECT_EQ(asSource(other).position, (LogPosition{"abc", 0, 120}));
}

TEST(LinkFacts, RedisHasAHistoryAndAnOffset) {
    const auto side =
        sideOf(Engine::redis, json(R"({"role":"replica","position":"abc:120","receiverStatus":"copying"})"), "x");
    EXPECT_EQ(side.position, (LogPosition{"abc", 0, 120}));
    EXPECT_EQ(side.receiver, Receiver::copying);
    EXPECT_EQ(sideOf(Engine::redis, json(R"({"receiverStatus":"down"})"), "x").receiver, Receiver::connecting);
    EXPECT_EQ(sideOf(Engine::redis, json("{}"), "x").receiver, Receiver::absent);
}

TEST(LinkFacts, DivergenceOfPostgresql) {
    const Json source = json(R"({"systemId":"7","timeline":2})");
    EXPECT_EQ(divergence(Engine::postgresql, source, json(R"({"systemId":"7","timeline":2})")), "");
    EXPECT_EQ(divergence(Engine::postgresql, source, json(R"({"systemId":"7","timeline":1})")), "");
    EXPECT_NE(divergence(Engine::postgresql, source, json(R"({"systemId":"7","timeline":3})")), "");
    EXPECT_NE(divergence(Engine::postgresql, source, json(R"({"systemId":"8","timeline":2})")), "");
}

TEST(LinkFacts, DivergenceOfMariadbIsWhatTheReplicaWroteItself) {
    const Json source = json(R"({"systemId":"7","binlogState":"0-1-9,0-2-4"})");
    const auto judged = [&](std::string_view state) {
        return divergence(Engine::mariadb, source,
                          JsonObject{{"systemId", "7"}, {"serverId", 2}, {"binlogState", state}});
    };
    EXPECT_EQ(judged("0-2-4,0-1-9"), "");
    EXPECT_EQ(judged("0-1-12,0-2-4"), "") << "looked at later than the source";
    EXPECT_NE(judged("0-1-9,0-2-5").find("0-2-5"), std::string::npos);
    EXPECT_EQ(divergence(Engine::mariadb, json(R"({"systemId":"7"})"), json(R"({"systemId":"7","serverId":2})")), "");
    EXPECT_NE(divergence(Engine::mariadb, source,
                         json(R"({"systemId":"7","receiverError":"… 0-2-5, which is not in the master's binlog."})")),
              "");
}

TEST(LinkFacts, DivergenceOfMysqlIsWhatTheReplicaWroteItself) {
    const std::string a = "3e11fa47-71ca-11e1-9e33-c80aa9429562", b = "4e11fa47-71ca-11e1-9e33-c80aa9429562";
    const Json source = JsonObject{{"systemId", "7"}, {"binlogState", a + ":1-9,\n" + b + ":1-3:5"}};
    const auto judged = [&](const std::string& state) {
        return divergence(Engine::mysql, source,
                          JsonObject{{"systemId", "7"}, {"serverUuid", b}, {"binlogState", state}});
    };
    EXPECT_EQ(judged(a + ":1-9,\n" + b + ":1-3:5"), "");
    EXPECT_EQ(judged(a + ":1-12,\n" + b + ":1-5"), "") << "looked at later than the source";
    EXPECT_EQ(judged(a + ":1-9"), "");
    EXPECT_NE(judged(a + ":1-9,\n" + b + ":1-3:5-6").find(b + ":6"), std::string::npos);
    EXPECT_NE(judged(b + ":7"), "");
    EXPECT_NE(divergence(Engine::mysql, source,
                         json(R"({"systemId":"7","receiverError":"Replica has more GTIDs than the source has"})")),
              "");
}

TEST(LinkFacts, DivergenceOfRedisIsAnotherHistory) {
    const Json source = json(R"({"replid":"new","replid2":"old","secondReplOffset":100})");
    const auto judged = [&](const char* replid, const char* position, const char* status) {
        return divergence(
            Engine::redis, source,
            JsonObject{{"role", "replica"}, {"replid", replid}, {"position", position}, {"receiverStatus", status}});
    };
    EXPECT_EQ(judged("new", "new:5", "down"), "");
    EXPECT_EQ(judged("old", "old:100", "down"), "") << "it can go on from there";
    EXPECT_NE(judged("old", "old:101", "down"), "");
    EXPECT_NE(judged("other", "other:1", "down"), "");
    EXPECT_EQ(judged("other", "other:1", "copying"), "") << "it is being replaced already";
}

TEST(LinkFacts, CommitsThatDoNotWaitAsTheyShouldAreTrouble) {
    const auto trouble = [](const char* state, const char* with) {
        return synchronousTrouble(
            JsonObject{{"synchronous", JsonObject{{"state", state}, {"with", with}, {"sentence", "commits …"}}}},
            "shop-nyc");
    };
    EXPECT_EQ(trouble("synchronous", "shop-nyc"), "");
    EXPECT_EQ(trouble("degraded", "shop-nyc"), "commits …");
    EXPECT_EQ(trouble("waiting", "shop-nyc"), "commits …");
    EXPECT_EQ(trouble("waiting", ""), "commits …") << "names set by hand may mean any replica";
    EXPECT_EQ(trouble("waiting", "shop-sgp"), "") << "another link's";
    EXPECT_EQ(synchronousTrouble(JsonObject{{"synchronous", nullptr}}, "shop-nyc"), "");
    EXPECT_EQ(synchronousTrouble(Json(nullptr), "shop-nyc"), "");
}

}  // namespace
}  // namespace swb::health
