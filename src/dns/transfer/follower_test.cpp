// The follower between a real primary and a real server, each on a port of its own.
#include "dns/transfer/follower.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "dns/transfer/transfer_test_support.h"

namespace swb::dns::transfer::test {
namespace {

using testing::HasSubstr;

// Accepts connections, as the kernel does for any listening socket, and stays silent.
class SilentPrimary {
  public:
    SilentPrimary() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        SocketAddress own = SocketAddress::of(*Endpoint::fromText("127.0.0.1:0"));
        EXPECT_EQ(::bind(fd_.get(), own.pointer(), own.size), 0);
        EXPECT_EQ(::listen(fd_.get(), 64), 0);
        EXPECT_EQ(::getsockname(fd_.get(), own.pointer(), &own.size), 0);
        endpoint_ = own.endpoint();
    }
    const Endpoint& endpoint() const { return endpoint_; }
    // How many have come; they stay open.
    size_t connections() {
        for (Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); fd.valid();
             fd = Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)))
            accepted_.push_back(std::move(fd));
        return accepted_.size();
    }

  private:
    Fd fd_;
    Endpoint endpoint_;
    std::vector<Fd> accepted_;
};

class FollowerTest : public testing::Test {
  protected:
    FollowerTest() {
        std::string pattern = testing::TempDir() + "follower-XXXXXX";
        settings_.directory = ::mkdtemp(pattern.data());
        settings_.pollMs = 60'000;
        settings_.retryMs = 20;
    }
    ~FollowerTest() override {
        stop();
        std::filesystem::remove_all(settings_.directory);
    }

    FollowedZone& add(std::string_view origin, std::vector<Endpoint> primaries) {
        FollowedZone zone;
        zone.origin = name(origin);
        zone.primaries = std::move(primaries);
        settings_.zones.push_back(std::move(zone));
        return settings_.zones.back();
    }
    void start() {
        stop();
        auto opened = Follower::open(settings_, clock_);
        ASSERT_TRUE(opened) << describe(opened.error());
        follower_ = *std::move(opened);
        ServerOptions options;
        options.endpoints = {*Endpoint::fromText("127.0.0.1:0")};
        options.freshness = &follower_->freshness();
        server_ = *Server::start(options, follower_->zones());
        follower_->start(*server_);
    }
    void stop() {
        if (follower_) follower_->stop();
        server_.reset();
        follower_.reset();
    }
    uint32_t serial(std::string_view origin) const {
        const ZonePointer zone = server_->zones()->zone(name(origin));
        return zone ? zone->serial() : 0;
    }
    bool answersSoon(std::string_view origin, uint32_t wanted, int64_t ms = 10'000) const {
        return eventually([&] { return serial(origin) == wanted; }, ms);
    }
    FollowedState state(size_t index = 0) const { return follower_->states().at(index); }

    SystemClock clock_;
    FollowerSettings settings_;
    std::unique_ptr<Follower> follower_;
    std::unique_ptr<Server> server_;
};

TEST_F(FollowerTest, FollowsItsPrimaryAndOutlivesIt) {
    auto primary = std::make_unique<TestPeer>(std::vector<ZonePointer>{smallZone("fo.example", 1)});
    add("fo.example", {primary->endpoint()});
    start();
    ASSERT_TRUE(answersSoon("fo.example", 1)) << state().lastError;
    ASSERT_TRUE(primary->server().publish(smallZone("fo.example", 2, 2, "203.0.113.20")));
    follower_->notified(name("fo.example"));
    ASSERT_TRUE(answersSoon("fo.example", 2)) << state().lastError;
    EXPECT_EQ(state().serial, 2u);
    EXPECT_GT(state().lastContactAt, 0);
    EXPECT_GT(state().lastChangeAt, 0);
    primary.reset();
    start();
    EXPECT_EQ(serial("fo.example"), 2u) << "from the disk, at once";
    EXPECT_TRUE(eventually([&] { return !state().lastError.empty(); }));
    EXPECT_EQ(serial("fo.example"), 2u);
}

TEST_F(FollowerTest, AnOlderEpochIsRefusedWhateverTheSerial) {
    TestPeer primary({smallZone("fo.example", 5, 3, "203.0.113.30")});
    add("fo.example", {primary.endpoint()});
    start();
    ASSERT_TRUE(answersSoon("fo.example", 5));
    TestPeer restored({smallZone("fo.example", 9, 2, "203.0.113.20")});
    settings_.zones[0].primaries = {restored.endpoint()};
    start();
    ASSERT_TRUE(eventually([&] { return !state().lastError.empty(); }));
    EXPECT_THAT(state().lastError, HasSubstr("SWB-EPOCH-OLD"));
    EXPECT_EQ(serial("fo.example"), 5u);
}

TEST_F(FollowerTest, ASilentPrimaryHoldsUpNoOtherZone) {
    SilentPrimary silent;
    TestPeer primary({smallZone("good.example", 1)});
    for (int i = 0; i < 6; ++i) add("s" + std::to_string(i) + ".example", {silent.endpoint()});
    add("good.example", {primary.endpoint()});
    start();
    ASSERT_TRUE(eventually([&] { return silent.connections() == 2; }));
    EXPECT_TRUE(answersSoon("good.example", 1, 2000));
    for (uint32_t next = 2; next < 5; ++next) {
        ASSERT_TRUE(primary.server().publish(smallZone("good.example", next, next)));
        follower_->notified(name("good.example"));
        EXPECT_TRUE(answersSoon("good.example", next, 2000)) << next;
    }
    EXPECT_TRUE(state(0).lastError.empty()) << "it is still waiting: " << state(0).lastError;
    EXPECT_EQ(silent.connections(), 2u) << "no more than this wait for one primary at a time";
    const MonotonicMs before = clock_.monotonic();
    stop();
    EXPECT_LT(clock_.monotonic() - before, 1000) << "the end does not wait either";
}

