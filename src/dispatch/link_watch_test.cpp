#include "dispatch/link_watch.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"

namespace swb::dispatch {
namespace {

class SilentChannel final : public Channel {
  public:
    bool send(std::string) override { return true; }
    void close(std::string) override {}
    std::string remoteAddress() const override { return "192.0.2.1"; }
};

class NoVerbs final : public LocalVerbs {
  public:
    Result<Json> perform(std::string_view, const run::Run&, const Json&) override { return Json(nullptr); }
    Result<JsonObject> secretsOf(const std::string&) override { return JsonObject{}; }
};

// Two agents whose heartbeats say what the test wants; the store outlives the controller.
class Watch : public testing::Test {
  protected:
    Watch() {
        for (const auto& [application, server] : {std::pair{"shop-fra", "fra-1"}, {"shop-nyc", "nyc-1"}})
            put("application", application, JsonObject{{"definition", definition(application, server)}});
        Group group;
        group.id = "fg-1";
        group.name = group.label = "shop";
        group.address = "shop.test";
        group.primary = group.current = "shop-fra";
        group.secondary = "shop-nyc";
        group.lagAlertSeconds = 20;
        put("group", "shop", toJson(group));
        put("link", link.id(), toJson(link));
        start();
    }

    static Json definition(std::string_view application, std::string_view server) {
        const auto read = applicationFromYaml("application: " + std::string(application) + "\nsite: a\ndatabases:\n" +
                                              "  main: {engine: postgresql, server: " + std::string(server) +
                                              ", service: {manage: direct, data: /d, bin: /b}, "
                                              "address: 127.0.0.1:5432, database: shop, user: shop}\n");
        EXPECT_TRUE(read) << describe(read.error());
        return applicationToJson(*read);
    }
    void put(const std::string& kind, const std::string& id, Json body) {
        ASSERT_TRUE(store.commit({.puts = {{kind, id, store::anyVersion, std::move(body)}}}));
    }

    // A controller, as after a restart; agents connect again.
    void start() {
        watch.reset();
        conductor.reset();
        fleet.emplace(clock, "0");
        conductor.emplace(store, *fleet, verbs, clock);
        watch.emplace(store, *fleet, *conductor, clock);
        for (const char* server : {"fra-1", "nyc-1"}) {
            connections[server] = fleet->opened(server, std::make_shared<SilentChannel>());
            sequence[server] = 0;
            link::Hello hello;
            hello.server = server;
            fleet->received(connections[server], link::encode(hello));
        }
    }

    // One second passes; the source has written up to `written`, the replica applied up to `applied`.
    void second(int64_t written, int64_t applied, bool streams = true, Json synchronous = nullptr) {
        clock.advance(1000);
        JsonArray replicas;
        if (streams) replicas.push_back(JsonObject{{"application", Link::slotFor("shop-nyc")}, {"state", "streaming"}});
        beat("fra-1", "shop-fra/main",
             JsonObject{{"role", "primary"},
                        {"position", lsn(written)},
                        {"replicas", replicas},
                        {"synchronous", std::move(synchronous)}});
        beat("nyc-1", "shop-nyc/main",
             JsonObject{{"role", "replica"},
                        {"position", lsn(applied)},
                        {"receiverStatus", streams ? Json("streaming") : Json(nullptr)}});
        watch->tick();
    }
    static std::string lsn(int64_t bytes) {
        std::array<char, 40> text{};
        std::snprintf(text.data(), text.size(), "%llX/%llX", static_cast<unsigned long long>(bytes >> 32),
                      static_cast<unsigned long long>(bytes & 0xffffffff));
        return text.data();
    }
    void beat(const std::string& server, const std::string& database, JsonObject facts) {
        for (const char* name : {"running", "reachable"}) facts[name] = true;
        facts["systemId"] = "7";
        facts["timeline"] = 1;
        facts["at"] = clock.now() + 90'000;  // its clock is wrong
        link::Heartbeat heartbeat;
        heartbeat.sequence = ++sequence[server];
        heartbeat.at = clock.now() + 90'000;
        heartbeat.facts = JsonObject{{"databases", JsonObject{{database, facts}}}};
        fleet->received(connections[server], link::encode(heartbeat));
    }
    std::vector<store::Event> alarms() {
        store::EventQuery query;
        query.typePrefix = "link.alarm";
        return *store.events(query);
    }
    size_t blocks() { return store.ids("lag-history")->size(); }

