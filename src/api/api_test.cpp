#include "api/api.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "api/route.h"
#include "base/ids.h"
#include "store/memory_store.h"

namespace swb::api {
namespace {

// The whole controller but for its sockets to agents: memory store, a name server on a free port, no agent connected.
class ApiTest : public testing::Test {
  protected:
    ApiTest() {
        publisher = *dispatch::Publisher::start({{"test.example", "", {{"ns1", {"127.0.0.1"}}}}}, directory + "/zones",
                                                {.endpoints = {{*dns::IpAddress::fromText("127.0.0.1"), 0}}});
        auto made = *crypto::createAuthority("test", 10);
        authority.emplace(*crypto::CertificateAuthority::load(made.certificatePem, made.keyPem));
        sealer.emplace(*crypto::Sealer::load(directory + "/seal.key"));
        signers.emplace(dispatch::ZoneSigningSettings{directory + "/dnssec", {}, {}, {}, {}}, *sealer, clock);
        publisher->setSigner(signers->hook());
        publications.emplace(store, *sealer, clock, dispatch::PublicationSettings{});
        verbs.emplace(store, *publisher, *authority, *sealer, clock, &*publications);
        inspector.emplace(store, fleet, clock);
        conductor.emplace(store, fleet, *verbs, clock);
        EXPECT_TRUE(conductor->start());
        api.emplace(Context{store, fleet, *conductor, *inspector, *publisher, *signers, *authority, *sealer, clock,
                            "test.example", "https://127.0.0.1:1", "0", &*publications});
        for (const auto& [role, token] :
             {std::pair{Role::admin, &admin}, {Role::operator_, &operator_}, {Role::viewer, &viewer}})
            *token = createToken(store, std::string(nameOf(role)), role, 0, "test")->secret.reveal();
    }
    ~ApiTest() override {
        conductor->stop();
        publisher->stop();
        std::filesystem::remove_all(directory);
    }

    Response ask(const std::string& method, const std::string& path, Json body, const std::string& token) {
        Request request;
        request.method = method;
        request.path = path;
        request.contentType = "application/json";
        if (!token.empty()) request.authorization = "Bearer " + token;
        if (!body.is_null()) request.body = toText(body);
        return api->handle(request);
    }
    Response ask(const std::string& method, const std::string& path, Json body = nullptr) {
        return ask(method, path, body, admin);
    }
    static std::string code(const Response& response) {
        const Json* error = memberAt(response.body, "error");
        return error ? textAt(*error, "code") : "";
    }

    // Documents as `app apply` stores them, without the run that needs agents.
    void putApplication(const std::string& name, const std::string& site, const std::vector<std::string>& addresses) {
        Application application;
        application.name = name;
        application.site = site;
        for (const std::string& address : addresses) {
            WebSpec web;
            web.server = site + "-" + std::to_string(application.web.size() + 1);
            web.address = address;
            web.listen = {"80"};
            web.upstream = {"127.0.0.1", 3000};
            application.web.push_back(web);
        }
        store::Commit commit;
        commit.puts.push_back(
            {"application", name, store::anyVersion,
             JsonObject{{"site", site}, {"definition", applicationToJson(application)}, {"text", ""}}});
        ASSERT_TRUE(store.commit(commit));
    }
    std::vector<std::string> answered(const std::string& name) {
        const auto address = publisher->zone()->failoverAddressAt(*dns::Name::fromText(name));
        std::vector<std::string> out;
        if (address)
            for (const auto& ip : address->addresses) out.push_back(ip.toText());
        return out;
    }

