// The failover address and its zones by the API: records, signing, publications, TTL, the address test.
#include <thread>

#include "api/api_test_support.h"

namespace swb::api {
namespace {

TEST_F(ApiTest, AZoneIsSignedAndItsKeysAreRolled) {
    const std::string path = "/v1/zones/test.example/dnssec";
    const auto stage = [&] { return textAt(*memberAt(ask("GET", path).body, "dnssec"), "stage"); };
    EXPECT_EQ(ask("GET", "/v1/zones/other.example/dnssec").status, 404);
    EXPECT_EQ(stage(), "unsigned");
    EXPECT_EQ(code(ask("POST", path, JsonObject{{"algorithm", 8}})), "SWB-INVALID-INPUT");
    EXPECT_EQ(code(ask("POST", path, JsonObject{{"keys", "none"}})), "SWB-INVALID-INPUT");
    EXPECT_EQ(ask("POST", path, JsonObject{{"algorithm", 15}}).status, 202);
    EXPECT_EQ(stage(), "first-signatures");
    EXPECT_EQ(code(ask("POST", path, JsonObject())), "SWB-RUN-STATE");
    signers->work(*publisher);
    EXPECT_TRUE(publisher->zone()->isSigned());
    const Response shown = ask("GET", path);
    EXPECT_TRUE(booleanAt(*memberAt(shown.body, "dnssec"), "inPlace"));
    EXPECT_EQ(code(ask("POST", path + "/roll", JsonObject{{"kind", "zsk"}})), "SWB-RUN-STATE");
    EXPECT_EQ(code(ask("POST", path + "/roll", JsonObject{{"kind", "all"}})), "SWB-INVALID-INPUT");
    EXPECT_EQ(code(ask("POST", path + "/parent-done")), "SWB-RUN-STATE");
    EXPECT_EQ(ask("POST", path + "/cancel").status, 202);
    EXPECT_EQ(stage(), "unsigned");
    signers->work(*publisher);
    EXPECT_FALSE(publisher->zone()->isSigned());
    EXPECT_EQ(code(ask("DELETE", path)), "SWB-RUN-STATE");
    const Response events = ask("GET", "/v1/events");
    EXPECT_NE(toText(events.body).find("dnssec.enabled"), std::string::npos);
    EXPECT_EQ(toText(events.body).find("s1:"), std::string::npos);
}

TEST_F(ApiTest, AZonesOwnRecordsAreSetImportedAndDeleted) {
    const auto set = [&](const char* name, const char* type, JsonArray data) {
        return ask("PUT", "/v1/zones/test.example/records",
                   JsonObject{{"name", name}, {"type", type}, {"data", std::move(data)}});
    };
    ASSERT_EQ(set("www", "TXT", {"\"hello\""}).status, 200);
    EXPECT_EQ(code(set("www.other.example.", "TXT", {"\"hello\""})), "SWB-INVALID-INPUT");
    EXPECT_EQ(code(set("www", "CNAME", {"a.example."})), "SWB-INVALID-INPUT") << "beside other records";
    EXPECT_EQ(code(set("www", "TXT", {"a\nevil 60 IN A 192.0.2.1"})), "SWB-INVALID-INPUT");
    ASSERT_EQ(set("@", "MX", {"10 mail", "20 mail.other.example."}).status, 200);
    EXPECT_EQ(toText(ask("GET", "/v1/zones/test.example").body.at("zone").at("records").at(1).at("data")),
              R"(["10 mail.test.example.","20 mail.other.example."])");
    ASSERT_EQ(ask("DELETE", "/v1/zones/test.example/records/@/MX").status, 200);
    EXPECT_EQ(code(set("@", "SOA", {"a. b. 1 2 3 4 5"})), "SWB-INVALID-INPUT");
    EXPECT_EQ(code(set("www", "A", {"192.0.2.999"})), "SWB-INVALID-INPUT");
    EXPECT_EQ(code(ask("GET", "/v1/zones/other.example")), "SWB-NOT-FOUND");
    const Response shown = ask("GET", "/v1/zones/test.example");
    ASSERT_EQ(shown.status, 200);
    EXPECT_EQ(toText(shown.body.at("zone").at("records")),
              R"([{"name":"www.test.example","type":"TXT","ttl":3600,"data":["\"hello\""]}])");

    const auto import = [&](const char* text, bool dryRun) {
        return ask("POST", "/v1/zones/test.example/import", JsonObject{{"text", text}, {"dryRun", dryRun}});
    };
    const uint32_t before = publisher->serial();
    const Response tried = import("mail 60 IN MX 10 mx.test.example.\n", true);
    ASSERT_EQ(tried.status, 200) << toText(tried.body);
    EXPECT_EQ(tried.body.at("added").as_array().size(), 1u);
    EXPECT_EQ(tried.body.at("removed").as_array().size(), 1u);
    EXPECT_EQ(publisher->serial(), before) << "a dry run changes nothing";
    const Response wrong = import("mail 60 IN MX ten mx\n", false);
    EXPECT_EQ(wrong.status, 400);
    EXPECT_NE(toText(wrong.body).find("line 1"), std::string::npos) << toText(wrong.body);
    ASSERT_EQ(import("mail 60 IN MX 10 mx.test.example.\n", false).status, 200);
    const std::string exported = textAt(ask("GET", "/v1/zones/test.example/file").body, "text");
    EXPECT_NE(exported.find("mail.test.example."), std::string::npos) << exported;
    EXPECT_EQ(ask("POST", "/v1/zones/test.example/import", JsonObject{{"text", exported}, {"dryRun", true}})
                  .body.at("removed")
                  .as_array()
                  .size(),
              0u)
        << "what is exported can be imported";
    EXPECT_GT(publisher->serial(), before);
    EXPECT_EQ(code(ask("DELETE", "/v1/zones/test.example/records/www/TXT")), "SWB-NOT-FOUND") << "gone by the import";
    EXPECT_EQ(ask("DELETE", "/v1/zones/test.example/records/mail/MX").status, 200);
    EXPECT_EQ(toText(ask("GET", "/v1/zones/test.example").body.at("zone").at("records")), "[]");
}

