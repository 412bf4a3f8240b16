// One suite for every provider: real BIND, Knot and PowerDNS, and stand-ins of Cloudflare and Route 53 that refuse what
// the real ones refuse. Then the whole way of a publication through the machine, name servers asked.
#include <gtest/gtest.h>

#include <thread>

#include "publication/http.h"
#include "publication/machine.h"
#include "support/providers/primary.h"

namespace swb::publication {
namespace {

using test::Primary;

struct Kind {
    const char* name;
    ProviderKind provider;
    bool serves;  // has a name server that can be asked
};
std::ostream& operator<<(std::ostream& out, const Kind& kind) {
    return out << kind.name;
}

ProviderSettings settingsOf(const Kind& kind, const Json& facts, const std::string& name) {
    ProviderSettings settings;
    settings.publication.name = name;
    settings.publication.zone = "shop.example";
    settings.publication.provider = kind.provider;
    settings.publication.endpoint = textAt(facts, "endpoint");
    for (const Json& server : facts.at("nameServers").as_array())
        settings.publication.nameServers.emplace_back(server.as_string());
    settings.credential = Secret(textAt(facts, "credential"));
    settings.timeoutMs = 3000;
    return settings;
}

Wanted wantedAt(int64_t epoch, std::vector<std::string> values) {
    return {{60, std::move(values)}, {"fg-shop", epoch}};
}

class Providers : public testing::TestWithParam<Kind> {
  protected:
    std::unique_ptr<Provider> provider(const std::string& name = "www.shop.example") {
        auto made = makeProvider(settingsOf(GetParam(), primary.facts, name));
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }
    std::unique_ptr<Provider> withCredential(const std::string& credential) {
        auto settings = settingsOf(GetParam(), primary.facts, "www.shop.example");
        settings.credential = Secret(credential);
        return std::move(*makeProvider(settings));
    }
    static Reading readFrom(Provider& from) {
        auto reading = from.read();
        EXPECT_TRUE(reading) << reading.error().message;
        return reading ? *reading : Reading{};
    }

    Primary primary{GetParam().name};
};

TEST_P(Providers, ReadsTheSetThatIsThere) {
    const Reading reading = readFrom(*provider());
    ASSERT_TRUE(reading.set);
    EXPECT_EQ(*reading.set, (RecordSet{60, {"192.0.2.1"}}));
    EXPECT_FALSE(reading.mark);
    EXPECT_TRUE(reading.strange.empty());
}

TEST_P(Providers, ReplacesSetAndMarkTogether) {
    const auto www = provider();
    for (const auto& [epoch, values] : std::vector<std::pair<int64_t, std::vector<std::string>>>{
             {5, {"198.51.100.1"}},
             {6, {"198.51.100.1", "198.51.100.2", "198.51.100.3"}},
             {7, {"192.0.2.1"}},
             {8, {"192.0.2.1"}}}) {
        const auto replaced = www->replace(readFrom(*www), wantedAt(epoch, values));
        ASSERT_TRUE(replaced) << replaced.error().message;
        const Reading now = readFrom(*www);
        EXPECT_EQ(*now.set, (RecordSet{60, values})) << epoch;
        EXPECT_EQ(*now.mark, (Mark{"fg-shop", epoch}));
    }
}

TEST_P(Providers, CreatesANameThatIsNotThere) {
    const auto made = provider("new.shop.example");
    const Reading nothing = readFrom(*made);
    EXPECT_FALSE(nothing.set || nothing.mark);
    ASSERT_TRUE(made->replace(nothing, wantedAt(5, {"198.51.100.1"})));
    EXPECT_EQ(readFrom(*made).set->values, std::vector<std::string>{"198.51.100.1"});
    const auto again = made->replace(nothing, wantedAt(6, {"198.51.100.2"}));
    ASSERT_FALSE(again) << "it is there now";
    EXPECT_EQ(readFrom(*made).set->values, std::vector<std::string>{"198.51.100.1"});
}

TEST_P(Providers, AnOldReadingReplacesNothing) {
    const auto www = provider();
    const Reading old = readFrom(*www);
    ASSERT_TRUE(www->replace(old, wantedAt(5, {"198.51.100.1"})));
    ASSERT_TRUE(www->replace(readFrom(*www), wantedAt(6, {"198.51.100.6"})));
    const Reading now = readFrom(*www);
    const auto late = www->replace(old, wantedAt(5, {"198.51.100.5"}));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::Conflict) << late.error().message;
    EXPECT_EQ(*readFrom(*www).set, *now.set);
    EXPECT_EQ(*readFrom(*www).mark, *now.mark);
}

TEST_P(Providers, ABatchThatArrivesTwiceWorksOnce) {
    const auto www = provider();
    ASSERT_TRUE(www->replace(readFrom(*www), wantedAt(5, {"198.51.100.1"})));
    const Reading seen = readFrom(*www);
    ASSERT_TRUE(www->replace(seen, wantedAt(6, {"198.51.100.6"})));
    const auto twice = www->replace(seen, wantedAt(6, {"198.51.100.6"}));
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, ErrorCode::Conflict) << twice.error().message;
    EXPECT_EQ(readFrom(*www).set->values, std::vector<std::string>{"198.51.100.6"});
}