    std::string directory = [] {
        std::string made = testing::TempDir() + newId("api");
        std::filesystem::create_directories(made);
        return made;
    }();

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
    std::optional<Api> api;
    std::string admin, operator_, viewer;
};

TEST_F(ApiTest, EveryRouteButTwoWantsATokenAndItsRole) {
    for (const Route& route : routes()) {
        std::string path(route.pattern);
        for (size_t open; (open = path.find('{')) != std::string::npos;)
            path.replace(open, path.find('}') - open + 1, "x");
        const std::string method(route.method);
        if (route.access == Access::open) {
            EXPECT_NE(ask(method, path, nullptr, "").status, 401) << path;
            continue;
        }
        if (route.pattern == "/v1/join") continue;
        EXPECT_EQ(ask(method, path, nullptr, "").status, 401) << path;
        EXPECT_EQ(ask(method, path, nullptr, "wrong").status, 401) << path;
        if (route.access != Access::viewer)
            EXPECT_EQ(code(ask(method, path, nullptr, viewer)), "SWB-FORBIDDEN") << path;
        if (route.access == Access::admin)
            EXPECT_EQ(code(ask(method, path, nullptr, operator_)), "SWB-FORBIDDEN") << path;
        EXPECT_NE(code(ask(method, path, nullptr, admin)), "SWB-FORBIDDEN") << path;
    }
    EXPECT_EQ(ask("GET", "/v1/nothing", nullptr, "").status, 401) << "strangers learn nothing about paths";
    EXPECT_EQ(ask("GET", "/v1/nothing").status, 404);
    EXPECT_EQ(ask("PATCH", "/v1/sites").status, 405);
}

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

TEST_F(ApiTest, AnExpiredTokenIsRefusedAndTheLastAdminStays) {
    const Secret old = createToken(store, "old", Role::admin, clock.now() - 1, "test")->secret;
    EXPECT_EQ(code(ask("GET", "/v1/sites", nullptr, old.reveal())), "SWB-UNAUTHENTICATED");
    const Response tokens = ask("GET", "/v1/tokens");
    for (const Json& token : memberAt(tokens.body, "tokens")->as_array()) {
        EXPECT_EQ(toText(token).find(admin), std::string::npos);
        if (textAt(token, "name") == "admin")
            EXPECT_EQ(code(ask("DELETE", "/v1/tokens/" + textAt(token, "id"))), "SWB-IN-USE");
    }
}

TEST_F(ApiTest, ANewTokenIsAnsweredWithTheIdThatDeletesIt) {
    const Response made = ask("POST", "/v1/tokens", JsonObject{{"name", "ci"}, {"role", "operator"}});
    ASSERT_EQ(made.status, 201) << toText(made.body);
    const std::string id = textAt(made.body, "id"), token = textAt(made.body, "token");
    ASSERT_TRUE(id.starts_with("t-")) << toText(made.body);
    EXPECT_EQ(ask("GET", "/v1/sites", nullptr, token).status, 200);
    EXPECT_EQ(ask("DELETE", "/v1/tokens/" + id).status, 200);
    EXPECT_EQ(ask("GET", "/v1/sites", nullptr, token).status, 401);
}

// An agent's connection that takes everything.
class OpenChannel final : public dispatch::Channel {
  public:
    bool send(std::string) override { return true; }
    void close(std::string) override {}
    std::string remoteAddress() const override { return "127.0.0.1"; }
};

TEST_F(ApiTest, ApplicationsShowWhatTheirFrontsReport) {
    putApplication("shop-fra", "fra", {"192.0.2.1", "192.0.2.2"});
    putApplication("shop-bare", "fra", {});
    const auto shown = [&](const std::string& name) {
        const Response list = ask("GET", "/v1/applications"), one = ask("GET", "/v1/applications/" + name);
        for (const Json& application : memberAt(list.body, "applications")->as_array())
            if (textAt(application, "name") == name) {
                EXPECT_EQ(textAt(application, "maintenance"), textAt(one.body, "maintenance"));
                return textAt(one.body, "maintenance");
            }
        return std::string("not listed");
    };
    EXPECT_EQ(shown("shop-bare"), "none");
    EXPECT_EQ(shown("shop-fra"), "unknown");
    std::vector<dispatch::Fleet::ConnectionId> connections;
    int64_t sequence = 0;
    const auto report = [&](size_t server, const std::string& mode) {
        const std::string address = "192.0.2." + std::to_string(server + 1);
        fleet.received(connections[server],
                       link::encode(link::Heartbeat{
                           ++sequence, clock.now(),
                           JsonObject{{"fronts", JsonObject{{"shop-fra/" + address, JsonObject{{"mode", mode}}}}}}}));
    };
    for (const std::string& server : {"fra-1", "fra-2"}) {
        connections.push_back(fleet.opened(server, std::make_shared<OpenChannel>()));
        link::Hello hello;
        hello.server = server;
        hello.verbs = {"server.inspect"};
        fleet.received(connections.back(), link::encode(hello));
    }
    report(0, "off");
    EXPECT_EQ(shown("shop-fra"), "unknown") << "one of two has not reported";
    sequence = 0;
    report(1, "off");
    EXPECT_EQ(shown("shop-fra"), "off");
    report(1, "page");
    EXPECT_EQ(shown("shop-fra"), "page");
    fleet.closed(connections[1], Error(ErrorCode::Unreachable, "cut"));
    EXPECT_EQ(shown("shop-fra"), "unknown") << "what an agent said before it went is no longer known";
}

TEST_F(ApiTest, EventsAreFilteredByTypeAndSubject) {
    store::Commit commit;
    for (const char* type : {"run.started", "run.done", "server.joined"})
        for (const char* subject : {"group/shop", "group/blog"}) commit.events.push_back({type, subject, "t", nullptr});
    ASSERT_TRUE(store.commit(commit));
    const auto listed = [&](std::vector<std::pair<std::string, std::string>> query) {
        Request request;
        request.method = "GET";
        request.path = "/v1/events";
        request.query = std::move(query);
        request.authorization = "Bearer " + viewer;
        const Response response = api->handle(request);
        std::string out;
        for (const Json& event : memberAt(response.body, "events")->as_array())
            out += textAt(event, "type") + " " + textAt(event, "subject") + "\n";
        return out;
    };
    EXPECT_EQ(listed({{"type", "run."}, {"subject", "group/shop"}}), "run.started group/shop\nrun.done group/shop\n");
    EXPECT_EQ(listed({{"type", "server"}, {"subject", "group/blog"}}), "server.joined group/blog\n");
    EXPECT_EQ(listed({{"subject", "group"}}), "") << "a subject is a whole one";
}

TEST_F(ApiTest, AJoinTokenWorksOnce) {
    ASSERT_EQ(ask("POST", "/v1/sites", JsonObject{{"name", "fra"}}).status, 201);
    const Response made = ask("POST", "/v1/servers/token", JsonObject{{"server", "fra-1"}, {"site", "fra"}});
    ASSERT_EQ(made.status, 201);
    const Secret key = *crypto::generateKey();
    const Json join =
        JsonObject{{"token", textAt(made.body, "token")}, {"request", *crypto::createRequest(key, "whoever")}};
    EXPECT_EQ(code(ask("POST", "/v1/join", JsonObject{{"token", "guess"}, {"request", ""}}, "")),
              "SWB-JOIN-TOKEN-REJECTED");
    EXPECT_EQ(
        code(ask("POST", "/v1/join", JsonObject{{"token", textAt(made.body, "token")}, {"request", "garbage"}}, "")),
        "SWB-INVALID-INPUT")
        << "a bad request does not use the token up";
    const Response joined = ask("POST", "/v1/join", join, "");
    ASSERT_EQ(joined.status, 200) << toText(joined.body);
    EXPECT_EQ(crypto::certificateInfo(textAt(joined.body, "certificate"))->commonName, "fra-1")
        << "the token decides the name";
    EXPECT_EQ(code(ask("POST", "/v1/join", join, "")), "SWB-JOIN-TOKEN-REJECTED");
}

TEST_F(ApiTest, GroupsFollowTheSlotRules) {
    putApplication("shop-fra", "fra", {"192.0.2.1"});
    putApplication("shop-nyc", "nyc", {"192.0.2.2"});
    putApplication("shop-fra2", "fra", {"192.0.2.3"});
    putApplication("headless", "nyc", {});
    const auto create = [&](JsonObject body) { return code(ask("POST", "/v1/groups", body)); };
    EXPECT_EQ(create({{"name", "shop"}, {"primary", "shop-fra"}, {"secondary", "shop-fra"}}), "SWB-SLOT-RULE");
    EXPECT_EQ(create({{"name", "shop"}, {"primary", "shop-fra"}, {"secondary", "headless"}}), "SWB-SLOT-RULE");
    EXPECT_EQ(create({{"name", "shop"}, {"primary", "shop-fra"}, {"secondary", "shop-fra2"}}), "SWB-SLOT-RULE")
        << "two sites";
    EXPECT_EQ(create({{"name", "shop"}, {"secondary", "shop-fra"}}), "SWB-SLOT-RULE");
    EXPECT_EQ(create({{"name", "shop"}, {"primary", "nobody"}}), "SWB-NOT-FOUND");
    EXPECT_EQ(create({{"name", "Shop"}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(create({{"name", "shop"}, {"colour", "red"}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(create({{"name", "shop"}, {"ttl", 0}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(create({{"name", "shop"}, {"primary", "shop-fra"}, {"secondary", "shop-nyc"}, {"label", "shop"}}), "");
    EXPECT_EQ(create({{"name", "shop"}}), "SWB-ALREADY-EXISTS");
    EXPECT_EQ(create({{"name", "other"}, {"primary", "shop-fra"}}), "SWB-SLOT-RULE") << "one group only";
    EXPECT_EQ(answered("shop.test.example."), std::vector<std::string>{"192.0.2.1"});
}

TEST_F(ApiTest, AnAddressIsReservedFreedAndNeverIssuedTwice) {
    ASSERT_EQ(ask("POST", "/v1/groups", JsonObject{{"name", "empty"}, {"label", "once"}}).status, 201);
    EXPECT_TRUE(answered("once.test.example.").empty()) << "reserved, without an address";
    EXPECT_EQ(ask("DELETE", "/v1/groups/empty").status, 200);
    EXPECT_EQ(code(ask("POST", "/v1/groups", JsonObject{{"name", "again"}, {"label", "once"}})), "SWB-ALREADY-EXISTS");
    const Response made = ask("POST", "/v1/groups", JsonObject{{"name", "made"}});
    const std::string label = textAt(*memberAt(made.body, "group"), "label");
    EXPECT_EQ(label.size(), 11u) << label;
    EXPECT_EQ(label[3], '-');
}

TEST_F(ApiTest, AGroupThatPointsAtAnApplicationIsNotDeleted) {
    putApplication("shop-fra", "fra", {"192.0.2.1"});
    ASSERT_EQ(ask("POST", "/v1/groups", JsonObject{{"name", "shop"}, {"primary", "shop-fra"}}).status, 201);
    EXPECT_EQ(code(ask("DELETE", "/v1/groups/shop")), "SWB-IN-USE");
    EXPECT_EQ(code(ask("DELETE", "/v1/applications/shop-fra")), "SWB-IN-USE");
    ASSERT_EQ(ask("PATCH", "/v1/groups/shop", JsonObject{{"primary", ""}}).status, 200);
    EXPECT_EQ(ask("DELETE", "/v1/groups/shop").status, 200);
}

TEST_F(ApiTest, AGroupChoosesWhichFrontsGetTheAddress) {
    putApplication("shop-fra", "fra", {"192.0.2.1", "192.0.2.9"});
    ASSERT_EQ(
        ask("POST", "/v1/groups", JsonObject{{"name", "shop"}, {"primary", "shop-fra"}, {"label", "shop"}}).status,
        201);
    EXPECT_EQ(answered("shop.test.example.").size(), 2u);
    const auto choose = [&](const char* address) {
        return ask("PATCH", "/v1/groups/shop", JsonObject{{"fronts", JsonObject{{"shop-fra", JsonArray{address}}}}});
    };
    EXPECT_EQ(code(choose("192.0.2.7")), "SWB-NOT-FOUND");
    ASSERT_EQ(choose("192.0.2.9").status, 200);
    EXPECT_EQ(answered("shop.test.example."), std::vector<std::string>{"192.0.2.9"});
    putApplication("shop-fra", "fra", {"192.0.2.1"});
    ASSERT_TRUE(publisher->publish(store));
    EXPECT_EQ(answered("shop.test.example."), std::vector<std::string>{"192.0.2.1"}) << "never an empty set";
}

TEST_F(ApiTest, DefinitionsAreRefusedBeforeAnythingIsStored) {
    const auto apply = [&](const std::string& text) {
        Request request;
        request.method = "PUT";
        request.path = "/v1/applications";
        request.contentType = "application/yaml";
        request.authorization = "Bearer " + admin;
        request.body = text;
        return api->handle(request);
    };
    const Response unknown = apply("application: shop\nsite: fra\ncolour: red\n");
    EXPECT_EQ(code(unknown), "SWB-INVALID-DEFINITION");
    EXPECT_NE(toText(unknown.body).find("line 3"), std::string::npos);
    EXPECT_EQ(code(apply("application: shop\nsite: fra\n")), "SWB-NOT-FOUND") << "no such site";
    EXPECT_EQ(
        code(apply(
            "application: shop\nsite: fra\ndatabases: {main: {engine: redis, server: fra-1, address: 10.0.0.1:6379,"
            " service: {data: /d, bin: /b}}}\n")),
        "SWB-UNSUPPORTED");
    EXPECT_TRUE(store.list("application")->empty());
    EXPECT_TRUE(store.list("run")->empty());
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

TEST_F(ApiTest, OpenApiNamesEveryRoute) {
    const Response described = ask("GET", "/v1/openapi.json");
    const Json* paths = memberAt(described.body, "paths");
    for (const Route& route : routes()) EXPECT_TRUE(memberAt(*paths, route.pattern)) << route.pattern;
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
