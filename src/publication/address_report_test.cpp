#include "publication/address_report.h"

#include <gtest/gtest.h>

namespace swb::publication {
namespace {

AddressQuestion question() {
    AddressQuestion out;
    out.group = "shop";
    out.name = "shop.fo.example";
    out.zone = "fo.example";
    out.expected = {"192.0.2.1"};
    out.epoch = 5;
    out.ownServers = {{"ns1.fo.example", {*dns::IpAddress::fromText("192.0.2.53"), 53}}};
    out.resolvers = {{*dns::IpAddress::fromText("192.0.2.99"), 53}};
    return out;
}

AddressReport goodReport() {
    AddressReport report;
    AddressAnswer answer;
    answer.own = true;
    answer.server = question().ownServers.front();
    answer.addresses = {"192.0.2.1"};
    answer.epoch = 5;
    report.answers = {answer};
    report.delegation = {"ns1.fo.example", "ns2.fo.example"};
    return report;
}

DomainAnswer www() {
    DomainAnswer domain;
    domain.name = "www.shop.example";
    domain.chain = {{"shop.fo.example", 300}};
    domain.addresses = {"192.0.2.1"};
    return domain;
}

// Names of the warnings, joined.
std::string namesOf(const AddressReport& report, const AddressQuestion& asked = question()) {
    std::string out;
    for (const AddressWarning& warning : warningsOf(asked, report)) {
        EXPECT_FALSE(warning.sentence.empty() || warning.hint.empty() || warning.subject.empty());
        out += (out.empty() ? "" : " ") + warning.name;
    }
    return out;
}

TEST(AddressWarnings, NothingIsWarnedOfWhenAllIsWell) {
    AddressReport report = goodReport();
    report.domains = {www()};
    EXPECT_EQ(namesOf(report), "");
}

TEST(AddressWarnings, OwnServersThatAreWrongSilentOrBehind) {
    AddressReport report = goodReport();
    report.answers.front().addresses = {"198.51.100.1"};
    report.answers.front().epoch = 4;
    EXPECT_EQ(namesOf(report), "own-server old-epoch");
    report = goodReport();
    report.answers.front().problem = "did not answer";
    EXPECT_EQ(namesOf(report), "own-server");
    report = goodReport();
    report.answers.front().own = false;
    report.answers.front().addresses = {"198.51.100.1"};
    EXPECT_EQ(namesOf(report), "") << "a resolver may be behind for a TTL";
}

TEST(AddressWarnings, AZoneThatIsNotDelegatedToUs) {
    AddressReport report = goodReport();
    report.delegation = {"ns.registrar.example"};
    EXPECT_EQ(namesOf(report), "not-delegated");
    report.delegation->clear();
    EXPECT_EQ(namesOf(report), "not-delegated");
    report.delegation.reset();
    report.delegationProblem = "no answer";
    EXPECT_EQ(namesOf(report), "resolvers");
}

TEST(AddressWarnings, DomainsThatBypassTheGroup) {
    AddressReport report = goodReport();
    DomainAnswer apex;
    apex.name = "shop.example";
    apex.addresses = {"192.0.2.1"};
    report.domains = {apex};
    EXPECT_EQ(namesOf(report), "apex-bypass") << "the right address, but it stays there at a switch";
    AddressQuestion asked = question();
    asked.published = {"shop.example"};
    EXPECT_EQ(namesOf(report, asked), "") << "published by the group";
    report.domains.front().chain = {{"cdn.example", 60}};
    EXPECT_EQ(namesOf(report), "domain-elsewhere");
    report.domains.front().problem = "it does not resolve";
    EXPECT_EQ(namesOf(report), "domain");
}

TEST(AddressWarnings, LongAliasesAndHintsLeftBehind) {
    AddressReport report = goodReport();
    report.domains = {www()};
    report.domains.front().chain.front().ttlSeconds = 86'400;
    EXPECT_EQ(namesOf(report), "cname-ttl");
    EXPECT_EQ(warningsOf(question(), report).front().sentence,
              "its CNAME to shop.fo.example is kept for at least 86400 s");
    report.domains.front().chain.front().isExact = true;
    EXPECT_EQ(warningsOf(question(), report).front().sentence, "its CNAME to shop.fo.example is kept for 86400 s");
    report.domains = {www()};
    report.domains.front().hints = {"192.0.2.1", "198.51.100.1"};
    EXPECT_EQ(namesOf(report), "hint-left-behind");
}

TEST(AddressHints, AreReadFromHttpsRecords) {
    const dns::Rdata good =
        std::string("\0\1\0", 3) + std::string("\0\1\0\3\2h2", 7) + std::string("\0\4\0\10\300\0\2\1\300\0\2\2", 12);
    EXPECT_EQ(hintsIn(good), (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
    for (size_t cut = 3; cut < good.size(); ++cut) EXPECT_LE(hintsIn(good.substr(0, cut)).size(), 0u) << cut;
    EXPECT_TRUE(hintsIn("").empty());
    EXPECT_TRUE(hintsIn(std::string("\0\1\0\0\4\0\3\300\0\2", 10)).empty()) << "three octets are no address";
}

TEST(AddressEpoch, IsReadFromTheText) {
    EXPECT_EQ(epochInText("\"group=fg-a epoch=12\""), 12);
    for (const char* text : {"", "epoch=", "epoch=x", "epoch=-4", "epoch=99999999999999999999"})
        EXPECT_FALSE(epochInText(text)) << text;
}

TEST(AddressAsked, NobodyAnswersIsAReportAndNoError) {
    AddressQuestion asked = question();
    asked.timeoutMs = 100;
    asked.ownServers = {{"ns1", {*dns::IpAddress::fromText("127.0.0.1"), 1}}};
    asked.resolvers = {{*dns::IpAddress::fromText("127.0.0.1"), 1}};
    asked.domains = {"www.shop.example"};
    const AddressReport report = askAddress(asked);
    ASSERT_EQ(report.answers.size(), 3u) << "UDP and TCP, and the resolver";
    for (const AddressAnswer& answer : report.answers) EXPECT_FALSE(answer.problem.empty());
    EXPECT_FALSE(report.warnings.empty());
    EXPECT_EQ(toJson(report).at("nameServers").as_array().size(), 2u);
}

}  // namespace
}  // namespace swb::publication
