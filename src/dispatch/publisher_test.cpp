// The publisher with a store in memory, journals in a temporary directory and a name server on a free port.
#include "dispatch/publisher.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "dispatch/zone_composition.h"
#include "dns/epoch_mark.h"
#include "store/memory_store.h"

namespace swb::dispatch {
namespace {

dns::Name name(std::string_view text) {
    return *dns::Name::fromText(text);
}

class PublisherTest : public testing::Test {
  protected:
    PublisherTest() {
        std::string pattern = testing::TempDir() + "publisher-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        store_ = std::make_unique<store::MemoryStore>(clock_);
    }
    ~PublisherTest() override {
        publisher_.reset();
        std::filesystem::remove_all(directory_);
    }

    void start() {
        publisher_.reset();
        ZoneSettings first{"fo.example", "", {{"ns1", {"127.0.0.1"}}}},
            second{"in.fo.example", "", {{"ns1", {"127.0.0.1"}}}};
        auto started =
            Publisher::start({first, second}, directory_, {.endpoints = {*dns::Endpoint::fromText("127.0.0.1:0")}});
        ASSERT_TRUE(started) << describe(started.error());
        publisher_ = *std::move(started);
    }
    void put(const std::string& kind, const std::string& id, Json body, std::vector<store::NewEvent> events = {}) {
        store::Commit commit;
        commit.puts.push_back({kind, id, store::anyVersion, std::move(body)});
        commit.events = std::move(events);
        ASSERT_TRUE(store_->commit(commit));
    }
    void putApplication(const std::string& id, const std::string& address) {
        Application application;
        application.name = id;
        application.site = "east";
        WebSpec web;
        web.server = "east-1";
        web.address = address;
        web.listen = {"80"};
        web.upstream = {"127.0.0.1", 3000};
        application.web.push_back(web);
        put("application", id, JsonObject{{"definition", applicationToJson(application)}});
    }
    void putGroup(const std::string& id, int64_t epoch, const std::string& current,
                  const std::string& zone = "fo.example") {
        Group group;
        group.id = "fg-" + id;
        group.name = id;
        group.primary = "app-a";
        group.secondary = "app-b";
        group.current = current;
        group.label = id;
        group.address = id + "." + zone;
        group.epoch = epoch;
        put("group", id, toJson(group));
    }
    std::string answered(const std::string& address) const {
        const auto zones = publisher_->server().zones();
        const dns::Name owner = name(address);
        const dns::ZoneSnapshot* zone = zones->find(dns::HashedName(owner), 1);
        const auto entry = zone ? zone->failoverAddressAt(owner) : std::nullopt;
        return entry ? entry->addresses.front().toText() + "/" + std::to_string(entry->epoch) : "none";
    }
    void publishTwoGroups() {
        start();
        putApplication("app-a", "192.0.2.1");
        putApplication("app-b", "192.0.2.2");
        putGroup("shop", 3, "app-a");
        putGroup("blog", 5, "app-a");
        ASSERT_TRUE(publisher_->publish(*store_));
    }

