// A run that moves a name at a real BIND: API, conductor, steps, service, provider, journal.
#include <filesystem>

#include "api/api.h"
#include "base/ids.h"
#include "publication/provider.h"
#include "store/memory_store.h"
#include "support/providers/primary.h"

namespace swb::api {
namespace {

class PublicationRun : public testing::Test {
  protected:
    PublicationRun() {
        std::filesystem::create_directories(directory);
        publisher = *dispatch::Publisher::start({{"test.example", "", {{"ns1", {"127.0.0.1"}}}}}, directory + "/zones",
                                                {.endpoints = {{*dns::IpAddress::fromText("127.0.0.1"), 0}}});
        auto made = *crypto::createAuthority("test", 10);
        authority.emplace(*crypto::CertificateAuthority::load(made.certificatePem, made.keyPem));
        sealer.emplace(*crypto::Sealer::load(directory + "/seal.key"));
        signers.emplace(dispatch::ZoneSigningSettings{directory + "/dnssec", {}, {}, {}, {}}, *sealer, clock);
        publisher->setSigner(signers->hook());
        dispatch::PublicationSettings settings;
        settings.timing.settleMs = settings.timing.surveyPauseMs = settings.timing.retryFirstMs = 50;
        settings.timing.verifyMs = 1000;
        settings.confirmMs = 3000;
        publications.emplace(store, *sealer, clock, settings);
        verbs.emplace(store, *publisher, *authority, *sealer, clock, &*publications);
        inspector.emplace(store, fleet, clock);
        inspector->setDnsServing(true);
        inspector->setPublications(&*publications);
        conductor.emplace(store, fleet, *verbs, clock);
        EXPECT_TRUE(publications->start());
        EXPECT_TRUE(conductor->start());
        links.emplace(store, fleet, *conductor, clock);
        api.emplace(Context{store, fleet, *conductor, *inspector, *links, *publisher, *signers, *authority, *sealer,
                            clock, "test.example", "https://127.0.0.1:1", "0", &*publications});
        token = createToken(store, "admin", Role::admin, 0, "test")->secret.reveal();
        putApplication("shop-fra", "fra", "192.0.2.1");
        putApplication("shop-nyc", "nyc", "198.51.100.1");
    }
    ~PublicationRun() override {
        publications->stop();
        conductor->stop();
        publisher->stop();
        std::filesystem::remove_all(directory);
    }