TEST_F(FollowerTest, OneThatWasSilentIsAskedLast) {
    SilentPrimary silent;
    std::vector<ZonePointer> zones;
    for (int i = 0; i < 12; ++i) zones.push_back(smallZone("z" + std::to_string(i) + ".example", 1));
    TestPeer primary(zones);
    for (int i = 0; i < 12; ++i) add("z" + std::to_string(i) + ".example", {silent.endpoint(), primary.endpoint()});
    settings_.idleTimeoutMs = 300;
    start();
    for (int i = 0; i < 12; ++i) EXPECT_TRUE(answersSoon("z" + std::to_string(i) + ".example", 1)) << i;
    EXPECT_LE(silent.connections(), 4u) << "the first to ask found out for all";
}

TEST_F(FollowerTest, AZoneExpiresOnlyWhereThatIsWanted) {
    const auto zones = [](uint32_t serial) {
        return std::vector<ZonePointer>{smallZone("old.example", serial, 1, "203.0.113.10", 1),
                                        smallZone("lasting.example", serial, 1, "203.0.113.10", 1)};
    };
    auto primary = std::make_unique<TestPeer>(zones(1));
    const Endpoint endpoint = primary->endpoint();
    add("old.example", {endpoint}).expires = true;
    add("lasting.example", {endpoint});
    settings_.pollMs = 100;
    settings_.staleAfterMs = 300;
    start();
    ASSERT_TRUE(answersSoon("old.example", 1) && answersSoon("lasting.example", 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    EXPECT_EQ(serial("old.example"), 1u) << "while its primary confirms it";
    EXPECT_FALSE(state(0).stale);
    primary.reset();
    ASSERT_TRUE(eventually([&] { return state(0).stale; }));
    EXPECT_TRUE(follower_->freshness().isStale(name("old.example")));
    EXPECT_EQ(serial("old.example"), 1u) << "stale is not expired";
    ASSERT_TRUE(answersSoon("old.example", 0));
    EXPECT_TRUE(state(0).expired);
    EXPECT_EQ(serial("lasting.example"), 1u);
    EXPECT_TRUE(state(1).stale && !state(1).expired);
    primary = std::make_unique<TestPeer>(zones(1), endpoint.toText());
    EXPECT_TRUE(answersSoon("old.example", 1)) << "nothing new, but confirmed";
    EXPECT_TRUE(eventually([&] { return !state(0).expired && !state(0).stale; }));
}

TEST_F(FollowerTest, ARestartMakesAZoneNoYounger) {
    auto primary =
        std::make_unique<TestPeer>(std::vector<ZonePointer>{smallZone("old.example", 1, 1, "203.0.113.10", 100)});
    add("old.example", {primary->endpoint()}).expires = true;
    start();
    ASSERT_TRUE(answersSoon("old.example", 1));
    primary.reset();
    settings_.zones[0].confirmedAt = clock_.now() - 40'000;
    start();
    EXPECT_EQ(serial("old.example"), 1u);
    EXPECT_NEAR(*follower_->freshness().secondsLeft(name("old.example"), 100, clock_.monotonic()), 60, 5);
    settings_.zones[0].confirmedAt = clock_.now() - 101'000;
    start();
    EXPECT_EQ(serial("old.example"), 0u);
    EXPECT_TRUE(state().expired);
    EXPECT_TRUE(eventually([&] { return !state().lastError.empty(); }));
    EXPECT_EQ(serial("old.example"), 0u) << "a primary that cannot be asked does not bring it back";
}

TEST_F(FollowerTest, AZoneWithAKeyIsNeverAskedForWithoutIt) {
    // The primary would give it to anybody.
    TestPeer primary({smallZone("fo.example", 1)});
    add("fo.example", {primary.endpoint()}).key = keyName();
    std::atomic<bool> hasKey = false;
    settings_.findKey = [&](const Name& wanted) {
        EXPECT_EQ(wanted.toText(), keyName().toText());
        return hasKey ? std::make_shared<const TsigKey>(transferKey()) : nullptr;
    };
    start();
    ASSERT_TRUE(eventually([&] { return !state().lastError.empty(); }));
    EXPECT_THAT(state().lastError, HasSubstr(keyName().toText()));
    EXPECT_EQ(primary.server().counters().tcpAnswers, 0u);
    EXPECT_EQ(serial("fo.example"), 0u);
    hasKey = true;
    follower_->retryAll();
    EXPECT_TRUE(answersSoon("fo.example", 1)) << state().lastError;
}

TEST_F(FollowerTest, SettingsThatMakeNoSenseAreRefused) {
    add("fo.example", {});
    EXPECT_FALSE(Follower::open(settings_, clock_));
    settings_.zones[0].primaries = {*Endpoint::fromText("127.0.0.1:1")};
    settings_.zones.push_back(settings_.zones[0]);
    EXPECT_FALSE(Follower::open(settings_, clock_));
}

}  // namespace
}  // namespace swb::dns::transfer::test