TEST_P(Providers, AWithdrawnMarkLeavesTheAddresses) {
    const auto www = provider();
    ASSERT_TRUE(www->replace(readFrom(*www), wantedAt(5, {"198.51.100.1"})));
    const Reading old = readFrom(*www);
    ASSERT_TRUE(www->replace(old, wantedAt(6, {"198.51.100.6"})));
    const auto late = www->withdraw(old);
    ASSERT_FALSE(late) << "it is another mark now";
    EXPECT_EQ(late.error().code, ErrorCode::Conflict) << late.error().message;
    const auto withdrawn = www->withdraw(readFrom(*www));
    ASSERT_TRUE(withdrawn) << withdrawn.error().message;
    const Reading left = readFrom(*www);
    EXPECT_FALSE(left.mark);
    EXPECT_TRUE(left.strange.empty()) << left.strange;
    EXPECT_EQ(*left.set, (RecordSet{60, {"198.51.100.6"}}));
    EXPECT_TRUE(www->replace(left, wantedAt(7, {"192.0.2.1"}))) << "another group may take it";
}

TEST_P(Providers, AnAliasAtTheNameIsStrange) {
    EXPECT_FALSE(readFrom(*provider("alias.shop.example")).strange.empty());
}

TEST_P(Providers, AWrongCredentialChangesNothingAndIsNotShown) {
    const bool aws = GetParam().provider == ProviderKind::route53, tsig = GetParam().provider == ProviderKind::rfc2136;
    const std::string wrong = aws    ? "AKIATESTTESTTEST:wrong-secret-text"
                              : tsig ? "swing:d3Jvbmctc2VjcmV0LXRleHQh"
                                     : "wrong-secret-text";
    const auto www = withCredential(wrong);
    const auto seen = readFrom(*provider());
    const auto refused = www->replace(seen, wantedAt(5, {"198.51.100.1"}));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().code == ErrorCode::Unauthenticated || refused.error().code == ErrorCode::Forbidden)
        << refused.error().message;
    for (const char* secret : {"wrong-secret-text", "d3Jvbmct"})
        EXPECT_EQ((refused.error().message + refused.error().hint).find(secret), std::string::npos);
    EXPECT_EQ(*readFrom(*provider()).set, *seen.set);
}

TEST_P(Providers, ATtlAndAddressesOfBothKindsAreKept) {
    auto settings = settingsOf(GetParam(), primary.facts, "new.shop.example");
    settings.publication.type = AddressType::aaaa;
    const auto made = std::move(*makeProvider(settings));
    Wanted wanted = wantedAt(5, {"2001:db8::1"});
    wanted.set.ttlSeconds = 120;
    const auto replaced = made->replace(readFrom(*made), wanted);
    ASSERT_TRUE(replaced) << replaced.error().message;
    EXPECT_EQ(*readFrom(*made).set, wanted.set);
}

