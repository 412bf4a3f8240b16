// Signed zones as others judge them: ldns-verify-zone and dnssec-verify on the zone as text, delv, drill and unbound on
// the answers of the running name server, after every step of a zone's life with DNSSEC.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "dns/server.h"
#include "dns/sign/signer.h"
#include "dns/sign/zone_test_support.h"
#include "support/program.h"

namespace swb::dns::sign {
namespace {

using swb::test::ProgramEnd;
using swb::test::runProgram;
using test::name;
using test::valueOf;

constexpr int64_t daySeconds = 86400;

// Type and data in the form that every program reads (RFC 3597).
std::string genericLine(NameView owner, uint32_t ttlSeconds, uint16_t type, const Rdata& data) {
    std::string line = owner.toText() + ' ' + std::to_string(ttlSeconds) + " IN TYPE" + std::to_string(type) + " \\# " +
                       std::to_string(data.size()) + ' ';
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char character : data) {
        line += digits[static_cast<uint8_t>(character) >> 4];
        line += digits[static_cast<uint8_t>(character) & 15];
    }
    return line + '\n';
}

std::string readText(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

class SignedZone : public testing::Test {
  protected:
    SignedZone() : sealer_(valueOf(crypto::Sealer::load(directory_.path + "/seal.key"))) {
        // The tools take the time of the machine; a life of days must end before it.
        clock_.emplace((SystemClock().now() / 1000 - 4 * daySeconds) * 1000);
        policy_.limits.setsMax = 30;
        signer_ = valueOf(Signer::open(directory_.path + "/dnssec", name("fo.example"), sealer_, *clock_, policy_));
        server_ = valueOf(Server::start(options(), ZoneSet::of({zone_})));
    }

    static ServerOptions options() {
        ServerOptions options;
        options.endpoints = {Endpoint{test::address("127.0.0.1"), 0}};
        return options;
    }

    void publish(const ZoneChange& change) {
        zone_ = valueOf(zone_->with(change));
        ASSERT_TRUE(server_->publish(zone_));
    }
    void maintain() {
        for (int i = 0; i < 200; ++i) {
            const ZoneChange change = valueOf(signer_->maintain(*zone_));
            if (change.isEmpty()) return;
            publish(change);
        }
        FAIL() << "it never ends";
    }
    void edit(const ZoneEdits& edits) { publish(valueOf(signer_->sign(*zone_, valueOf(zone_->draft(edits))))); }
    void switchGroup() {
        ++epoch_;
        ZoneEdits edits;
        edits.addresses = {
            {"shop", epoch_, name("shop.fo.example"), 300, {test::address("203.0.113." + std::to_string(epoch_))}}};
        edit(edits);
    }
    std::string addressNow() const { return epoch_ == 3 ? "203.0.113.10" : "203.0.113." + std::to_string(epoch_); }
    // To the end of the stage, by time or by the parent doing as asked.
    void nextStage() {
        const SignerStatus status = signer_->status();
        if (rowOf(status.stage).wait == Wait::parent) {
            ASSERT_TRUE(signer_->parentShows(status.ds, 3600));
        } else {
            ASSERT_TRUE(status.deadline) << nameOf(status.stage);
            clock_->advance((*status.deadline - clock_->now() / 1000) * 1000);
        }
        maintain();
        EXPECT_NE(nameOf(signer_->status().stage), nameOf(status.stage));
    }
    // Every stage until the zone rests, judged by everybody, with a switch in the middle of each.
    void expectGoodUntilItRests() {
        for (int stages = 0; stages < 10; ++stages) {
            SCOPED_TRACE(std::string(nameOf(signer_->status().stage)));
            expectGood();
            switchGroup();
            expectGood();
            if (HasFatalFailure() || HasNonfatalFailure()) return;
            if (rowOf(signer_->status().stage).wait == Wait::forever) return;
            nextStage();
            if (!zone_->isSigned()) return;
        }
    }
    void expectGood() {
        expectZoneFileGood();
        expectAnswersGood();
    }

    std::string write(const std::string& file, const std::string& text) const {
        const std::string path = directory_.path + "/" + file;
        std::ofstream(path) << text;
        return path;
    }
    std::string zoneText() const {
        std::string text;
        zone_->forEachSet([&](NameView owner, const RecordSet& set) {
            for (const Rdata& data : set.records) text += genericLine(owner, set.ttlSeconds, set.type, data);
            for (const Rdata& data : set.signatures) text += genericLine(owner, set.ttlSeconds, type::rrsig, data);
        });
        return text;
    }
    void expectZoneFileGood() const {
        const std::string path = write("zone", zoneText());
        const std::vector<SignerStatus::Key> keys = signer_->status().keys;
        const bool isCombined = !keys.empty() && keys.front().role == KeyRole::csk;
        // -z: a key with the SEP bit may sign the zone too.
        for (const std::vector<std::string>& program :
             {std::vector<std::string>{"ldns-verify-zone", "-V", "1", path},
              std::vector<std::string>{"dnssec-verify", "-q", isCombined ? "-z" : "-q", "-o", "fo.example", path}}) {
            const ProgramEnd end = runProgram(program);
            EXPECT_EQ(end.status, 0) << program[0] << ": " << end.output;
        }
    }

    std::string port() const { return std::to_string(server_->endpoints().at(0).port); }
    // The keys the parent's DS names, as trust anchors: those in use before, so that a roll-over is judged by caches'
    // knowledge.
    std::vector<Rdata> anchors() const {
        std::vector<Rdata> keys;
        for (const Rdata& dnskey : zone_->nodeOf(name("fo.example")).find(type::dnskey)->records)
            if (dnskey[1] & 1) keys.push_back(dnskey);
        return keys;
    }
    std::string anchorText(const Rdata& dnskey) const { return "257 3 " + std::to_string(dnskey[3]) + " "; }
    std::string delv(const std::vector<std::string>& question) const {
        std::string text = "trust-anchors {\n";
        for (const Rdata& dnskey : anchors())
            text += "  fo.example. static-key " + anchorText(dnskey) + '"' + test::toBase64(dnskey.substr(4)) + "\";\n";
        std::vector<std::string> words = {
            "delv",     "@127.0.0.1", "-p", port(), "-a", write("delv.keys", text + "};\n"), "+root=fo.example",
            "+nocrypto"};
        words.insert(words.end(), question.begin(), question.end());
        return runProgram(words).output;
    }
    std::string unbound(const std::string& owner, const std::string& type) const {
        std::string keys;
        for (const Rdata& dnskey : anchors())
            keys += "fo.example. IN DNSKEY " + anchorText(dnskey) + test::toBase64(dnskey.substr(4)) + "\n";
        const std::string configuration =
            "server:\n  do-not-query-localhost: no\n  module-config: \"validator iterator\"\n"
            "  trust-anchor-file: " +
            write("unbound.keys", keys) + "\nstub-zone:\n  name: fo.example\n  stub-addr: 127.0.0.1@" + port() + "\n";
        return runProgram({"unbound-host", "-C", write("unbound.conf", configuration), "-v", "-t", type, owner}).output;
    }
    // With all keys: drill judges single sets and follows no chain.
    std::string drill(const std::string& owner, const std::string& type) const {
        std::string keys;
        for (const Rdata& dnskey : zone_->nodeOf(name("fo.example")).find(dns::type::dnskey)->records)
            keys += "fo.example. 3600 IN DNSKEY " + std::to_string(dnskey[1] & 1 ? 257 : 256) + " 3 " +
                    std::to_string(dnskey[3]) + " " + test::toBase64(dnskey.substr(4)) + "\n";
        const std::string file = write("drill.keys", keys);
        return runProgram({"drill", "-D", "-k", file, "-p", port(), owner, "@127.0.0.1", type}).output;
    }

    void expectAnswersGood() const {
        // Positive, an alias, through a wildcard, a name between names, glue-free delegations, all three kinds of no.
        EXPECT_THAT(delv({"shop.fo.example", "A"}),
                    testing::AllOf(testing::HasSubstr("; fully validated"), testing::HasSubstr(addressNow())));
        for (const char* owner : {"www.fo.example", "any.wild.fo.example", "blog.fo.example"})
            EXPECT_THAT(delv({owner, "A"}), testing::HasSubstr("; fully validated")) << owner;
        for (const auto& [owner, type] :
             {std::pair{"nothing.fo.example", "A"}, std::pair{"a.b.c.fo.example", "A"},
              std::pair{"zzz.fo.example", "A"}, std::pair{"shop.fo.example", "MX"}, std::pair{"deep.fo.example", "A"},
              std::pair{"any.wild.fo.example", "TXT"}, std::pair{"fo.example", "A"}, std::pair{"sub.fo.example", "DS"}})
            EXPECT_THAT(delv({owner, type}), testing::HasSubstr("negative response, fully validated"))
                << owner << ' ' << type;
        for (const auto& [owner, type] :
             {std::pair{"shop.fo.example", "A"}, std::pair{"any.wild.fo.example", "A"},
              std::pair{"nothing.fo.example", "A"}, std::pair{"shop.fo.example", "MX"},
              std::pair{"deep.fo.example", "A"}, std::pair{"any.wild.fo.example", "TXT"},
              std::pair{"safe.fo.example", "DS"}, std::pair{"sub.fo.example", "DS"}, std::pair{"fo.example", "DNSKEY"}})
            EXPECT_THAT(unbound(owner, type), testing::HasSubstr("(secure)")) << owner << ' ' << type;
    }

    test::Directory directory_;
    crypto::Sealer sealer_;
    std::optional<ManualClock> clock_;
    SignerPolicy policy_;
    std::unique_ptr<Signer> signer_;
    ZonePointer zone_ = test::zone();
    std::unique_ptr<Server> server_;
    int64_t epoch_ = 3;
};

TEST_F(SignedZone, EcdsaWithTwoKeysFromTheFirstSignatureToTheLast) {
    ASSERT_TRUE(signer_->enable(Algorithm::ecdsaP256Sha256, KeyLayout::split));
    maintain();
    expectGoodUntilItRests();
    for (const Command roll : {Command::rollZsk, Command::rollKsk}) {
        ASSERT_TRUE(signer_->roll(roll));
        maintain();
        expectGoodUntilItRests();
    }
    ASSERT_TRUE(signer_->command(Command::disable));
    maintain();
    expectGoodUntilItRests();
    EXPECT_FALSE(zone_->isSigned());
    EXPECT_EQ(zoneText().find("TYPE46"), std::string::npos);
}

TEST_F(SignedZone, OneEd25519KeyAndAChangeOfTheAlgorithm) {
    ASSERT_TRUE(signer_->enable(Algorithm::ed25519, KeyLayout::combined));
    maintain();
    expectGoodUntilItRests();
    ASSERT_TRUE(signer_->roll(Command::rollCsk));
    maintain();
    expectGoodUntilItRests();
    ASSERT_TRUE(signer_->roll(Command::rollAlgorithm, Algorithm::ecdsaP256Sha256));
    maintain();
    expectGoodUntilItRests();
}

TEST_F(SignedZone, NamesComeAndGo) {
    ASSERT_TRUE(signer_->enable(Algorithm::ed25519, KeyLayout::split));
    maintain();
    ZoneEdits edits;
    edits.records = {test::records("deep.fo.example", type::ns, {"ns.other.example."}),
                     test::records("nova.fo.example", type::a, {"192.0.2.5"}),
                     test::records("*.fo.example", type::txt, {"everything"})};
    edits.removedRecords = {{name("odd.fo.example"), 1000}, {name("sub.fo.example"), type::ns}};
    edit(edits);
    expectZoneFileGood();
    edits.records = {test::records("0.fo.example", type::a, {"192.0.2.5"})};
    edits.removedRecords = {{name("deep.fo.example"), type::ns}, {name("*.fo.example"), type::txt}};
    edit(edits);
    expectZoneFileGood();
}

TEST(DnssecManual, HasTheTableOfStagesAsItIs) {
    EXPECT_NE(readText(SWB_SOURCE_DIR "/docs/dns.md").find(stageTableText()), std::string::npos);
}

TEST_F(SignedZone, TheToolsSeeABadSignature) {
    ASSERT_TRUE(signer_->enable(Algorithm::ecdsaP256Sha256, KeyLayout::split));
    maintain();
    std::string text = zoneText();
    const size_t at = text.find("shop.fo.example. 300 IN TYPE46");
    ASSERT_NE(at, std::string::npos);
    const size_t end = text.find('\n', at);
    text[end - 1] = text[end - 1] == '0' ? '1' : '0';
    const std::string path = write("zone", text);
    EXPECT_NE(runProgram({"ldns-verify-zone", path}).status, 0);
    EXPECT_NE(runProgram({"dnssec-verify", "-q", "-o", "fo.example", path}).status, 0);
}

}  // namespace
}  // namespace swb::dns::sign
