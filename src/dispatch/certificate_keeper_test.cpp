#include "dispatch/certificate_keeper.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"

namespace swb::dispatch {
namespace {

class SilentChannel final : public Channel {
  public:
    bool send(std::string text) override {
        sent.push_back(std::move(text));
        return true;
    }
    void close(std::string) override {}
    std::string remoteAddress() const override { return "192.0.2.1"; }

    std::vector<std::string> sent;
};

class NoVerbs final : public LocalVerbs {
  public:
    Result<Json> perform(std::string_view, const run::Run&, const Json&) override { return Json(nullptr); }
    Result<JsonObject> secretsOf(const std::string&) override { return JsonObject{}; }
};

// Two agents that say how long their certificates last, and answer nothing.
class Keeper : public testing::Test {
  protected:
    Keeper() {
        for (const auto& [application, server] : {std::pair{"shop-fra", "fra-1"}, {"shop-nyc", "nyc-1"}}) {
            const auto read =
                applicationFromYaml("application: " + std::string(application) +
                                    "\nsite: a\ndatabases:\n  main: {engine: " + "postgresql, server: " + server +
                                    ", service: {manage: direct, data: /d, bin: /b}, " +
                                    "address: 127.0.0.1:5432, database: shop, user: shop}\n");
            EXPECT_TRUE(read) << describe(read.error());
            put("application", application, JsonObject{{"definition", applicationToJson(*read)}});
            connections[server] = fleet.opened(server, std::make_shared<SilentChannel>());
            link::Hello hello;
            hello.server = server;
            hello.verbs = {"database.certificate-request"};
            fleet.received(connections[server], link::encode(hello));
        }
        const Link link{"shop-fra", "shop-nyc", "main", "postgresql", 1};
        put("link", link.id(), toJson(link));
        EXPECT_TRUE(conductor.start());
    }
    ~Keeper() override { conductor.stop(); }

    void put(const std::string& kind, const std::string& id, Json body) {
        ASSERT_TRUE(store.commit({.puts = {{kind, id, store::anyVersion, std::move(body)}}}));
    }
    void say(const std::string& server, const std::string& database, int64_t leftMs) {
        link::Heartbeat heartbeat;
        heartbeat.sequence = ++sequence[server];
        heartbeat.at = clock.now();
        heartbeat.facts = JsonObject{
            {"databases",
             JsonObject{{database, JsonObject{{"certificate", JsonObject{{"beganAt", clock.now() + leftMs - lifeMs},
                                                                         {"endsAt", clock.now() + leftMs}}}}}}}};
        fleet.received(connections[server], link::encode(heartbeat));
    }
    std::vector<run::Run> runs() { return conductor.active(); }
    void look() {
        clock.advance(CertificateKeeper::lookEveryMs);
        keeper.tick();
    }

    static constexpr int64_t lifeMs = 90LL * 86'400'000;
    ManualClock clock;
    store::MemoryStore store{clock};
    NoVerbs verbs;
    Fleet fleet{clock, "0"};
    Inspector inspector{store, fleet, clock};
    Conductor conductor{store, fleet, verbs, clock};
    CertificateKeeper keeper{store, fleet, conductor, inspector, clock};
    std::map<std::string, Fleet::ConnectionId> connections;
    std::map<std::string, int64_t> sequence;
};

TEST_F(Keeper, BeginsOneRunWhenEitherSideIsDue) {
    say("fra-1", "shop-fra/main", lifeMs * 2 / 3);
    say("nyc-1", "shop-nyc/main", lifeMs / 2);
    look();
    EXPECT_TRUE(runs().empty());
    say("nyc-1", "shop-nyc/main", lifeMs / 4);
    look();
    ASSERT_EQ(runs().size(), 1u);
    EXPECT_EQ(runs()[0].kind, "renew-certificates");
    EXPECT_EQ(runs()[0].from, "shop-fra");
    EXPECT_EQ(runs()[0].actor, "controller");
    EXPECT_TRUE(store.get("lock", "application/shop-fra")->has_value());
    look();
    EXPECT_EQ(runs().size(), 1u);
}

TEST_F(Keeper, DoesNotStandInTheWayOfARunThatIsThere) {
    put("lock", "application/shop-nyc", JsonObject{{"run", "r-switch"}});
    say("fra-1", "shop-fra/main", lifeMs / 4);
    look();
    EXPECT_TRUE(runs().empty());
    ASSERT_TRUE(store.commit({.removes = {{"lock", "application/shop-nyc", store::anyVersion}}}));
    look();
    EXPECT_TRUE(runs().empty()) << "not every time anew";
    clock.advance(3600'000);
    say("fra-1", "shop-fra/main", lifeMs / 4);
    look();
    EXPECT_EQ(runs().size(), 1u);
}

TEST_F(Keeper, GivesUpARunThatDoesNotGetThroughAndTriesAgain) {
    say("fra-1", "shop-fra/main", lifeMs / 4);
    look();
    ASSERT_EQ(runs().size(), 1u);
    const std::string first = runs()[0].id;
    for (int i = 0; i < 4; ++i) look();
    const MonotonicMs deadline = SystemClock().monotonic() + 5000;
    const auto state = [&] { return conductor.find(first)->state; };
    while (state() == run::RunState::running && SystemClock().monotonic() < deadline) {
    }
    EXPECT_NE(state(), run::RunState::running);
}

}  // namespace
}  // namespace swb::dispatch