    Response ask(const std::string& method, const std::string& path, const Json& body = nullptr) {
        Request request;
        request.method = method;
        request.path = path;
        request.contentType = "application/json";
        request.authorization = "Bearer " + token;
        if (!body.is_null()) request.body = toText(body);
        return api->handle(request);
    }
    void putApplication(const std::string& name, const std::string& site, const std::string& address) {
        Application application;
        application.name = name;
        application.site = site;
        WebSpec web;
        web.server = site + "-1";
        web.address = address;
        web.listen = {"80"};
        web.upstream = {"127.0.0.1", 3000};
        application.web = {web};
        store::Commit commit;
        commit.puts.push_back(
            {"application", name, store::anyVersion,
             JsonObject{{"site", site}, {"definition", applicationToJson(application)}, {"text", ""}}});
        ASSERT_TRUE(store.commit(commit));
    }
    void publish(const Json& nameServers) {
        // As `group create` stores it, without the runs that need agents.
        Group group;
        group.id = "fg-shop";
        group.name = group.label = "shop";
        group.primary = group.current = "shop-fra";
        group.secondary = "shop-nyc";
        group.address = "shop.test.example";
        group.epoch = 1;
        store::Commit commit;
        commit.puts.push_back({"group", "shop", store::mustNotExist, toJson(group)});
        ASSERT_TRUE(store.commit(commit));
        ASSERT_TRUE(publisher->publish(store));
        ASSERT_EQ(ask("PUT", "/v1/credentials/dns", JsonObject{{"value", primary.facts.at("credential")}}).status, 200);
        const Response added = ask("POST", "/v1/groups/shop/publications",
                                   JsonObject{{"name", "www.shop.example"},
                                              {"zone", "shop.example"},
                                              {"provider", "rfc2136"},
                                              {"endpoint", primary.facts.at("endpoint")},
                                              {"credential", "secret:dns"},
                                              {"nameServers", nameServers}});
        ASSERT_EQ(added.status, 201) << toText(added.body);
        ASSERT_EQ(ask("POST", "/v1/groups/shop/publications/www.shop.example/A/adopt", JsonObject{}).status, 202);
    }
    std::string standing() { return textAt(ask("GET", "/v1/publications").body.at("publications").at(0), "standing"); }
    std::string switchTo(const std::string& application) {
        const Response begun =
            ask("POST", "/v1/groups/shop/switch", JsonObject{{"to", application}, {"trafficOnly", true}});
        EXPECT_EQ(begun.status, 202) << toText(begun.body);
        return begun.status == 202 ? textAt(begun.body.at("run"), "id") : "";
    }
    template <typename Condition>
    static bool eventually(Condition condition) {
        for (int i = 0; i < 200; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }

    std::string directory = testing::TempDir() + newId("publish");
    test::Primary primary{"bind"};
    SystemClock clock;
    store::MemoryStore store{clock};
    dispatch::Fleet fleet{clock, "0"};
    std::unique_ptr<dispatch::Publisher> publisher;
    std::optional<dispatch::ZoneSigners> signers;
    std::optional<crypto::CertificateAuthority> authority;
    std::optional<crypto::Sealer> sealer;
    std::optional<dispatch::Publications> publications;
    std::optional<dispatch::ControllerVerbs> verbs;
    std::optional<dispatch::Inspector> inspector;
    std::optional<dispatch::Conductor> conductor;
    std::optional<dispatch::LinkWatch> links;
    std::optional<Api> api;
    std::string token;
};

TEST_F(PublicationRun, MovesTheNameAndSaysSo) {
    publish(primary.facts.at("nameServers"));
    ASSERT_TRUE(eventually([&] { return standing() == "published"; })) << standing();
    const std::string id = switchTo("shop-nyc");
    ASSERT_TRUE(eventually([&] { return conductor->find(id)->state == run::RunState::done; }))
        << toText(run::toPublic(*conductor->find(id)));
    EXPECT_EQ(conductor->find(id)->find("confirm-elsewhere")->state, run::StepState::done);
    EXPECT_EQ(standing(), "published");
    const Response looked = ask("POST", "/v1/groups/shop/publications/www.shop.example/A/check", JsonObject{});
    const Json& reading = looked.body.at("publication").at("reading");
    EXPECT_EQ(toText(reading.at("set").at("values")), "[\"198.51.100.1\"]");
    EXPECT_EQ(integerAt(reading.at("mark"), "epoch"), 2);
    for (const Json& answer : looked.body.at("publication").at("answers").as_array())
        EXPECT_EQ(toText(answer.at("values")), "[\"198.51.100.1\"]");
}

TEST_F(PublicationRun, AServerThatDoesNotFollowIsAFailedStepThatMayBeSkippedAndHoldsNothingUp) {
    test::Primary stale("bind");
    publish(JsonArray{primary.facts.at("nameServers").at(0), stale.facts.at("nameServers").at(0)});
    ASSERT_TRUE(eventually([&] { return standing() == "published"; })) << standing();
    const std::string id = switchTo("shop-nyc");
    ASSERT_TRUE(
        eventually([&] { return conductor->find(id)->find("confirm-elsewhere")->state == run::StepState::failed; }));
    const run::Run waiting = *conductor->find(id);
    EXPECT_EQ(waiting.find("publish-address")->state, run::StepState::done) << "the own address is not held up";
    EXPECT_NE(
        waiting.find("confirm-elsewhere")->detail.find(std::string(stale.facts.at("nameServers").at(0).as_string())),
        std::string::npos)
        << waiting.find("confirm-elsewhere")->detail;
    ASSERT_TRUE(conductor->give(id, run::Skip{"that server is being replaced"}, "test"));
    EXPECT_TRUE(eventually([&] { return conductor->find(id)->state == run::RunState::done; }));
}

TEST_F(PublicationRun, AConflictIsOneFailedStepThatWaitsForAPersonInSilence) {
    publish(primary.facts.at("nameServers"));
    ASSERT_TRUE(eventually([&] { return standing() == "published"; })) << standing();
    publication::ProviderSettings other;
    other.publication = groupFromJson(store.get("group", "shop")->value().body)->publications.front();
    other.credential = Secret(textAt(primary.facts, "credential"));
    const auto provider = std::move(*publication::makeProvider(other));
    const auto seen = *provider->read();
    ASSERT_TRUE(provider->replace(seen, {*seen.set, {"fg-other", 1}}));
    const std::string id = switchTo("shop-nyc");
    const auto step = [&] { return *conductor->find(id)->find("confirm-elsewhere"); };
    ASSERT_TRUE(eventually([&] { return step().state == run::StepState::failed; }));
    EXPECT_EQ(conductor->find(id)->state, run::RunState::waiting);
    EXPECT_EQ(step().retryAt, 0);
    store::EventQuery every;
    every.limit = 1000;
    const size_t told = store.events(every)->size();
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    EXPECT_EQ(step().attempts, 1);
    EXPECT_LE(store.events(every)->size(), told + 1) << "the pre-flight may say it once";
    ASSERT_TRUE(conductor->give(id, run::Retry{}, "test"));
    ASSERT_TRUE(eventually([&] { return step().attempts == 2 && step().state == run::StepState::failed; }));
    ASSERT_TRUE(provider->replace(*provider->read(), {*seen.set, *seen.mark}));
    ASSERT_TRUE(conductor->give(id, run::Retry{}, "test"));
    EXPECT_TRUE(eventually([&] { return conductor->find(id)->state == run::RunState::done; }))
        << toText(run::toPublic(*conductor->find(id)));
    EXPECT_EQ(standing(), "published");
}

}  // namespace
}  // namespace swb::api
