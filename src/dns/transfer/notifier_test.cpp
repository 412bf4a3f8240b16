// The notifier and real secondaries on 127.0.0.0/8.
#include "dns/transfer/notifier.h"

#include <gmock/gmock.h>

#include "dns/transfer/transfer_test_support.h"

namespace swb::dns::transfer::test {
namespace {

using testing::HasSubstr;

class NotifierTest : public testing::Test {
  protected:
    NotifierTest() { settings_.from = {address("127.0.0.1")}; }

    void start() {
        auto started = Notifier::start(settings_, clock_);
        ASSERT_TRUE(started) << describe(started.error());
        notifier_ = *std::move(started);
    }
    void also(const TestPeer& peer, TsigKeyPointer key = nullptr) {
        settings_.rules.also.push_back({peer.endpoint(), std::move(key)});
    }
    // Of the only secondary.
    SecondaryState state() const {
        const auto states = notifier_->states();
        EXPECT_EQ(states.size(), 1u);
        return states.empty() ? SecondaryState() : states.front();
    }
    static ZonePointer zoneWithServers(uint32_t serial, const std::vector<NameServer>& servers) {
        ZoneDefinition zone;
        zone.origin = name("fo.example");
        zone.serial = serial;
        zone.nameServers = servers;
        return build(std::move(zone));
    }

    SystemClock clock_;
    NotifierSettings settings_;
    std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, TellsASecondaryAndWatchesUntilItHasTheZone) {
    TestPeer secondary({smallZone("fo.example", 6)});
    also(secondary);
    start();
    notifier_->zoneChanged(smallZone("fo.example", 7));
    ASSERT_TRUE(eventually([&] { return state().session.seen == 6u; }));
    EXPECT_EQ(secondary.notified, 1);
    EXPECT_EQ(state().session.acknowledged, 7u);
    EXPECT_EQ(state().newest, 7u);
    EXPECT_FALSE(state().session.convergedAfterMs);
    EXPECT_GT(state().lastContactAt, 0);
    ASSERT_TRUE(secondary.server().publish(smallZone("fo.example", 7)));
    ASSERT_TRUE(eventually([&] { return state().session.convergedAfterMs.has_value(); }));
    EXPECT_EQ(state().session.seen, 7u);
    notifier_->stop();
    EXPECT_EQ(state().session.seen, 7u) << "what is known stays known";
}

TEST_F(NotifierTest, SignsWithTheKeyAndSaysWhatASecondaryAnswers) {
    const auto onlySigned = [](PeerSettings& settings) { settings.allowNotify = {{{}, keyName()}}; };
    TestPeer secondary({smallZone("fo.example", 7)}, "127.0.0.1:0", onlySigned);
    also(secondary, std::make_shared<const TsigKey>(transferKey()));
    start();
    notifier_->zoneChanged(smallZone("fo.example", 7));
    ASSERT_TRUE(eventually([&] { return state().session.convergedAfterMs.has_value(); }));
    EXPECT_EQ(secondary.notified, 1);
    // The wrong secret, and none at all.
    for (const auto& [key, problem] : {std::pair(std::make_shared<const TsigKey>(transferKey("wrong")), "NOTAUTH"),
                                       std::pair(std::shared_ptr<const TsigKey>(), "REFUSED")}) {
        settings_.rules.also.front().key = key;
        start();
        notifier_->zoneChanged(smallZone("fo.example", 8));
        ASSERT_TRUE(eventually([&] { return !state().session.problem.empty(); })) << problem;
        EXPECT_THAT(state().session.problem, HasSubstr(problem));
        EXPECT_FALSE(state().session.acknowledged);
        EXPECT_EQ(state().session.unanswered, 0) << "no is an answer";
    }
    EXPECT_EQ(secondary.notified, 1);
}

TEST_F(NotifierTest, ASecondaryThatDoesNotAnswerIsSeen) {
    Endpoint nobody;
    {
        const TestPeer gone({smallZone("fo.example", 1)});
        nobody = gone.endpoint();
    }
    settings_.rules.also.push_back({nobody, nullptr});
    start();
    notifier_->zoneChanged(smallZone("fo.example", 7));
    EXPECT_TRUE(eventually([&] { return state().session.unanswered >= 3; }));
    EXPECT_EQ(state().lastContactAt, 0);
}

TEST_F(NotifierTest, TheNameServersOfTheZoneAreToldButNotThePrimary) {
    TestPeer second({smallZone("fo.example", 1)}, "127.0.0.2:0");
    settings_.rules.nameServerPort = second.endpoint().port;
    settings_.rules.own = {address("127.0.0.1")};
    start();
    const NameServer primary{name("ns1.fo.example"), {address("127.0.0.5")}},
        other{name("ns2.fo.example"), {address("127.0.0.2"), address("127.0.0.1")}};
    notifier_->zoneChanged(zoneWithServers(7, {primary, other}));
    EXPECT_TRUE(eventually([&] { return second.notified == 1; }));
    EXPECT_EQ(state().endpoint.address.toText(), "127.0.0.2");
    notifier_->zoneChanged(zoneWithServers(8, {primary}));
    EXPECT_TRUE(notifier_->states().empty()) << "it is no name server of the zone any more";
}

// A zone that a resolver would answer, here by its own name server.
ZonePointer elsewhere(std::string_view addressOfServer) {
    ZoneDefinition zone;
    zone.origin = name("elsewhere.example");
    zone.nameServers = {{name("ns.elsewhere.example"), {address("192.0.2.1")}}};
    zone.records = {recordSet("dns.elsewhere.example", type::a, {std::string(addressOfServer)}, 0)};
    return build(std::move(zone));
}

TEST_F(NotifierTest, NameServersNamedElsewhereAreLookedUp) {
    TestPeer second({smallZone("fo.example", 1)}, "127.0.0.2:0");
    TestPeer third({smallZone("fo.example", 1)}, "127.0.0.3:" + std::to_string(second.endpoint().port));
    auto resolver = std::make_unique<TestPeer>(std::vector<ZonePointer>{elsewhere("127.0.0.2")});
    settings_.rules.nameServerPort = second.endpoint().port;
    settings_.lookUpTiming = {50, 50, 50};
    settings_.lookUp = [endpoint = resolver->endpoint()](const std::string& server) {
        return resolveAddresses(endpoint, server, type::a, 200, Recursion::desired);
    };
    start();
    notifier_->zoneChanged(
        zoneWithServers(7, {{name("ns1.fo.example"), {address("127.0.0.1")}}, {name("dns.elsewhere.example"), {}}}));
    ASSERT_TRUE(eventually([&] { return second.notified == 1; }));
    EXPECT_EQ(state().newest, 7u);
    const std::string listen = resolver->endpoint().toText();
    resolver.reset();
    resolver = std::make_unique<TestPeer>(std::vector<ZonePointer>{elsewhere("127.0.0.3")}, listen);
    ASSERT_TRUE(eventually([&] { return third.notified == 1; })) << "it has moved";
    EXPECT_EQ(state().endpoint.address.toText(), "127.0.0.3");
    resolver.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EQ(state().endpoint.address.toText(), "127.0.0.3") << "the last good address stays";
}

}  // namespace
}  // namespace swb::dns::transfer::test
