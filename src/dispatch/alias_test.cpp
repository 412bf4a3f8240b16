// Zones beside the first, their own records, and aliases: published, switched and looked up for real on loopback.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/ids.h"
#include "dispatch/alias_keeper.h"
#include "store/memory_store.h"

namespace swb::dispatch {
namespace {

class AliasTest : public testing::Test {
  protected:
    AliasTest() {
        const ZoneSettings first{"fo.example", "", {{"ns1", {"127.0.0.1"}}}};
        publisher = *Publisher::start({first, first.of("shop.example")}, directory + "/zones",
                                      {.endpoints = {{*dns::IpAddress::fromText("127.0.0.1"), 0}}});
    }
    ~AliasTest() override {
        publisher->stop();
        std::filesystem::remove_all(directory);
    }

    void put(const std::string& kind, const std::string& id, Json body) {
        store::Commit commit;
        commit.puts.push_back({kind, id, store::anyVersion, std::move(body)});
        ASSERT_TRUE(store.commit(commit));
    }
    void putApplication(const std::string& name, const std::string& address) {
        Application application;
        application.name = name;
        application.site = "fra";
        WebSpec web;
        web.server = "fra-1";
        web.address = address;
        web.listen = {"80"};
        web.upstream = {"127.0.0.1", 3000};
        application.web.push_back(web);
        put("application", name, JsonObject{{"site", "fra"}, {"definition", applicationToJson(application)}});
    }
    void putGroup(const std::string& current, int64_t epoch) {
        Group group;
        group.id = "fg-1";
        group.name = "shop";
        group.primary = "shop-fra";
        group.secondary = "shop-nyc";
        group.current = current;
        group.label = "shop";
        group.address = "shop.fo.example";
        group.epoch = epoch;
        put("group", "shop", toJson(group));
    }
    void putZone(std::vector<StaticRecords> records, std::vector<Alias> aliases) {
        put("zone", "shop.example", toJson(Zone{"shop.example", std::move(records), std::move(aliases)}));
    }
    // By a real question to the name server.
    std::vector<std::string> answered(const std::string& name) {
        const auto found = dns::resolveA(publisher->server().endpoints().front().toText(), name, 2000);
        return found ? found->addresses : std::vector<std::string>{};
    }
    using Addresses = std::vector<std::string>;

    const std::string directory = testing::TempDir() + newId("alias");
    SystemClock clock;
    store::MemoryStore store{clock};
    std::unique_ptr<Publisher> publisher;
};

TEST_F(AliasTest, TheApexOfAnotherZoneSwitchesWithTheGroup) {
    putApplication("shop-fra", "192.0.2.1");
    putApplication("shop-nyc", "198.51.100.1");
    putGroup("shop-fra", 1);
    putZone({}, {{"shop.example", "shop.fo.example", 60}});
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("shop.example"), Addresses{"192.0.2.1"});
    EXPECT_EQ(answered("shop.fo.example"), Addresses{"192.0.2.1"});
    putGroup("shop-nyc", 2);
    ASSERT_TRUE(publisher->publishGroup(store, "shop"));
    EXPECT_EQ(answered("shop.example"), Addresses{"198.51.100.1"});
    EXPECT_EQ(answered("shop.fo.example"), Addresses{"198.51.100.1"});
    // A store that went back in time changes neither.
    putGroup("shop-fra", 1);
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("shop.example"), Addresses{"198.51.100.1"});
    EXPECT_EQ(answered("shop.fo.example"), Addresses{"198.51.100.1"});
}

