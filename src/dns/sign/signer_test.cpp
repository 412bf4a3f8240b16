#include "dns/sign/signer.h"

#include <sys/stat.h>

#include <fstream>
#include <random>
#include <sstream>

#include "dns/sign/zone_test_support.h"

namespace swb::dns::sign {
namespace {

using test::name;
using test::valueOf;

class SignerTest : public testing::Test {
  protected:
    SignerTest() : sealer_(valueOf(crypto::Sealer::load(directory_.path + "/seal.key"))) {
        policy_.limits.setsMax = 25;
        reopen();
    }

    void reopen() {
        signer_.reset();
        signer_ = valueOf(Signer::open(directory_.path + "/dnssec", name("fo.example"), sealer_, clock_, policy_));
    }
    UnixSeconds now() const { return clock_.now() / 1000; }
    void pass(int64_t seconds) { clock_.advance(seconds * 1000); }
    Stage stage() const { return signer_->status().stage; }

    // One call of maintain(), published; false when there was nothing to do.
    bool maintainOnce() {
        const ZoneChange change = valueOf(signer_->maintain(*zone_));
        if (change.isEmpty()) return false;
        zone_ = valueOf(zone_->with(change));
        return true;
    }
    void maintain() {
        for (int i = 0; i < 100; ++i)
            if (!maintainOnce()) return;
        FAIL() << "it never ends";
    }
    // Time passes until the stage ends, as a timer sees it.
    void passStage() {
        const auto deadline = signer_->status().deadline;
        ASSERT_TRUE(deadline) << nameOf(stage());
        const Stage before = stage();
        clock_.advance((*deadline - now() - 1) * 1000);
        maintain();
        EXPECT_EQ(stage(), before);
        pass(2);
        maintain();
        EXPECT_NE(stage(), before);
    }
    // The parent does what is asked of it.
    void parentFollows() {
        const Stage before = stage();
        ASSERT_TRUE(signer_->parentShows(signer_->status().ds, 3600));
        EXPECT_NE(stage(), before);
        maintain();
    }
    void enable(Algorithm algorithm = Algorithm::ed25519, KeyLayout layout = KeyLayout::split) {
        ASSERT_TRUE(signer_->enable(algorithm, layout));
        maintain();
        passStage();
        parentFollows();
        ASSERT_EQ(stage(), Stage::steady);
    }
    const RecordSet* apexSet(uint16_t number) const { return zone_->nodeOf(name("fo.example")).find(number); }
    // By the keys that the zone publishes, as a resolver sees it.
    void expectValid() const {
        ASSERT_NE(apexSet(type::dnskey), nullptr);
        test::expectValid(*zone_, apexSet(type::dnskey)->records, now());
    }
    void change() {
        ZoneEdits edits;
        edits.addresses = {{"shop",
                            ++epoch_,
                            name("shop.fo.example"),
                            300,
                            {test::address("203.0.113." + std::to_string(epoch_ % 250 + 1))}}};
        zone_ = valueOf(zone_->with(valueOf(signer_->sign(*zone_, valueOf(zone_->draft(edits))))));
    }
    std::string file() const {
        std::ostringstream text;
        text << std::ifstream(directory_.path + "/dnssec/fo.example.json").rdbuf();
        return text.str();
    }