TEST_F(ApiTest, PublicationsAreAddedListedAndRemovedAndTheirCredentialsNeverShown) {
    putApplication("shop-fra", "fra", {"192.0.2.1"});
    ASSERT_EQ(ask("POST", "/v1/groups", JsonObject{{"name", "shop"}, {"primary", "shop-fra"}}).status, 201);
    const JsonObject www{{"name", "www.shop.example"},
                         {"zone", "shop.example"},
                         {"provider", "rfc2136"},
                         {"endpoint", "127.0.0.1:1"},
                         {"credential", "secret:dns"}};
    const std::string path = "/v1/groups/shop/publications";
    EXPECT_EQ(code(ask("POST", path, www)), "SWB-NOT-FOUND") << "there is no such credential yet";
    EXPECT_EQ(ask("PUT", "/v1/credentials/dns", JsonObject{{"value", "swing:c2VjcmV0"}}).status, 200);
    EXPECT_EQ(code(ask("PUT", "/v1/credentials/dns", JsonObject{{"value", "two\nlines"}})), "SWB-INVALID-INPUT");
    EXPECT_EQ(code(ask("PUT", "/v1/credentials/-", JsonObject{{"value", "x"}})), "SWB-INVALID-INPUT");
    EXPECT_EQ(ask("POST", path, www).status, 201);
    EXPECT_EQ(code(ask("POST", path, www)), "SWB-ALREADY-EXISTS");
    JsonObject own = www;
    own["name"] = "www.test.example";
    own["zone"] = "test.example";
    EXPECT_EQ(code(ask("POST", path, own)), "SWB-INVALID-INPUT") << "the zone that the controller serves itself";
    const Response listed = ask("GET", "/v1/publications");
    ASSERT_EQ(listed.body.at("publications").as_array().size(), 1u);
    EXPECT_EQ(textAt(listed.body.at("publications").at(0), "standing"), "none");
    for (const Response& response :
         {listed, ask("GET", "/v1/credentials"), ask("GET", "/v1/groups/shop"), ask("GET", "/v1/events")})
        EXPECT_EQ(toText(response.body).find("c2VjcmV0"), std::string::npos);
    EXPECT_EQ(code(ask("DELETE", "/v1/credentials/dns")), "SWB-IN-USE");
    EXPECT_EQ(code(ask("POST", path + "/www.shop.example/A/adopt", JsonObject{})), "SWB-UNREACHABLE");
    EXPECT_EQ(code(ask("POST", path + "/www.shop.example/AAAA/check", JsonObject{})), "SWB-NOT-FOUND");
    const Response looked = ask("POST", path + "/www.shop.example/A/check", JsonObject{});
    EXPECT_EQ(looked.status, 200);
    EXPECT_FALSE(textAt(looked.body.at("publication"), "problem").empty());
    EXPECT_EQ(ask("DELETE", path + "/www.shop.example/A").status, 200);
    EXPECT_EQ(code(ask("DELETE", path + "/www.shop.example/A")), "SWB-NOT-FOUND");
    EXPECT_EQ(ask("DELETE", "/v1/credentials/dns").status, 200);
    EXPECT_TRUE(ask("GET", "/v1/publications").body.at("publications").as_array().empty());
}