const Kind kinds[] = {{"bind", ProviderKind::rfc2136, true},
                      {"knot", ProviderKind::rfc2136, true},
                      {"powerdns", ProviderKind::powerdns, true},
                      {"cloudflare", ProviderKind::cloudflare, false},
                      {"route53", ProviderKind::route53, false}};
std::string nameOfKind(const testing::TestParamInfo<Kind>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Real, Providers, testing::ValuesIn(kinds), nameOfKind);

// --- the update policy of real servers -----------------------------------------------------------------------------

class UpdatePolicy : public Providers {};

TEST_P(UpdatePolicy, ANameThatTheKeyMayNotChangeIsRefusedAndStays) {
    const auto locked = provider("locked.shop.example");
    const auto refused = locked->replace(readFrom(*locked), wantedAt(5, {"198.51.100.1"}));
    ASSERT_FALSE(refused);
    // Knot says NOTAUTH to a key that may not do this.
    EXPECT_TRUE(refused.error().code == ErrorCode::Forbidden || refused.error().code == ErrorCode::Unauthenticated)
        << refused.error().message;
    EXPECT_EQ(readFrom(*locked).set->values, std::vector<std::string>{"192.0.2.7"});
}

TEST_P(UpdatePolicy, AServerThatIsNotThereIsUnreachableNotUnknown) {
    auto settings = settingsOf(GetParam(), primary.facts, "www.shop.example");
    const Reading seen = readFrom(*provider());
    settings.publication.endpoint = "127.0.0.1:1";
    const auto refused = (*makeProvider(settings))->replace(seen, wantedAt(5, {"198.51.100.1"}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unreachable) << refused.error().message;
}

INSTANTIATE_TEST_SUITE_P(Real, UpdatePolicy, testing::Values(kinds[0], kinds[1]), nameOfKind);

// --- hostile answers, which only a stand-in can give ---------------------------------------------------------------

class Hostile : public Providers {
  protected:
    void fault(const char* kind, bool reads = false, int count = 1) {
        HttpRequest request;
        request.method = "POST";
        request.url = textAt(primary.facts, "control") + "/_fault";
        request.body = toText(JsonObject{{"kind", kind}, {"reads", reads}, {"count", count}});
        ASSERT_TRUE(sendHttp({}, request));
    }
    // The code of a change under a fault, and what is there afterwards.
    std::pair<ErrorCode, std::vector<std::string>> changeUnder(const char* kind) {
        auto settings = settingsOf(GetParam(), primary.facts, "www.shop.example");
        settings.timeoutMs = 1500;
        const auto www = std::move(*makeProvider(settings));
        const Reading seen = readFrom(*www);
        fault(kind);
        const auto replaced = www->replace(seen, wantedAt(5, {"198.51.100.1"}));
        EXPECT_FALSE(replaced) << kind;
        return {replaced ? ErrorCode::Bug : replaced.error().code, readFrom(*www).set->values};
    }
    const std::vector<std::string> before{"192.0.2.1"}, after{"198.51.100.1"};
};

TEST_P(Hostile, WhatMayHaveHappenedIsUnknownAndReadBackTells) {
    EXPECT_EQ(changeUnder("drop-before"), std::pair(ErrorCode::OutcomeUnknown, before));
    EXPECT_EQ(changeUnder("status-503"), std::pair(ErrorCode::OutcomeUnknown, before));
    EXPECT_EQ(changeUnder("drop-after"), std::pair(ErrorCode::OutcomeUnknown, after));
}
TEST_P(Hostile, ASlowAnswerIsUnknown) {
    EXPECT_EQ(changeUnder("slow"), std::pair(ErrorCode::OutcomeUnknown, after));
}
TEST_P(Hostile, HalfAnAnswerIsUnknown) {
    EXPECT_EQ(changeUnder("half"), std::pair(ErrorCode::OutcomeUnknown, after));
}
TEST_P(Hostile, ASuccessThatCannotBeReadIsUnknown) {
    EXPECT_EQ(changeUnder("garbage"), std::pair(ErrorCode::OutcomeUnknown, after));
}
TEST_P(Hostile, ARateLimitIsBusyAndNothingWasDone) {
    EXPECT_EQ(changeUnder("rate-limit"), std::pair(ErrorCode::Busy, before));
}

TEST_P(Hostile, AReadingIsWholeOrAnError) {
    for (const char* kind : {"drop-before", "half", "garbage", "status-503", "rate-limit", "huge"}) {
        const auto www = provider();
        fault(kind, true);
        EXPECT_FALSE(www->read()) << kind;
        EXPECT_EQ(readFrom(*www).set->values, before) << kind;
    }
}

TEST_P(Hostile, AnUnknownZoneIsSaid) {
    auto settings = settingsOf(GetParam(), primary.facts, "www.other.example");
    settings.publication.zone = "other.example";
    const auto reading = (*makeProvider(settings))->read();
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, ErrorCode::NotFound) << reading.error().message;
}