TEST_F(AliasTest, ASwitchReadsNoRecordsOfAZone) {
    putApplication("shop-fra", "192.0.2.1");
    putApplication("shop-nyc", "198.51.100.1");
    putGroup("shop-fra", 1);
    putZone({}, {{"shop.example", "shop.fo.example", 60}});
    ASSERT_TRUE(publisher->publish(store));
    put("zone", "shop.example", JsonObject{{"broken", true}});
    putGroup("shop-nyc", 2);
    ASSERT_TRUE(publisher->publishGroup(store, "shop"));
    EXPECT_EQ(answered("shop.example"), Addresses{"198.51.100.1"});
    ASSERT_FALSE(publisher->publish(store));
    putZone({}, {{"shop.example", "shop.fo.example", 60}, {"www.shop.example", "shop.fo.example", 60}});
    putGroup("shop-fra", 3);
    ASSERT_TRUE(publisher->publishGroup(store, "shop")) << "after a failure the documents say what is an alias";
    EXPECT_EQ(answered("shop.example"), Addresses{"192.0.2.1"});
    EXPECT_EQ(answered("www.shop.example"), Addresses{"192.0.2.1"});
}

TEST_F(AliasTest, AnAliasThatIsTakenOutAnswersNoMore) {
    putApplication("shop-fra", "192.0.2.1");
    putGroup("shop-fra", 1);
    putZone({}, {{"www.shop.example", "shop.fo.example", 60}});
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("www.shop.example"), Addresses{"192.0.2.1"});
    putZone({}, {});
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("www.shop.example"), Addresses{});
    EXPECT_EQ(answered("shop.fo.example"), Addresses{"192.0.2.1"});
}

TEST_F(AliasTest, AZoneIsCheckedAsWhatItWouldBe) {
    putApplication("shop-fra", "192.0.2.1");
    putGroup("shop-fra", 1);
    EXPECT_TRUE(publisher->checkZone(store, {"shop.example", {{"www.shop.example", "A", 60, {"192.0.2.7"}}}, {}}));
    EXPECT_FALSE(publisher->checkZone(store, {"other.example", {}, {}}));
    EXPECT_FALSE(publisher->checkZone(store, {"shop.example", {{"www.shop.example", "A", 60, {"300.0.2.7"}}}, {}}));
    EXPECT_FALSE(publisher->checkZone(
        store, {"shop.example",
                {{"www.shop.example", "CNAME", 60, {"a.example."}}, {"www.shop.example", "TXT", 60, {"\"beside\""}}},
                {}}));
    EXPECT_FALSE(publisher->checkZone(store, {"shop.example",
                                              {{"www.shop.example", "A", 60, {"192.0.2.7"}}},
                                              {{"www.shop.example", "shop.fo.example", 60}}}))
        << "both records and an alias";
    EXPECT_FALSE(publisher->checkZone(store, {"shop.example", {}, {{"www.fo.example", "shop.fo.example", 60}}}))
        << "an alias in another zone";
}

TEST_F(AliasTest, AForeignNameIsLookedUpAndItsLastGoodAnswerKept) {
    // Our own server plays the foreign one: the target is a record of the first zone.
    put("zone", "fo.example",
        toJson(Zone{"fo.example",
                    {{"cdn.fo.example", "A", 60, {"203.0.113.5"}}, {"cdn.fo.example", "AAAA", 60, {"2001:db8::5"}}},
                    {}}));
    putZone({}, {{"shop.example", "cdn.fo.example", 30}});
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("shop.example"), Addresses{});
    bool isDown = false;
    const Resolve ask = resolveBy({publisher->server().endpoints().front()});
    const Resolve resolve = [&](const std::string& name) -> Result<dns::ResolvedAddresses> {
        if (isDown) return fail(ErrorCode::Unreachable, "down");
        return ask(name);
    };
    AliasKeeper keeper(store, *publisher, clock, resolve);
    ASSERT_TRUE(keeper.refresh());
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("shop.example"), Addresses{"203.0.113.5"});
    EXPECT_EQ(store.get("alias", "shop.example").value()->body.at("addresses").as_array().size(), 2u);
    EXPECT_FALSE(keeper.refresh()) << "not due yet";

    isDown = true;
    AliasKeeper afterRestart(store, *publisher, clock, resolve);
    EXPECT_FALSE(afterRestart.refresh());
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("shop.example"), Addresses{"203.0.113.5"}) << "a failed look-up takes nothing away";
}

}  // namespace
}  // namespace swb::dispatch