    ManualClock clock;
    store::MemoryStore store{clock};
    NoVerbs verbs;
    const Link link{"shop-fra", "shop-nyc", "main", "postgresql", 1};
    std::map<std::string, Fleet::ConnectionId> connections;
    std::map<std::string, int64_t> sequence;
    std::optional<Fleet> fleet;
    std::optional<Conductor> conductor;
    std::optional<LinkWatch> watch;
};

// The link itself is well; its users are not.
TEST_F(Watch, CommitsThatWaitInVainAreAnAlarmOfTheirOwn) {
    const Json waiting =
        JsonObject{{"with", "shop-nyc"}, {"state", "waiting"}, {"sentence", "commits wait for shop-nyc"}};
    for (int i = 1; i <= 15; ++i) second(1000, 1000, true, waiting);
    ASSERT_EQ(alarms().size(), 1u);
    EXPECT_EQ(alarms()[0].type, "link.alarm.raised");
    EXPECT_EQ(textAt(alarms()[0].detail, "alarm"), "synchronous");
    EXPECT_EQ(textAt(alarms()[0].detail, "sentence"), "commits wait for shop-nyc");
    const Json status = watch->status(link);
    EXPECT_EQ(textAt(status, "state"), "streaming");
    EXPECT_EQ(textAt(status, "sentence").rfind("commits wait for shop-nyc; ", 0), 0u);
    EXPECT_TRUE(booleanAt(*memberAt(status, "alarms"), "synchronous"));
    for (int i = 1; i <= 15; ++i) second(1000, 1000);
    EXPECT_EQ(alarms().size(), 2u);
}

TEST_F(Watch, SaysHowFarBehindWhateverTheAgentsClocksSay) {
    for (int i = 1; i <= 20; ++i) second(i * 1000, i * 1000);
    Json status = watch->status(link);
    EXPECT_EQ(textAt(status, "state"), "streaming") << toText(status);
    EXPECT_EQ(integerAt(status, "lagBytes", -1), 0);
    EXPECT_EQ(integerAt(status, "writeRate"), 1000);
    EXPECT_TRUE(booleanAt(status, "lagExact"));
    for (int i = 21; i <= 45; ++i) second(i * 1000, 20'000);
    status = watch->status(link);
    EXPECT_EQ(textAt(status, "state"), "behind");
    EXPECT_EQ(integerAt(status, "lagBytes"), 25'000);
    EXPECT_NEAR(memberAt(status, "lagSeconds")->to_number<double>(), 25, 1);
    EXPECT_EQ(watch->all()->size(), 1u);
}

TEST_F(Watch, AnAlarmIsRaisedOnceAndEndsOnceAlsoOverARestart) {
    for (int i = 1; i <= 10; ++i) second(i * 1000, i * 1000);
    EXPECT_TRUE(alarms().empty());
    for (int i = 11; i <= 60; ++i) second(i * 1000, 10'000);
    ASSERT_EQ(alarms().size(), 1u);
    EXPECT_EQ(alarms()[0].type, "link.alarm.raised");
    EXPECT_EQ(alarms()[0].subject, "link/shop-fra/shop-nyc/main");
    EXPECT_EQ(textAt(alarms()[0].detail, "alarm"), "lag");
    EXPECT_EQ(textAt(alarms()[0].detail, "group"), "shop");
    start();
    for (int i = 61; i <= 80; ++i) second(i * 1000, 10'000);
    EXPECT_EQ(alarms().size(), 1u) << "said once";
    for (int i = 81; i <= 100; ++i) second(i * 1000, i * 1000);
    ASSERT_EQ(alarms().size(), 2u);
    EXPECT_EQ(alarms()[1].type, "link.alarm.ended");
    EXPECT_FALSE(booleanAt(*memberAt(watch->status(link), "alarms"), "lag"));
}

TEST_F(Watch, ABrokenLinkRaisesAnAlarmThatEndsWithTheLink) {
    for (int i = 1; i <= 5; ++i) second(1000, 1000);
    for (int i = 1; i <= 5; ++i) second(1000, 1000, false);
    EXPECT_TRUE(alarms().empty()) << "a switch breaks it for a moment";
    for (int i = 1; i <= 8; ++i) second(1000, 1000, false);
    ASSERT_EQ(alarms().size(), 1u);
    EXPECT_EQ(textAt(alarms()[0].detail, "alarm"), "broken");
    ASSERT_TRUE(store.commit({.removes = {{"link", link.id(), store::anyVersion}}}));
    second(1000, 1000, false);
    ASSERT_EQ(alarms().size(), 2u);
    EXPECT_EQ(alarms()[1].type, "link.alarm.ended");
    EXPECT_TRUE(watch->all()->empty());
    EXPECT_TRUE(store.ids("link-alarm")->empty());
}

TEST_F(Watch, HistorySurvivesARestartAndIsWrittenNowAndThenOnly) {
    const int64_t before = store.revision();
    for (int i = 1; i <= 130; ++i) second(i * 1000, i * 1000);
    EXPECT_LE(store.revision() - before, 4) << "one commit a minute";
    EXPECT_GE(blocks(), 3u);
    watch->flush();
    start();
    for (int i = 131; i <= 160; ++i) second(i * 1000, 130'000);
    const auto& seconds = health::tiers[0];
    const auto points = watch->history().read(health::pairOf(link), seconds, clock.now() - 300'000, clock.now());
    ASSERT_TRUE(points);
    EXPECT_GE(points->size(), 30u);
    EXPECT_LE(points->size(), 34u);
    EXPECT_EQ(points->front().sample.bytes, 0);
    EXPECT_GE(points->back().sample.bytes, 25'000);
    const auto minutes =
        watch->history().read(health::pairOf(link), health::tiers[1], clock.now() - 300'000, clock.now());
    EXPECT_GE(minutes->size(), 3u);
    EXPECT_LE(minutes->size(), 4u);
}

TEST_F(Watch, OldHistoryGoes) {
    second(1000, 1000);
    watch->flush();
    const size_t few = blocks();
    for (int day = 0; day < 40; ++day) {
        clock.advance(86'400'000LL);
        second(1000, 1000);
        watch->flush();
        watch->flush();
    }
    EXPECT_LE(blocks(), few + 32 + 2);
    EXPECT_GE(blocks(), 30u);
}

TEST_F(Watch, WhatIsNotSetUpIsShownAsNone) {
    const Json none = LinkWatch::absent("shop-fra", "shop-nyc", "main", Engine::redis);
    EXPECT_EQ(textAt(none, "state"), "none");
    EXPECT_NE(textAt(none, "hint").find("replication enable"), std::string::npos);
}

}  // namespace
}  // namespace swb::dispatch