INSTANTIATE_TEST_SUITE_P(StandIn, Hostile, testing::Values(kinds[3], kinds[4]), nameOfKind);

TEST(Route53Change, IsInSyncAfterAWhile) {
    Primary primary("route53");
    const auto www = std::move(*makeProvider(settingsOf(kinds[4], primary.facts, "www.shop.example")));
    const auto change = www->replace(*www->read(), wantedAt(5, {"198.51.100.1"}));
    ASSERT_TRUE(change);
    EXPECT_EQ(*change, "C1");
    EXPECT_FALSE(*www->inSync(*change));
    EXPECT_FALSE(*www->inSync(*change));
    EXPECT_TRUE(*www->inSync(*change));
    EXPECT_FALSE(www->inSync("C99"));
}

TEST(CloudflareLimits, HeadRoomIsRead) {
    Primary primary("cloudflare");
    const auto www = std::move(*makeProvider(settingsOf(kinds[3], primary.facts, "www.shop.example")));
    const auto reading = www->read();
    ASSERT_TRUE(reading && reading->requestsLeft);
    EXPECT_LT(*reading->requestsLeft, 1200);
    EXPECT_EQ(ttlMinOf(ProviderKind::cloudflare), 60u);
}

// --- the whole way -------------------------------------------------------------------------------------------------

MachineTiming quick() {
    MachineTiming timing;
    timing.settleMs = timing.surveyPauseMs = timing.syncPollMs = timing.retryFirstMs = 50;
    timing.verifyMs = timing.syncMs = 1500;
    timing.slowMs = 100;
    return timing;
}

// Performs the machine's actions until it rests or `enough` says so. Journal: every stored record, in order.
struct Drive {
    Machine& machine;
    Provider& provider;
    const Publication& publication;
    std::vector<Record> journal = {};

    void until(const std::function<bool()>& enough) {
        Action next = machine.resume(event::Begin{}, now());
        for (int step = 0; step < 500 && !enough(); ++step) {
            if (std::holds_alternative<action::Rest>(next)) return;
            next = machine.resume(perform(next), now());
        }
    }
    Event perform(const Action& action) {
        if (std::holds_alternative<action::Read>(action)) return event::ReadDone{provider.read()};
        if (const auto* replace = std::get_if<action::Replace>(&action)) {
            EXPECT_FALSE(journal.empty() || !journal.back().intent || !journal.back().intent->open)
                << "nothing is called before the intent is stored";
            return event::ReplaceDone{provider.replace(replace->seen, replace->wanted)};
        }
        if (const auto* sync = std::get_if<action::AskSync>(&action))
            return event::SyncDone{provider.inSync(sync->change)};
        if (const auto* wait = std::get_if<action::Wait>(&action)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(wait->ms));
            return event::Waited{};
        }
        if (std::holds_alternative<action::Journal>(action)) {
            journal.push_back(machine.record());
            return event::Journalled{};
        }
        SurveySettings settings;
        settings.timeoutMs = 500;
        const auto servers = findNameServers(publication, settings);
        if (!servers) return event::SurveyDone{fail(servers.error())};
        return event::SurveyDone{surveyServers(*servers, publication, settings)};
    }
    static UnixMs now() { return SystemClock().now(); }
};