TEST_F(ApiTest, TheAddressAloneTreatsTheTtlAsAskedFor) {
    putApplication("shop-fra", "fra", {"192.0.2.1"});
    putApplication("shop-nyc", "nyc", {"198.51.100.1"});
    Group group;
    group.id = "fg-1";
    group.name = group.label = "shop";
    group.primary = group.current = "shop-fra";
    group.secondary = "shop-nyc";
    group.address = "shop.test.example";
    group.epoch = 1;
    store::Commit commit;
    commit.puts.push_back({"group", "shop", store::mustNotExist, toJson(group)});
    ASSERT_TRUE(store.commit(commit));
    const auto steps = [&](const char* ttl) {
        const Response planned =
            ask("POST", "/v1/groups/shop/switch", JsonObject{{"trafficOnly", true}, {"dryRun", true}, {"ttl", ttl}});
        std::string names;
        EXPECT_EQ(planned.status, 200) << toText(planned.body);
        if (planned.status == 200)
            for (const Json& step : planned.body.at("run").at("steps").as_array()) names += textAt(step, "name") + " ";
        return names;
    };
    EXPECT_EQ(steps("prepare"), "lock lower-ttl wait-ttl publish-address restore-ttl report ");
    EXPECT_EQ(steps("automatic"), "lock publish-address report ");
    EXPECT_EQ(steps("leave"), "lock publish-address report ");
}

