// What a switch only warns of: publications elsewhere, the TTL, the address as the world sees it.
#include <gmock/gmock.h>

#include <functional>

#include "plan/check_test_support.h"

namespace swb::plan {
namespace {

using namespace test;

PublicationView goodView(const Snapshot& snapshot) {
    PublicationView view;
    view.key = "www.shop.example/A";
    view.provider = "cloudflare";
    view.standing = "published";
    view.checkedAt = snapshot.at - 30'000;
    view.requestsLeft = 1000;
    return view;
}

// The verdict of one check about a publication that looks like this.
Verdict publicationVerdict(const std::string& name, const std::function<void(Snapshot&, PublicationView&)>& change) {
    Snapshot snapshot = readySnapshot();
    PublicationView view = goodView(snapshot);
    change(snapshot, view);
    snapshot.publications = {view};
    for (const auto readiness = checkSwitch(snapshot); const Check& check : readiness.checks)
        if (check.name == name) return check.verdict;
    ADD_FAILURE() << "there is no check " << name;
    return Verdict::refused;
}

TEST(CheckPublications, WarnOfEveryTroubleAndNeverRefuse) {
    const auto nothing = [](Snapshot&, PublicationView&) {};
    for (const char* name : {"publication", "publication-preflight", "publication-target", "publication-rate-limit"})
        EXPECT_EQ(publicationVerdict(name, nothing), Verdict::ok) << name;
    for (const char* standing : {"none", "partial", "unknown", "conflict", "failed"})
        EXPECT_EQ(
            publicationVerdict("publication", [&](Snapshot&, PublicationView& view) { view.standing = standing; }),
            Verdict::warning)
            << standing;
    EXPECT_EQ(publicationVerdict("publication-preflight",
                                 [](Snapshot&, PublicationView& view) { view.problem = "there is no ownership mark"; }),
              Verdict::warning);
    EXPECT_EQ(
        publicationVerdict("publication-preflight",
                           [](Snapshot& snapshot, PublicationView& view) { view.checkedAt = snapshot.at - 600'000; }),
        Verdict::warning);
    EXPECT_EQ(publicationVerdict("publication-preflight", [](Snapshot&, PublicationView& view) { view.checkedAt = 0; }),
              Verdict::warning);
    EXPECT_EQ(publicationVerdict("publication-target",
                                 [](Snapshot&, PublicationView& view) { view.type = AddressType::aaaa; }),
              Verdict::warning);
    EXPECT_EQ(
        publicationVerdict("publication-rate-limit", [](Snapshot&, PublicationView& view) { view.requestsLeft = 3; }),
        Verdict::warning);
}

TEST(CheckTtl, WarnsOnlyWhenItWasLoweredTooShortlyBefore) {
    const auto verdict = [](UnixMs loweredAgo) {
        Snapshot snapshot = readySnapshot();
        if (loweredAgo) snapshot.group.ttlLoweredAt = snapshot.at - loweredAgo;
        for (const auto readiness = checkSwitch(snapshot); const Check& check : readiness.checks)
            if (check.name == "ttl") return check.verdict;
        return Verdict::refused;
    };
    EXPECT_EQ(verdict(0), Verdict::ok);
    EXPECT_EQ(verdict(1000), Verdict::warning);
    EXPECT_EQ(verdict(299'999), Verdict::warning);
    EXPECT_EQ(verdict(300'000), Verdict::ok);
}

TEST(CheckAddressTest, RepeatsWhatTheNewestTestFoundWithItsAge) {
    Snapshot snapshot = readySnapshot();
    snapshot.address = JsonObject{
        {"at", snapshot.at - 120'000},
        {"warnings",
         JsonArray{JsonObject{
             {"name", "apex-bypass"}, {"subject", "shop.example"}, {"sentence", "it stays"}, {"hint", "CNAME"}}}}};
    const auto checks = checkSwitch(snapshot).checks;
    const auto found = std::find_if(checks.begin(), checks.end(),
                                    [](const Check& check) { return check.name == "address-apex-bypass"; });
    ASSERT_NE(found, checks.end());
    EXPECT_EQ(found->verdict, Verdict::warning);
    EXPECT_NE(found->sentence.find("2 min ago"), std::string::npos);
}

}  // namespace
}  // namespace swb::plan