class WholeWay : public Providers {};

TEST_P(WholeWay, APublicationIsPublishedAndMovesWithTheEpoch) {
    const auto settings = settingsOf(GetParam(), primary.facts, "www.shop.example");
    const auto www = std::move(*makeProvider(settings));
    Machine machine(settings.publication, {}, !www->comparesAndSets(), quick());
    Drive drive{machine, *www, settings.publication};
    ASSERT_TRUE(machine.want({"fg-shop", 1, {60, {"192.0.2.1"}}}, 1));
    drive.until([] { return false; });
    EXPECT_EQ(machine.record().standing, Standing::conflict) << "no mark, not adopted";
    EXPECT_TRUE(drive.journal.empty());
    machine.adopt();
    drive.until([] { return false; });
    ASSERT_EQ(machine.record().standing, Standing::published) << machine.record().detail;
    for (int64_t epoch = 2; epoch < 5; ++epoch) {
        const RecordSet set{60, {"198.51.100." + std::to_string(epoch)}};
        ASSERT_TRUE(machine.want({"fg-shop", epoch, set}, 1));
        drive.until([] { return false; });
        ASSERT_EQ(machine.record().standing, Standing::published) << machine.record().detail;
        ASSERT_TRUE(machine.survey());
        EXPECT_EQ(machine.survey()->answers.size(), 2u) << "UDP and TCP";
        EXPECT_EQ(*readFrom(*www).set, set);
    }
    EXPECT_EQ(drive.journal.size(), 4u);
}

TEST_P(WholeWay, ANameServerThatDoesNotFollowMakesItPartialAndIsNamed) {
    Primary stale("bind");
    auto settings = settingsOf(GetParam(), primary.facts, "www.shop.example");
    const std::string staleServer(stale.facts.at("nameServers").at(0).as_string());
    settings.publication.nameServers.push_back(staleServer);
    const auto www = std::move(*makeProvider(settings));
    Machine machine(settings.publication, {}, !www->comparesAndSets(), quick());
    machine.adopt();
    ASSERT_TRUE(machine.want({"fg-shop", 2, {60, {"198.51.100.9"}}}, 1));
    Drive drive{machine, *www, settings.publication};
    drive.until([&] { return machine.record().standing == Standing::partial; });
    EXPECT_EQ(machine.record().standing, Standing::partial);
    EXPECT_NE(machine.record().detail.find(staleServer), std::string::npos) << machine.record().detail;
    EXPECT_NE(machine.record().detail.find("192.0.2.1"), std::string::npos) << machine.record().detail;
}

TEST_P(WholeWay, ANewerEpochThereIsNotOverwritten) {
    const auto settings = settingsOf(GetParam(), primary.facts, "www.shop.example");
    const auto www = std::move(*makeProvider(settings));
    ASSERT_TRUE(www->replace(readFrom(*www), wantedAt(9, {"198.51.100.9"})));
    Machine machine(settings.publication, {}, !www->comparesAndSets(), quick());
    ASSERT_TRUE(machine.want({"fg-shop", 8, {60, {"192.0.2.1"}}}, 1));
    Drive drive{machine, *www, settings.publication};
    drive.until([] { return false; });
    EXPECT_EQ(machine.record().standing, Standing::conflict);
    EXPECT_EQ(readFrom(*www).set->values, std::vector<std::string>{"198.51.100.9"});
}

INSTANTIATE_TEST_SUITE_P(Real, WholeWay, testing::Values(kinds[0], kinds[1], kinds[2]), nameOfKind);

}  // namespace
}  // namespace swb::publication
