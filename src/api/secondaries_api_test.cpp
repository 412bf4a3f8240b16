// How the zone's secondaries are, as the API and readiness say it.
#include <gmock/gmock.h>

#include "api/api_test_support.h"

namespace swb::api {
namespace {

class SecondariesApi : public ApiTest {
  protected:
    // A secondary that has answered this serial.
    dns::transfer::SecondaryState& add(const std::string& endpoint, std::optional<uint32_t> seen,
                                       const std::string& zone = "test.example") {
        dns::transfer::SecondaryState state;
        state.zone = *dns::Name::fromText(zone);
        state.endpoint = *dns::Endpoint::fromText(endpoint);
        state.newest = 42;
        state.session.seen = seen;
        state.session.changedAt = clock.monotonic() - 60'000;
        state.lastContactAt = 1'700'000'000'000;
        return secondaryStates.emplace_back(std::move(state));
    }
    JsonArray listed() { return ask("GET", "/v1/zones/test.example").body.at("zone").at("secondaries").as_array(); }
    std::vector<Json> checks() {
        const Response answer = ask("POST", "/v1/groups/shop/check");
        std::vector<Json> found;
        const JsonArray& all = answer.body.at("ready").at("checks").as_array();
        for (const Json& check : all)
            if (textAt(check, "name") == "secondaries") found.push_back(check);
        return found;
    }
};

TEST_F(SecondariesApi, AZoneShowsEachWithItsStanding) {
    EXPECT_TRUE(listed().empty());
    add("198.51.100.1:53", 42);
    add("198.51.100.2:53", 41).session.problem = "it answers NOTIFY with REFUSED";
    add("198.51.100.3:53", 43);
    add("198.51.100.4:53", 42).session.unanswered = 3;
    add("198.51.100.5:53", {}).session.serialProblem = "it answers REFUSED when asked for the SOA";
    add("198.51.100.6:53", 42, "other.example");
    const JsonArray secondaries = listed();
    ASSERT_EQ(secondaries.size(), 5u);
    const std::vector<std::string> standings = {"in sync", "behind", "ahead", "silent", "behind"};
    for (size_t i = 0; i < standings.size(); ++i) EXPECT_EQ(textAt(secondaries[i], "standing"), standings[i]) << i;
    EXPECT_EQ(toText(secondaries[0]), R"({"address":"198.51.100.1:53","standing":"in sync","serial":42,"newest":42,)"
                                      R"("lastContactAt":"2023-11-14T22:13:20.000Z","lastError":null})");
    EXPECT_EQ(textAt(secondaries[1], "lastError"), "it answers NOTIFY with REFUSED");
    EXPECT_EQ(textAt(secondaries[3], "lastError"), "3 messages in a row were not answered");
    EXPECT_TRUE(secondaries[4].at("serial").is_null());
    EXPECT_EQ(textAt(secondaries[4], "lastError"), "it answers REFUSED when asked for the SOA");
}

TEST_F(SecondariesApi, ReadinessWarnsOfThoseOfTheGroupsZone) {
    putApplication("a", "east", {"192.0.2.1"});
    putApplication("b", "west", {"192.0.2.2"});
    ASSERT_EQ(ask("POST", "/v1/groups", JsonObject{{"name", "shop"}, {"primary", "a"}, {"secondary", "b"}}).status,
              201);
    EXPECT_TRUE(checks().empty());
    add("198.51.100.1:53", 42);
    add("198.51.100.2:53", 41);
    add("198.51.100.6:53", 41, "other.example");
    const auto found = checks();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(textAt(found[0], "verdict"), "ok");
    EXPECT_EQ(textAt(found[1], "verdict"), "warning");
    EXPECT_EQ(textAt(found[1], "subject"), "198.51.100.2:53");
    EXPECT_FALSE(textAt(found[1], "hint").empty());
}

}  // namespace
}  // namespace swb::api