class TtlRunTest : public ApiTest {
  protected:
    void setUp(int64_t ttl, int64_t lowTtl) {
        putApplication("shop-fra", "fra", {"192.0.2.1"});
        ASSERT_EQ(ask("POST", "/v1/groups", JsonObject{{"name", "shop"}, {"primary", "shop-fra"}, {"ttl", ttl}}).status,
                  201);
        ASSERT_EQ(ask("PATCH", "/v1/groups/shop", JsonObject{{"lowTtl", lowTtl}}).status, 200);
        run.id = newId("r");
        run.kind = "switch";
        run.group = "shop";
        run.epoch = 1;
        run.actor = "test";
        run.subject = JsonObject{{"group", toJson(group())}};
        for (const char* name : {"lower-ttl", "wait-ttl"}) {
            run::Step step;
            step.name = step.kind = name;
            step.params = JsonObject{{"wasLowered", false}};
            run.steps.push_back(step);
        }
        ASSERT_TRUE(conductor->begin(run, {}));
    }
    Group group() { return *groupFromJson(store.get("group", "shop").value()->body); }
    bool becomes(const std::function<bool(const run::Run&)>& condition) {
        for (int i = 0; i < 300; ++i) {
            if (const auto now = conductor->find(run.id); now && condition(*now)) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return false;
    }
    run::Run run;
};

TEST_F(TtlRunTest, TheUsualTtlIsWaitedOut) {
    setUp(2, 1);
    const UnixMs begun = clock.now();
    EXPECT_TRUE(becomes([](const run::Run& now) { return now.state == run::RunState::done; }));
    EXPECT_GE(clock.now() - begun, 1900);
    EXPECT_EQ(group().answeredTtl(), 1);
    const Response shown = ask("GET", "/v1/groups/shop");
    EXPECT_FALSE(textAt(shown.body.at("group"), "ttlSafeAt").empty());
}

TEST_F(TtlRunTest, TheWaitCanBeGivenUpAndPutsTheTtlBack) {
    setUp(300, 30);
    ASSERT_TRUE(becomes([](const run::Run& now) { return now.steps[1].state == run::StepState::running; }));
    EXPECT_EQ(group().answeredTtl(), 30);
    ASSERT_TRUE(conductor->give(run.id, run::Abort{"changed my mind"}, "test"));
    EXPECT_TRUE(becomes([](const run::Run& now) { return now.state == run::RunState::aborted; }));
    EXPECT_EQ(group().answeredTtl(), 300);
}

TEST_F(ApiTest, PreparingLowersTheTtlSaysWhenItIsSafeAndPutsItBack) {
    putApplication("shop-fra", "fra", {"192.0.2.1"});
    ASSERT_EQ(ask("POST", "/v1/groups", JsonObject{{"name", "shop"}, {"primary", "shop-fra"}}).status, 201);
    const Response lowered = ask("POST", "/v1/groups/shop/prepare", nullptr, operator_);
    ASSERT_EQ(lowered.status, 200);
    EXPECT_FALSE(textAt(lowered.body.at("group"), "ttlSafeAt").empty());
    EXPECT_EQ(code(ask("PATCH", "/v1/groups/shop", JsonObject{{"ttl", 60}})), "SWB-NOT-READY");
    EXPECT_EQ(ask("POST", "/v1/groups/shop/prepare", JsonObject{{"restore", true}}).status, 200);
    EXPECT_EQ(ask("PATCH", "/v1/groups/shop", JsonObject{{"ttl", 30}}).status, 200);
    EXPECT_EQ(code(ask("POST", "/v1/groups/shop/prepare")), "SWB-NOT-READY") << "nothing to lower";
}

TEST_F(ApiTest, TheAddressIsTestedAtTheOwnNameServerOverUdpAndTcp) {
    putApplication("shop-fra", "fra", {"192.0.2.1"});
    ASSERT_EQ(
        ask("POST", "/v1/groups", JsonObject{{"name", "shop"}, {"primary", "shop-fra"}, {"label", "shop"}}).status,
        201);
    EXPECT_EQ(code(ask("PATCH", "/v1/groups/shop", JsonObject{{"domains", JsonArray{"not a name"}}})),
              "SWB-INVALID-INPUT");
    const Response tested = ask("GET", "/v1/groups/shop/address", nullptr, viewer);
    ASSERT_EQ(tested.status, 200);
    const Json& report = tested.body.at("address");
    ASSERT_EQ(report.at("nameServers").as_array().size(), 2u);
    for (const Json& answer : report.at("nameServers").as_array()) {
        EXPECT_EQ(textAt(answer, "problem"), "");
        EXPECT_EQ(toText(answer.at("addresses")), "[\"192.0.2.1\"]");
        EXPECT_EQ(integerAt(answer, "ttl"), 300);
        EXPECT_EQ(integerAt(answer, "epoch"), 1);
        EXPECT_GT(integerAt(answer, "serial"), 0);
    }
    EXPECT_TRUE(report.at("warnings").as_array().empty()) << toText(report.at("warnings"));
    EXPECT_TRUE(store.get("address-test", "shop").value()) << "kept for readiness";
}

}  // namespace
}  // namespace swb::api
