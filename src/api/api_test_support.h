// A controller to ask by its API in tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "api/route.h"
#include "base/ids.h"
#include "store/memory_store.h"

namespace swb::api {

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
        secondaries.emplace(
            *publisher, [this] { return secondaryStates; }, clock);
        inspector.emplace(store, fleet, clock);
        inspector->setSecondaries(&*secondaries);
        conductor.emplace(store, fleet, *verbs, clock);
        EXPECT_TRUE(conductor->start());
        links.emplace(store, fleet, *conductor, clock);
        api.emplace(Context{store, fleet, *conductor, *inspector, *links, *publisher, *signers, *authority, *sealer,
                            clock, "test.example", "https://127.0.0.1:1", "0", &*publications, &*secondaries});
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
    std::vector<dns::transfer::SecondaryState> secondaryStates;  // as the notifier would give them
    std::optional<dispatch::SecondaryViews> secondaries;
    std::optional<dispatch::ControllerVerbs> verbs;
    std::optional<dispatch::Inspector> inspector;
    std::optional<dispatch::Conductor> conductor;
    std::optional<dispatch::LinkWatch> links;
    std::optional<Api> api;
    std::string admin, operator_, viewer;
};

}  // namespace swb::api
