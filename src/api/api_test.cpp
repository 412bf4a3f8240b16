#include "api/api_test_support.h"

namespace swb::api {
namespace {

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
            "application: shop\nsite: fra\ndatabases: {main: {engine: mongodb, server: fra-1, address: 10.0.0.1:27017,"
            " service: {data: /d, bin: /b}}}\n")),
        "SWB-UNSUPPORTED");
    EXPECT_TRUE(store.list("application")->empty());
    EXPECT_TRUE(store.list("run")->empty());
}

TEST_F(ApiTest, OpenApiNamesEveryRoute) {
    const Response described = ask("GET", "/v1/openapi.json");
    const Json* paths = memberAt(described.body, "paths");
    for (const Route& route : routes()) EXPECT_TRUE(memberAt(*paths, route.pattern)) << route.pattern;
}

TEST_F(ApiTest, TheHistoryOfALinkIsReadInTheFinestTierThatReachesBack) {
    const Response empty = ask("GET", "/v1/replication/shop-fra/shop-nyc/main/history");
    ASSERT_EQ(empty.status, 200) << toText(empty.body);
    EXPECT_EQ(textAt(empty.body, "resolution"), "seconds");
    EXPECT_TRUE(memberAt(empty.body, "samples")->get_array().empty());
    const auto with = [&](const std::string& name, const std::string& value) {
        Request request;
        request.method = "GET";
        request.path = "/v1/replication/shop-fra/shop-nyc/main/history";
        request.query = {{name, value}};
        request.authorization = "Bearer " + viewer;
        return api->handle(request);
    };
    EXPECT_EQ(textAt(with("since", "-7200").body, "resolution"), "minutes");
    EXPECT_EQ(textAt(with("resolution", "hours").body, "resolution"), "hours");
    EXPECT_EQ(with("resolution", "years").status, 400);
    EXPECT_EQ(with("since", "yesterday").status, 400);
    EXPECT_EQ(with("since", "9007199254740000").status, 400) << "after until";
}

}  // namespace
}  // namespace swb::api