    SystemClock clock_;
    std::string directory_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<Publisher> publisher_;
};

TEST_F(PublisherTest, AGroupIsPublishedAlone) {
    publishTwoGroups();
    const uint32_t serial = publisher_->serial();
    putGroup("shop", 4, "app-b");
    putGroup("blog", 6, "app-b");
    EXPECT_EQ(*publisher_->publishGroup(*store_, "shop"), serial + 1);
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.2/4");
    EXPECT_EQ(answered("blog.fo.example"), "192.0.2.1/5") << "not asked for";
    EXPECT_TRUE(publisher_->verify("shop.fo.example", {"192.0.2.2"}));
    EXPECT_EQ(*publisher_->publishGroup(*store_, "shop"), serial + 1) << "nothing changed";
    EXPECT_EQ(*publisher_->publishApplication(*store_, "app-b"), serial + 2);
    EXPECT_EQ(answered("blog.fo.example"), "192.0.2.2/6");
    putGroup("blog", 6, "");
    ASSERT_TRUE(publisher_->publishGroup(*store_, "blog"));
    EXPECT_EQ(answered("blog.fo.example"), "none");
}

TEST_F(PublisherTest, ARestartAnswersTheLastGoodZone) {
    publishTwoGroups();
    const uint32_t serial = publisher_->serial();
    start();
    EXPECT_EQ(publisher_->serial(), serial);
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.1/3") << "without any store";
    EXPECT_EQ(*publisher_->publish(*store_), serial);
}

TEST_F(PublisherTest, ARestoredBackupTakesNothingAway) {
    publishTwoGroups();
    store_ = std::make_unique<store::MemoryStore>(clock_);
    putApplication("app-b", "192.0.2.2");
    putGroup("shop", 2, "app-b");
    start();
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.1/3") << "an older epoch";
    EXPECT_EQ(answered("blog.fo.example"), "192.0.2.1/5") << "unknown to the store";
    EXPECT_EQ(publisher_->publishGroup(*store_, "shop").error().code, ErrorCode::EpochOld);
    putGroup("shop", 2, "");
    EXPECT_EQ(publisher_->publishGroup(*store_, "shop").error().code, ErrorCode::EpochOld);
    putGroup("shop", 4, "app-b");
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.2/4");
    store::Commit deletion;
    deletion.events.push_back({"group.deleted", "group/blog", "test", JsonObject{{"address", "blog.fo.example"}}});
    ASSERT_TRUE(store_->commit(deletion));
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_EQ(answered("blog.fo.example"), "none") << "the event log says it was deleted";
    ASSERT_TRUE(publisher_->removeAddress("shop.fo.example"));
    EXPECT_EQ(answered("shop.fo.example"), "none");
    EXPECT_EQ(publisher_->removeAddress("shop.fo.example").error().code, ErrorCode::NotFound);
}

TEST_F(PublisherTest, StaticRecordsAndTheZoneBelow) {
    publishTwoGroups();
    putGroup("deep", 1, "app-b", "in.fo.example");
    const swb::Zone zone{"fo.example", {{"www.fo.example", "CNAME", 60, {"shop.fo.example."}}}, {}};
    put("zone", "fo.example", toJson(zone));
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_EQ(answered("deep.in.fo.example"), "192.0.2.2/1");
    EXPECT_FALSE(publisher_->zone()->nodeOf(name("deep.in.fo.example"))) << "it is in the longer zone only";
    ASSERT_TRUE(publisher_->zone()->nodeOf(name("www.fo.example")));
    EXPECT_EQ(toJson(*zoneDocument(*store_, name("fo.example"))), toJson(zone));
    const uint32_t before = publisher_->serial();
    put("zone", "fo.example", toJson(swb::Zone{"fo.example", {{"x.other", "A", 1, {"192.0.2.1"}}}, {}}));
    EXPECT_FALSE(publisher_->publish(*store_));
    EXPECT_EQ(publisher_->serial(), before) << "a bad record changes nothing";
}

TEST_F(PublisherTest, TheSignerComesBeforeAndTheObserverAfter) {
    start();
    std::vector<uint32_t> observed;
    publisher_->setSigner([](const dns::ZoneSnapshot&, dns::ZoneChange change) -> Result<dns::ZoneChange> {
        for (dns::SetChange& set : change.sets)
            if (set.after && set.type == 1)
                set.after->signatures = {
                    TRY(dns::rdataFromText(46, "A 13 3 300 20300101000000 20200101000000 1 fo.example. AAEC"))};
        return change;
    });
    publisher_->setObserver([&](const dns::ZonePointer& zone, const std::shared_ptr<const dns::ZoneChange>& change) {
        EXPECT_EQ(change->toSerial, zone->serial());
        observed.push_back(zone->serial());
    });
    putApplication("app-a", "192.0.2.1");
    putGroup("shop", 3, "app-a");
    ASSERT_TRUE(publisher_->publishGroup(*store_, "shop"));
    EXPECT_EQ(observed, std::vector{publisher_->serial()});
    EXPECT_EQ(publisher_->zone()->nodeOf(name("shop.fo.example")).find(1)->signatures.size(), 1u);
    publisher_->setSigner([](const dns::ZoneSnapshot&, dns::ZoneChange) -> Result<dns::ZoneChange> {
        return fail(ErrorCode::StorageFailed, "no key");
    });
    putGroup("shop", 4, "");
    EXPECT_FALSE(publisher_->publishGroup(*store_, "shop"));
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.1/3") << "an unsigned answer would be a wrong one";
}

TEST_F(PublisherTest, AZoneThatCannotBeReadIsNotAnsweredEmpty) {
    publishTwoGroups();
    const uint32_t serial = publisher_->serial();
    publisher_.reset();
    ASSERT_TRUE(writeFileAtomically(directory_ + "/fo.example/zone", "rotten"));
    start();
    EXPECT_EQ(publisher_->zone(), nullptr);
    EXPECT_EQ(publisher_->serial(), 0u);
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.1/3");
    EXPECT_TRUE(dns::isNewerSerial(publisher_->serial(), serial) || publisher_->serial() == serial);
}

TEST_F(PublisherTest, NorAfterARestartThatCameBeforeThePublication) {
    publishTwoGroups();
    publisher_.reset();
    ASSERT_TRUE(writeFileAtomically(directory_ + "/fo.example/zone", "rotten"));
    start();
    publisher_->setSigner([](const dns::ZoneSnapshot&, dns::ZoneChange) -> Result<dns::ZoneChange> {
        return fail(ErrorCode::StorageFailed, "no key");
    });
    EXPECT_FALSE(publisher_->publish(*store_));
    start();
    EXPECT_EQ(publisher_->zone(), nullptr) << "an empty zone on disk would be answered";
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.1/3");
    start();
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.1/3");
}

TEST_F(PublisherTest, LostChangesMoveTheSerialPastThemEvenAfterAnotherRestart) {
    publishTwoGroups();
    putGroup("shop", 4, "app-a");
    ASSERT_TRUE(publisher_->publishGroup(*store_, "shop"));
    publisher_.reset();
    const std::string journal = directory_ + "/fo.example/journal";
    std::string octets = *readFile(journal);
    octets[100] = static_cast<char>(octets[100] ^ 1);
    ASSERT_TRUE(writeFileAtomically(journal, octets));
    start();
    start();
    const auto floor = publisher_->journal(name("fo.example"))->serialFloor();
    ASSERT_TRUE(floor);
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_FALSE(dns::isNewerSerial(*floor, publisher_->serial()));
    EXPECT_FALSE(publisher_->journal(name("fo.example"))->serialFloor());
    EXPECT_EQ(answered("shop.fo.example"), "192.0.2.1/4");
}

TEST_F(PublisherTest, HintsInOtherZonesFollowASwitch) {
    publishTwoGroups();
    const swb::Zone zone{
        "in.fo.example", {{"www.in.fo.example", "HTTPS", 60, {"1 shop.fo.example. ipv4hint=203.0.113.1"}}}, {}};
    ASSERT_TRUE(publisher_->checkZone(*store_, zone));
    put("zone", "in.fo.example", toJson(zone));
    ASSERT_TRUE(publisher_->publish(*store_));
    const auto record = [&] {
        const dns::ZonePointer answering = publisher_->zone(name("in.fo.example"));
        return dns::rdataToText(65, answering->nodeOf(name("www.in.fo.example")).find(65)->records.front());
    };
    EXPECT_EQ(record(), "1 shop.fo.example. ipv4hint=192.0.2.1");
    putGroup("shop", 4, "app-b");
    const uint32_t serial = publisher_->serial();
    EXPECT_EQ(*publisher_->publishGroup(*store_, "shop"), serial + 1) << "the serial of the address's zone";
    EXPECT_EQ(record(), "1 shop.fo.example. ipv4hint=192.0.2.2");
    const uint32_t other = publisher_->zone(name("in.fo.example"))->serial();
    putGroup("blog", 6, "app-b");
    ASSERT_TRUE(publisher_->publishGroup(*store_, "blog"));
    EXPECT_EQ(publisher_->zone(name("in.fo.example"))->serial(), other) << "it is not about that one";
    putGroup("shop", 2, "app-a");
    EXPECT_FALSE(publisher_->publishGroup(*store_, "shop"));
    ASSERT_TRUE(publisher_->publish(*store_));
    EXPECT_EQ(record(), "1 shop.fo.example. ipv4hint=192.0.2.2") << "an older epoch takes no hint back either";
    EXPECT_FALSE(publisher_->checkZone(
        *store_, {"in.fo.example",
                  {{"www.in.fo.example", "HTTPS", 60, {"1 shop.fo.example. mandatory=ipv4hint ipv4hint=203.0.113.1"}}},
                  {}}));
}

}  // namespace
}  // namespace swb::dispatch
