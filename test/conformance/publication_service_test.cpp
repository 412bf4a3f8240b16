// The service that carries publications out, over a store in memory and a real BIND or the stand-ins.
#include "dispatch/publications.h"

#include <atomic>
#include <future>

#include "base/file.h"
#include "base/ids.h"
#include "model/address.h"
#include "store/memory_store.h"
#include "support/providers/primary.h"

namespace swb::dispatch {
namespace {

using test::Primary;

// A system clock whose date can be moved.
class MovedClock final : public Clock {
  public:
    UnixMs now() const override { return clock_.now() + ahead; }
    MonotonicMs monotonic() const override { return clock_.monotonic(); }
    std::atomic<int64_t> ahead{0};

  private:
    SystemClock clock_;
};

PublicationSettings quick() {
    PublicationSettings settings;
    settings.timing.settleMs = settings.timing.surveyPauseMs = settings.timing.syncPollMs = 50;
    settings.timing.retryFirstMs = 100;
    settings.timing.verifyMs = settings.timing.syncMs = 1000;
    settings.timing.slowMs = 100;
    settings.preflightMs = settings.watchMs = 200;
    settings.confirmMs = 4000;
    return settings;
}

class ServiceTest : public testing::Test {
  protected:
    void setUp(const char* kind, ProviderKind provider) {
        primary = std::make_unique<Primary>(kind);
        Publication www;
        www.name = "www.shop.example";
        www.zone = "shop.example";
        www.provider = provider;
        www.endpoint = textAt(primary->facts, "endpoint");
        www.credential = "secret:test";
        for (const Json& server : primary->facts.at("nameServers").as_array())
            www.nameServers.emplace_back(server.as_string());
        group.id = "fg-shop";
        group.name = "shop";
        group.current = group.primary = "shop-fra";
        group.address = "shop.fo.example";
        group.label = "shop";
        group.epoch = 1;
        group.ttl = 60;
        group.publications = {www};
        Application application;
        application.name = "shop-fra";
        application.site = "fra";
        WebSpec web;
        web.server = "fra-1";
        web.address = "192.0.2.1";
        web.listen = {"80"};
        web.upstream = {"127.0.0.1", 3000};
        application.web = {web};
        store::Commit commit;
        commit.puts.push_back(
            {"application", "shop-fra", store::anyVersion, JsonObject{{"definition", applicationToJson(application)}}});
        ASSERT_TRUE(store.commit(commit));
        setCredential(textAt(primary->facts, "credential"));
        putGroup();
        restart();
    }
    void TearDown() override {
        if (service) service->stop();
        removeFile(keyFile);
    }
    void restart() {
        if (service) service->stop();
        service = std::make_unique<Publications>(store, *sealer, clock, settings);
        ASSERT_TRUE(service->start());
    }
    void putGroup() {
        store::Commit commit;
        commit.puts.push_back({"group", "shop", store::anyVersion, toJson(group)});
        ASSERT_TRUE(store.commit(commit));
    }
    void setCredential(const std::string& text) {
        store::Commit commit;
        commit.puts.push_back({"credential", "test", store::anyVersion,
                               JsonObject{{"sealed", sealer->seal(Secret(text), Publications::credentialId("test"))}}});
        ASSERT_TRUE(store.commit(commit));
    }
    plan::PublicationView view() { return service->views(group).front(); }
    // Waits until the view is as it should be.
    template <typename Condition>
    bool eventually(Condition condition) {
        for (int i = 0; i < 100; ++i) {
            if (condition(view())) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }
    bool becomes(const std::string& standing) {
        return eventually([&](const plan::PublicationView& seen) { return seen.standing == standing; });
    }
    // What a run's two steps do.
    Result<Json> moveTo(int64_t epoch, const std::vector<std::string>& addresses) {
        group.epoch = epoch;
        group.busy = "r-1";
        putGroup();
        service->want(group, addresses);
        auto promise = std::make_shared<std::promise<Result<Json>>>();
        auto future = promise->get_future();
        service->confirm("shop", epoch, [promise](Result<Json> result) { promise->set_value(std::move(result)); });
        return future.get();
    }

    Json described() { return service->describe(group, group.publications.front()); }
    std::vector<store::Event> eventsOf(const std::string& type) {
        store::EventQuery query;
        query.typePrefix = type;
        return *store.events(query);
    }
    std::unique_ptr<publication::Provider> otherWriter() {
        publication::ProviderSettings other;
        other.publication = group.publications.front();
        other.credential = Secret(textAt(primary->facts, "credential"));
        return std::move(*publication::makeProvider(other));
    }

    MovedClock clock;
    store::MemoryStore store{clock};
    std::string keyFile = testing::TempDir() + newId("seal");
    std::optional<crypto::Sealer> sealer{*crypto::Sealer::load(keyFile)};
    PublicationSettings settings = quick();
    Group group;
    std::unique_ptr<Primary> primary;
    std::unique_ptr<Publications> service;
};

TEST_F(ServiceTest, AnUnadoptedNameIsLeftAloneAdoptedItFollowsEveryEpoch) {
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(becomes("conflict")) << view().standing << " " << view().detail;
    EXPECT_NE(view().detail.find("mark"), std::string::npos);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published")) << view().detail;
    for (int64_t epoch = 2; epoch < 5; ++epoch) {
        const std::string address = "198.51.100." + std::to_string(epoch);
        const auto moved = moveTo(epoch, {address});
        ASSERT_TRUE(moved) << moved.error().message;
        EXPECT_NE(view().detail.find(address), std::string::npos);
    }
    const auto document = store.get("publication", "shop/www.shop.example/A");
    ASSERT_TRUE(document && *document);
    const auto record = publication::recordFromJson((*document)->body);
    EXPECT_EQ(record->standing, publication::Standing::published);
    EXPECT_EQ(record->intent->before->values, std::vector<std::string>{"198.51.100.3"});
    EXPECT_EQ(record->published->epoch, 4);
}

TEST_F(ServiceTest, AdoptionOfANameThatAnswersSomethingElseNeedsConsent) {
    setUp("cloudflare", ProviderKind::cloudflare);
    const auto refused = service->adopt(group, "www.shop.example/A", {"198.51.100.1"}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ConsentRequired);
    EXPECT_TRUE(service->adopt(group, "www.shop.example/A", {"198.51.100.1"}, {true, ""}));
    EXPECT_FALSE(service->adopt(group, "www.shop.example/A", {}, {true, ""})) << "an empty set is never published";
    EXPECT_FALSE(service->adopt(group, "other/A", {"198.51.100.1"}, {}));
}

TEST_F(ServiceTest, APartialPublicationFailsTheStepAndNamesTheServer) {
    setUp("bind", ProviderKind::rfc2136);
    Primary stale("bind");
    const std::string staleServer(stale.facts.at("nameServers").at(0).as_string());
    group.publications.front().nameServers.push_back(staleServer);
    putGroup();
    service->reconcile();
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published")) << view().detail;
    const auto moved = moveTo(2, {"198.51.100.2"});
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, ErrorCode::VerificationFailed);
    EXPECT_NE(moved.error().message.find(staleServer), std::string::npos) << moved.error().message;
}

TEST_F(ServiceTest, AWrongCredentialIsSeenByThePreflightAndARightOneHelps) {
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    setCredential("swing:d3Jvbmctc2VjcmV0LXRleHQh");
    const auto moved = moveTo(2, {"198.51.100.2"});
    ASSERT_FALSE(moved);
    EXPECT_EQ(view().standing, "failed") << view().detail;
    setCredential(textAt(primary->facts, "credential"));
    const auto again = moveTo(2, {"198.51.100.2"});
    EXPECT_TRUE(again) << again.error().message;
}

TEST_F(ServiceTest, AForeignChangeIsAnAlarmAndNotRepaired) {
    setUp("route53", ProviderKind::route53);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(eventually([](const plan::PublicationView& seen) {
        return seen.standing == "verifying" || seen.standing == "partial";
    })) << view().standing;
    publication::ProviderSettings other;
    other.publication = group.publications.front();
    other.credential = Secret(textAt(primary->facts, "credential"));
    const auto provider = std::move(*publication::makeProvider(other));
    const auto look = service->look(group, "www.shop.example/A");
    ASSERT_TRUE(look);
    EXPECT_TRUE(booleanAt(look->at("reading").at("mark"), "ours"));
    EXPECT_EQ(look->at("answers").as_array().size(), 2u) << "nobody answers there, but it was asked";
}

TEST_F(ServiceTest, DriftIsNoticedWithinThePreflightsPace) {
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    const auto provider = otherWriter();
    ASSERT_TRUE(provider->replace(*provider->read(), {{60, {"203.0.113.66"}}, {"fg-shop", 1}}));
    EXPECT_TRUE(eventually([](const plan::PublicationView& seen) {
        return seen.problem.find("203.0.113.66") != std::string::npos;
    })) << view().problem;
    EXPECT_EQ(provider->read()->set->values, std::vector<std::string>{"203.0.113.66"}) << "said, not repaired";
}

TEST_F(ServiceTest, AFlipBackAfterAChangeIsSaidAtOnceWithWhoAnswersWhat) {
    settings.preflightMs = 60'000;
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    ASSERT_TRUE(moveTo(2, {"198.51.100.2"}));
    const auto other = otherWriter();
    ASSERT_TRUE(other->replace(*other->read(), {{60, {"192.0.2.1"}}, {"fg-shop", 2}}));
    ASSERT_TRUE(eventually([](const plan::PublicationView& seen) { return !seen.problem.empty(); }));
    const std::string server(primary->facts.at("nameServers").at(0).as_string());
    EXPECT_NE(view().problem.find(server), std::string::npos) << view().problem;
    const auto events = eventsOf("publication.drift");
    ASSERT_EQ(events.size(), 1u) << "once, not at every look";
    EXPECT_EQ(toText(events.front().detail.at("answers").at(0).at("values")), "[\"192.0.2.1\"]");
}

TEST_F(ServiceTest, TwoTtlsAfterAChangeTheLooksAreFewAgain) {
    settings.preflightMs = 60'000;
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    ASSERT_TRUE(eventually([](const plan::PublicationView& seen) { return seen.checkedAt > 0; }));
    clock.ahead = 121'000;
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    const UnixMs checkedAt = view().checkedAt;
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EQ(view().checkedAt, checkedAt);
}

TEST_F(ServiceTest, WhatTheResolversAnswerIsShownAndHeldAgainstNobody) {
    setUp("bind", ProviderKind::rfc2136);
    Primary behind("bind");
    for (const Primary* resolver : {primary.get(), &behind}) {
        const auto address = parseHostPort(std::string(resolver->facts.at("nameServers").at(0).as_string()), 53);
        settings.resolvers.push_back({*dns::IpAddress::fromText(address->host), address->port});
    }
    restart();
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    ASSERT_TRUE(moveTo(2, {"198.51.100.2"}));
    ASSERT_TRUE(eventually([this](const plan::PublicationView&) {
        const Json description = described();
        const JsonArray& asked = description.at("resolvers").as_array();
        return asked.size() == 2 && toText(asked[0].at("values")) == "[\"198.51.100.2\"]";
    })) << toText(described());
    const auto look = service->look(group, "www.shop.example/A");
    EXPECT_EQ(toText(look->at("resolvers").at(1).at("values")), "[\"192.0.2.1\"]");
    EXPECT_EQ(integerAt(look->at("resolvers").at(1), "ttl"), 60);
    EXPECT_EQ(view().standing, "published");
    EXPECT_EQ(view().problem, "");
}

TEST_F(ServiceTest, EveryWeekTheSameValueIsWrittenToSeeThatTheCredentialStillWrites) {
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    const std::string first = textAt(described(), "writtenAt");
    EXPECT_NE(first, "");
    setCredential("swing:d3Jvbmctc2VjcmV0LXRleHQh");
    clock.ahead = rewriteEveryMs - 60'000;
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EQ(textAt(described(), "writtenAt"), first) << "not before its time";
    const size_t told = eventsOf("publication.").size();
    clock.ahead = rewriteEveryMs;
    ASSERT_TRUE(eventually([](const plan::PublicationView& seen) { return !seen.problem.empty(); }));
    EXPECT_NE(view().problem.find("same value"), std::string::npos) << view().problem;
    EXPECT_EQ(view().standing, "published") << "what is published is not in doubt";
    EXPECT_EQ(eventsOf("publication.").size(), told + 1);
    setCredential(textAt(primary->facts, "credential"));
    clock.ahead = rewriteEveryMs + rewriteAgainMs + 60'000;
    EXPECT_TRUE(eventually([this](const plan::PublicationView& seen) {
        return seen.problem.empty() && textAt(described(), "writeProblem").empty();
    })) << view().problem;
    EXPECT_EQ(otherWriter()->read()->set->values, std::vector<std::string>{"192.0.2.1"});
}

TEST_F(ServiceTest, AfterARestartTheJournalSaysWhereItStood) {
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    restart();
    EXPECT_TRUE(becomes("published")) << view().standing << view().detail;
    const auto moved = moveTo(2, {"198.51.100.2"});
    EXPECT_TRUE(moved) << moved.error().message;
}

TEST_F(ServiceTest, AnApplicationWithoutSuchAnAddressLeavesTheNameWhereItIs) {
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    const auto moved = moveTo(2, {"2001:db8::1"});
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, ErrorCode::NotReady) << moved.error().message;
}

TEST_F(ServiceTest, OnlyAMarkOfThisGroupIsWithdrawn) {
    setUp("bind", ProviderKind::rfc2136);
    ASSERT_TRUE(service->adopt(group, "www.shop.example/A", {"192.0.2.1"}, {}));
    ASSERT_TRUE(becomes("published"));
    Group other = group;
    other.id = "fg-other";
    const auto refused = service->withdraw(other, "www.shop.example/A");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotOwned);
    EXPECT_TRUE(otherWriter()->read()->mark);
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(service->withdraw(group, "www.shop.example/A")) << "twice is once";
    const auto left = otherWriter()->read();
    EXPECT_FALSE(left->mark);
    EXPECT_EQ(left->set->values, std::vector<std::string>{"192.0.2.1"});
}

TEST_F(ServiceTest, ARemovedPublicationIsForgottenWithItsJournal) {
    setUp("cloudflare", ProviderKind::cloudflare);
    ASSERT_TRUE(eventually([](const plan::PublicationView& seen) { return seen.standing == "conflict"; }));
    group.publications.clear();
    putGroup();
    service->reconcile();
    EXPECT_FALSE(*store.get("publication", "shop/www.shop.example/A"));
}

}  // namespace
}  // namespace swb::dispatch