    test::Directory directory_;
    crypto::Sealer sealer_;
    ManualClock clock_{test::now * 1000};
    SignerPolicy policy_;
    std::unique_ptr<Signer> signer_;
    ZonePointer zone_ = test::zone();
    int64_t epoch_ = 3;
};

TEST_F(SignerTest, WithoutDnssecAChangeComesBackAsItIs) {
    ZoneEdits edits;
    edits.records = {test::records("nova.fo.example", type::a, {"192.0.2.5"})};
    const ZoneChange plain = valueOf(zone_->draft(edits));
    EXPECT_EQ(valueOf(signer_->sign(*zone_, plain)), plain);
    EXPECT_FALSE(maintainOnce());
    EXPECT_EQ(file(), "");
    EXPECT_TRUE(signer_->isNew());
    EXPECT_EQ(stage(), Stage::unsignedZone);
    EXPECT_FALSE(signer_->command(Command::disable));
    EXPECT_FALSE(signer_->roll(Command::rollZsk));
}

TEST_F(SignerTest, EnablingGoesThroughItsStages) {
    ASSERT_TRUE(signer_->enable(Algorithm::ecdsaP256Sha256, KeyLayout::split));
    EXPECT_FALSE(signer_->enable(Algorithm::ed25519, KeyLayout::split));
    EXPECT_FALSE(signer_->status().isInPlace);
    EXPECT_TRUE(signer_->status().ds.empty()) << "too early for the parent";
    EXPECT_TRUE(maintainOnce());
    EXPECT_GT(signer_->status().setsLeft, 0u);
    change();
    maintain();
    EXPECT_TRUE(signer_->status().isInPlace);
    expectValid();
    EXPECT_EQ(apexSet(type::cds), nullptr);
    EXPECT_EQ(signer_->status().deadline, now() + 3600 + 3600);
    passStage();
    EXPECT_EQ(stage(), Stage::firstDelegation);
    ASSERT_NE(apexSet(type::cds), nullptr);
    EXPECT_EQ(signer_->status().ds.size(), 2u);
    ASSERT_TRUE(signer_->parentShows({}, 60));
    EXPECT_EQ(stage(), Stage::firstDelegation);
    parentFollows();
    EXPECT_EQ(stage(), Stage::steady);
    expectValid();
    change();
    expectValid();
    EXPECT_FALSE(maintainOnce()) << "a signed change leaves nothing to do";
}

TEST_F(SignerTest, KeysAndStageAreReadAgain) {
    enable();
    const SignerStatus before = signer_->status();
    reopen();
    const SignerStatus after = signer_->status();
    EXPECT_EQ(after.stage, before.stage);
    EXPECT_EQ(after.ds, before.ds);
    EXPECT_TRUE(after.isInPlace);
    EXPECT_FALSE(maintainOnce()) << "the same keys, so nothing to sign again";
    change();
    expectValid();
    struct stat status {};
    ASSERT_EQ(::stat((directory_.path + "/dnssec/fo.example.json").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(SignerTest, AFileThatDoesNotOpenIsNotReplaced) {
    enable();
    const std::string good = file();
    const std::string path = directory_.path + "/dnssec/fo.example.json";
    std::ofstream(path) << good.substr(0, good.size() / 2);
    EXPECT_FALSE(Signer::open(directory_.path + "/dnssec", name("fo.example"), sealer_, clock_, policy_));
    EXPECT_EQ(file(), good.substr(0, good.size() / 2));
    std::ofstream(path) << good;
    reopen();
    EXPECT_EQ(stage(), Stage::steady);
}

TEST_F(SignerTest, TheZskIsRolledByItselfWhenItIsOld) {
    enable();
    const uint16_t old = signer_->status().keys[1].tag;
    pass(policy_.zskLifetimeSeconds);
    maintain();
    EXPECT_EQ(stage(), Stage::zskPublication);
    EXPECT_EQ(apexSet(type::dnskey)->records.size(), 3u);
    EXPECT_FALSE(signer_->roll(Command::rollKsk)) << "one after the other";
    passStage();
    EXPECT_EQ(stage(), Stage::zskReplacement);
    expectValid();
    passStage();
    EXPECT_EQ(stage(), Stage::steady);
    EXPECT_EQ(apexSet(type::dnskey)->records.size(), 2u);
    for (const SignerStatus status = signer_->status(); const SignerStatus::Key& key : status.keys)
        EXPECT_NE(key.tag, old);
    expectValid();
}

TEST_F(SignerTest, TheKskIsRolledWithTheParent) {
    enable();
    const std::vector<Rdata> old = signer_->status().ds;
    ASSERT_TRUE(signer_->roll(Command::rollKsk));
    maintain();
    EXPECT_EQ(apexSet(type::dnskey)->signatures.size(), 2u);
    EXPECT_EQ(signer_->status().ds, old);
    passStage();
    EXPECT_EQ(stage(), Stage::kskDelegation);
    EXPECT_NE(signer_->status().ds, old);
    ASSERT_TRUE(signer_->parentShows(old, 3600));
    EXPECT_EQ(stage(), Stage::kskDelegation);
    pass(400 * 86400);
    maintain();
    EXPECT_EQ(stage(), Stage::kskDelegation) << "without the parent it waits";
    expectValid();
    parentFollows();
    EXPECT_EQ(stage(), Stage::kskRetirement);
    passStage();
    expectValid();
    EXPECT_EQ(apexSet(type::dnskey)->signatures.size(), 1u);
}

TEST_F(SignerTest, ACskAndTheAlgorithmAreRolled) {
    enable(Algorithm::ecdsaP256Sha256, KeyLayout::combined);
    ASSERT_TRUE(signer_->roll(Command::rollCsk));
    maintain();
    passStage(), expectValid();
    passStage(), expectValid();
    EXPECT_EQ(stage(), Stage::cskDelegation);
    parentFollows();
    passStage(), expectValid();
    EXPECT_EQ(stage(), Stage::steady);
    EXPECT_FALSE(signer_->roll(Command::rollAlgorithm, Algorithm::ecdsaP256Sha256));
    EXPECT_FALSE(signer_->roll(Command::rollCsk, Algorithm::ed25519));
    ASSERT_TRUE(signer_->roll(Command::rollAlgorithm, Algorithm::ed25519));
    maintain();
    EXPECT_EQ(zone_->soa().signatures.size(), 2u);
    change();
    EXPECT_EQ(zone_->nodeOf(name("shop.fo.example")).find(type::a)->signatures.size(), 2u);
    passStage(), expectValid();
    EXPECT_EQ(apexSet(type::dnskey)->records.size(), 2u);
    passStage();
    parentFollows();
    passStage();
    EXPECT_EQ(stage(), Stage::algorithmWithdrawal);
    EXPECT_EQ(apexSet(type::dnskey)->records.size(), 1u);
    EXPECT_EQ(zone_->soa().signatures.size(), 2u);
    passStage(), expectValid();
    EXPECT_EQ(stage(), Stage::steady);
    EXPECT_EQ(zone_->soa().signatures.size(), 1u);
    EXPECT_EQ(signer_->status().keys.at(0).algorithm, Algorithm::ed25519);
}

TEST_F(SignerTest, ACancelledRollOverLeavesTheOldKeys) {
    enable();
    const auto keys = apexSet(type::dnskey)->records;
    ASSERT_TRUE(signer_->roll(Command::rollKsk));
    maintain();
    ASSERT_TRUE(signer_->command(Command::cancel));
    maintain();
    EXPECT_EQ(apexSet(type::dnskey)->records, keys);
    EXPECT_EQ(stage(), Stage::steady);
    expectValid();
}

TEST_F(SignerTest, DisablingWaitsForTheParent) {
    enable();
    ASSERT_TRUE(signer_->command(Command::disable));
    maintain();
    EXPECT_EQ(apexSet(type::cds)->records, (std::vector{Rdata("\0\0\0\0\0", 5)}));
    expectValid();
    pass(30 * 86400);
    maintain();
    EXPECT_EQ(stage(), Stage::delegationRemoval);
    expectValid();
    parentFollows();
    EXPECT_EQ(stage(), Stage::delegationExpiry);
    passStage();
    EXPECT_EQ(stage(), Stage::unsignedZone);
    EXPECT_FALSE(zone_->isSigned());
    EXPECT_TRUE(signer_->status().keys.empty());
    change();
    EXPECT_FALSE(zone_->isSigned());
    reopen();
    EXPECT_FALSE(signer_->isNew()) << "disabled, which a setting must not undo";
    EXPECT_EQ(stage(), Stage::unsignedZone);
    enable();
    expectValid();
}

TEST_F(SignerTest, TheParentIsBelievedOnTheOperatorsWord) {
    ASSERT_TRUE(signer_->enable(Algorithm::ed25519, KeyLayout::split));
    maintain();
    passStage();
    ASSERT_TRUE(signer_->command(Command::parentDone));
    EXPECT_EQ(stage(), Stage::steady);
    ASSERT_TRUE(signer_->command(Command::disableNow));
    maintain();
    EXPECT_FALSE(zone_->isSigned());
}

TEST_F(SignerTest, SignaturesAreRefreshedByThemselves) {
    enable();
    for (int day = 0; day < 60; ++day) {
        pass(86400);
        maintain();
        test::expectValid(*zone_, apexSet(type::dnskey)->records, now() + 3 * 86400);
        if (HasFailure()) FAIL() << "on day " << day;
    }
}

// Dies between any two things it does, sometimes with a change on its way that is lost.
TEST_F(SignerTest, ACrashAtAnyPointIsTakenUp) {
    for (unsigned seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const std::vector<Command> life = {Command::enable, Command::rollZsk, Command::rollKsk, Command::rollAlgorithm,
                                           Command::disable};
        size_t next = 0;
        Algorithm algorithm = Algorithm::ed25519;
        for (int step = 0; step < 3000 && next <= life.size(); ++step) {
            if (random() % 4 == 0) reopen();
            const ZoneChange change = valueOf(signer_->maintain(*zone_));
            if (random() % 4 == 0) continue;
            if (!change.isEmpty()) {
                zone_ = valueOf(zone_->with(change));
                continue;
            }
            const SignerStatus status = signer_->status();
            const bool hasHiddenSigner =
                status.stage == Stage::algorithmSignatures || status.stage == Stage::algorithmWithdrawal;
            if (status.isInPlace && status.stage != Stage::unsignedZone && !hasHiddenSigner) expectValid();
            if (rowOf(status.stage).wait == Wait::parent) {
                ASSERT_TRUE(signer_->parentShows(status.ds, 60));
            }
            const bool rests = status.isInPlace && rowOf(status.stage).wait == Wait::forever;
            if (rests && next == life.size()) break;
            if (rests && life[next] == Command::enable) {
                ASSERT_TRUE(signer_->enable(algorithm, KeyLayout::split));
                ++next;
            } else if (rests && life[next] == Command::rollAlgorithm) {
                ASSERT_TRUE(signer_->roll(Command::rollAlgorithm, Algorithm::ecdsaP256Sha256));
                ++next;
            } else if (rests) {
                ASSERT_TRUE(life[next] == Command::disable ? signer_->command(life[next]) : signer_->roll(life[next]));
                ++next;
            }
            pass(random() % 3000);
        }
        EXPECT_EQ(next, life.size());
        EXPECT_EQ(stage(), Stage::unsignedZone);
        EXPECT_FALSE(zone_->isSigned());
        if (HasFailure()) return;
    }
}

TEST_F(SignerTest, AZoneThatIsMadeAnewIsSignedInItsFirstChange) {
    enable();
    ZoneDefinition empty = test::definition();
    empty.addresses.clear();
    empty.records.clear();
    empty.serial = zone_->serial() + 1000;
    zone_ = valueOf(ZoneSnapshot::build(empty));
    change();
    expectValid();
    EXPECT_FALSE(maintainOnce());
    zone_ = valueOf(ZoneSnapshot::build(empty));
    maintain();
    expectValid();
}

TEST_F(SignerTest, TheStatusIsReadable) {
    enable(Algorithm::ecdsaP256Sha256);
    const Json json = statusToJson(signer_->status(), signer_->zone());
    EXPECT_EQ(textAt(json, "stage"), "steady");
    EXPECT_EQ(textAt(json, "waitsFor"), "nothing");
    EXPECT_EQ(json.at("keys").as_array().size(), 2u);
    EXPECT_EQ(textAt(json.at("keys").as_array()[0], "role"), "ksk");
    EXPECT_EQ(json.at("ds").as_array().size(), 2u);
    EXPECT_EQ(toText(json).find("s1:"), std::string::npos) << "no key material, not even sealed";
}

}  // namespace
}  // namespace swb::dns::sign
