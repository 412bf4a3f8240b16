// The message around an answer: header, EDNS, what is malformed, sizes. What is answered: answer_test.cpp.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "dns/answer.h"
#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

TEST(DnsAnswer, TheQuestionComesBackByteForByte) {
    const Bytes asked = query("sHoP.Fo.eXaMpLe", type::a);
    const Bytes bytes = reply(asked);
    ASSERT_GT(bytes.size(), asked.size());
    EXPECT_TRUE(std::equal(asked.begin() + 12, asked.end(), bytes.begin() + 12));
    // The owner of the answer is a pointer to the question.
    EXPECT_EQ(bytes[asked.size()], 0xc0);
    EXPECT_EQ(bytes[asked.size() + 1], 12);
    EXPECT_EQ(answered(asked).answers.size(), 1u);
}

TEST(DnsAnswer, FlagsOfTheHeader) {
    // RD is copied; AA, TC, RA, Z, AD and CD of the query are not.
    EXPECT_EQ(answered(query("fo.example", type::soa, {}, 0x0100)).flags, 0x8500);
    EXPECT_EQ(answered(query("fo.example", type::soa, {}, 0x06f0)).flags, 0x8400);
}

TEST(DnsAnswer, ResponsesAndScrapsGetNoAnswer) {
    EXPECT_TRUE(reply(query("fo.example", type::soa, {}, 0x8000)).empty());
    for (size_t length = 0; length < headerBytes; ++length) EXPECT_TRUE(reply(Bytes(length, 0)).empty());
    EXPECT_TRUE(reply(query("fo.example", type::soa, {}, 0xf800)).empty()) << "a response of another opcode";
}

TEST(DnsAnswer, QuestionCounts) {
    const Bytes bare = {0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(answered(bare).rcode, rcode::formatError);
    EXPECT_EQ(reply(bare).size(), headerBytes);
    Bytes two = query("fo.example", type::soa);
    two[5] = 2;
    appendName(two, name("fo.example"));
    append16(two, type::ns);
    append16(two, 1);
    EXPECT_EQ(answered(two).rcode, rcode::formatError);
    EXPECT_EQ(reply(two).size(), headerBytes) << "neither question is echoed";
}

TEST(DnsAnswer, OtherOpcodes) {
    for (unsigned opcode = 1; opcode < 16; ++opcode) {
        const Bytes header = {0x12, 0x34, static_cast<uint8_t>(opcode << 3), 0, 0, 0, 0, 0, 0, 0, 0, 0};
        const Response response = answered(header);
        EXPECT_EQ(response.rcode, opcode == opcode::notify ? rcode::refused : rcode::notImplemented) << opcode;
        EXPECT_EQ(response.flags & flag::opcodeMask, opcode << 11);
        EXPECT_FALSE(response.isAuthoritative());
        EXPECT_NE(optOf(answered(query("fo.example", type::soa, {Edns{}}, opcode << 11))), nullptr);
    }
    Bytes unreadable = {0x12, 0x34, 15 << 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    EXPECT_EQ(answered(unreadable).rcode, rcode::notImplemented);
}

TEST(DnsAnswer, EdnsIsAnsweredWithEdns) {
    const Response response = answered(query("fo.example", type::soa, {Edns{}}));
    EXPECT_EQ(response.rcode, rcode::noError);
    const ReceivedRecord* opt = optOf(response);
    ASSERT_NE(opt, nullptr);
    EXPECT_EQ(opt->recordClass, 1232);
    EXPECT_EQ(opt->ttlSeconds, 0u);
    EXPECT_TRUE(opt->name.view().isRoot());
}

TEST(DnsAnswer, EdnsFlagsAndUnknownOptions) {
    const Response dnssec = answered(query("fo.example", type::soa, {Edns{.flags = 0xffff}}));
    ASSERT_NE(optOf(dnssec), nullptr);
    EXPECT_EQ(optOf(dnssec)->ttlSeconds, 0x8000u) << "DO copied, Z cleared";
    const Response option = answered(query("fo.example", type::soa, {Edns{.options = {0, 100, 0, 2, 1, 2}}}));
    ASSERT_NE(optOf(option), nullptr);
    EXPECT_EQ(option.rcode, rcode::noError);
    EXPECT_TRUE(optOf(option)->data.empty());
}

TEST(DnsAnswer, AnotherEdnsVersion) {
    for (const Edns& edns : {Edns{.version = 1}, Edns{.version = 255, .flags = 0x40},
                             Edns{.version = 1, .options = {0, 100, 0, 0}}, Edns{.version = 1, .flags = 0x8000}}) {
        const Response response = answered(query("fo.example", type::soa, {edns}));
        EXPECT_EQ(response.rcode, rcode::badVersion);
        EXPECT_FALSE(response.isAuthoritative());
        EXPECT_TRUE(response.answers.empty() && response.authorities.empty());
        ASSERT_NE(optOf(response), nullptr);
        EXPECT_EQ(optOf(response)->ttlSeconds, 0x01000000u | (edns.flags & 0x8000u)) << "version 0, DO as asked";
        EXPECT_TRUE(optOf(response)->data.empty());
    }
}

TEST(DnsAnswer, MalformedEdns) {
    EXPECT_EQ(answered(query("fo.example", type::soa, {Edns{}, Edns{}})).rcode, rcode::formatError) << "two OPT";
    EXPECT_NE(optOf(answered(query("fo.example", type::soa, {Edns{}, Edns{}}))), nullptr);
    EXPECT_EQ(answered(query("fo.example", type::soa, {Edns{.options = {0, 100, 0, 9, 1}}})).rcode, rcode::formatError);
    EXPECT_EQ(answered(query("fo.example", type::soa, {Edns{.options = {0, 100, 0}}})).rcode, rcode::formatError);
    Bytes notRoot = query("fo.example", type::soa);
    notRoot[11] = 1;
    notRoot.insert(notRoot.end(), {1, 'x', 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(answered(notRoot).rcode, rcode::formatError);
    Bytes inAnswer = query("fo.example", type::soa, {Edns{}});
    std::swap(inAnswer[7], inAnswer[11]);
    EXPECT_EQ(answered(inAnswer).rcode, rcode::formatError);
}

TEST(DnsAnswer, MalformedQuestionsAndRecords) {
    const auto formatErrorOf = [](Bytes bytes, const char* why) {
        const Response response = answered(bytes);
        EXPECT_EQ(response.rcode, rcode::formatError) << why;
        EXPECT_FALSE(response.isAuthoritative()) << why;
    };
    const Bytes header = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    const auto with = [&](const Bytes& rest) {
        Bytes bytes = header;
        bytes.insert(bytes.end(), rest.begin(), rest.end());
        return bytes;
    };
    formatErrorOf(with({}), "no question");
    formatErrorOf(with({0, 0, 1}), "half a question");
    formatErrorOf(with({0xc0, 12, 0, 1, 0, 1}), "a pointer to itself");
    formatErrorOf(with({0xc0, 18, 0, 1, 0, 1}), "a pointer forward");
    formatErrorOf(with({0xc0, 0, 0, 1, 0, 1}), "a pointer into the header");
    formatErrorOf(with({0x41, 1, 0, 1, 0, 1}), "a binary label");
    formatErrorOf(with({63, 'a', 0, 0, 1, 0, 1}), "a label over the end");
    Bytes trailing = query("fo.example", type::soa);
    trailing.push_back(0);
    formatErrorOf(trailing, "bytes behind the end");
    Bytes missing = query("fo.example", type::soa);
    missing[11] = 1;
    formatErrorOf(missing, "a record that is not there");
    Bytes many = query("fo.example", type::soa);
    many[6] = many[7] = many[8] = many[9] = 0xff;
    formatErrorOf(many, "131070 records that are not there");
}

TEST(DnsAnswer, RecordsInTheQueryAreSteppedOver) {
    Bytes bytes = query("fo.example", type::soa);
    bytes[9] = 1;
    bytes.insert(bytes.end(), {0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 2, 1, 2});
    EXPECT_EQ(answered(bytes).rcode, rcode::noError);
}

TEST(DnsAnswer, TruncationByTransportAndAnnouncedSize) {
    const size_t full = reply(query("big.fo.example", type::txt), Transport::tcp).size();
    ASSERT_GT(full, 2000u);
    EXPECT_FALSE(answered(query("big.fo.example", type::txt), Transport::tcp).isTruncated());
    for (const uint16_t size : {0, 100, 512, 1000, 1232, 4096, 65535}) {
        const Bytes asked = query("big.fo.example", type::txt, {Edns{.udpBytes = size}});
        const Response response = answered(asked);
        EXPECT_TRUE(response.isTruncated()) << size;
        EXPECT_TRUE(response.answers.empty());
        EXPECT_NE(optOf(response), nullptr) << "a truncated reply keeps its OPT";
        EXPECT_LE(reply(asked).size(), std::clamp<size_t>(size, 512, 1232));
    }
    EXPECT_TRUE(answered(query("big.fo.example", type::txt)).isTruncated());
}

TEST(DnsAnswer, ExactlyFittingIsNotTruncated) {
    // One TXT record that fills a plain reply to the last of 512 octets, and one octet more.
    for (const size_t extra : {0, 1}) {
        ZoneDefinition definition = exampleDefinition();
        // 12 header, 18 question, 12 owner pointer to length, and two character strings.
        const size_t second = 512 - 12 - 18 - 12 - 256 - 1 + extra;
        definition.records.push_back(
            recordSet("f.fo.example", type::txt, {std::string(255, 'x') + " " + std::string(second, 'y')}));
        const Bytes bytes = reply(query("f.fo.example", type::txt), Transport::udp, build(definition));
        EXPECT_EQ(parseResponse(bytes)->isTruncated(), extra == 1);
        if (extra == 0) {
            EXPECT_EQ(bytes.size(), 512u);
        }
    }
}

TEST(DnsAnswer, TheOptRecordHasItsRoomReserved) {
    for (size_t size = 420; size <= 520; ++size) {
        ZoneDefinition definition = exampleDefinition();
        definition.records.push_back(
            recordSet("f.fo.example", type::txt, {std::string(255, 'x') + " " + std::string(size - 300, 'y')}));
        const Response response =
            answered(query("f.fo.example", type::txt, {Edns{.udpBytes = 512}}), Transport::udp, build(definition));
        EXPECT_NE(optOf(response), nullptr) << size;
        EXPECT_EQ(response.isTruncated(), response.answers.empty());
    }
}

TEST(DnsAnswer, OptionalRecordsAreLeftOutWithoutTruncation) {
    ZoneDefinition definition = exampleDefinition();
    definition.nameServers.clear();
    for (int i = 0; i < 13; ++i)
        definition.nameServers.push_back({name("ns" + std::to_string(i) + ".fo.example"),
                                          {address("192.0.2." + std::to_string(i + 1)), address("2001:db8::1")}});
    const Response response = answered(query("fo.example", type::ns), Transport::udp, build(definition));
    EXPECT_FALSE(response.isTruncated());
    EXPECT_EQ(response.answers.size(), 13u);
    EXPECT_LT(response.additionals.size(), 26u);
}

// Whatever the bytes: no crash, nothing written outside, every reply a well-formed response within its limit.
TEST(DnsAnswer, SurvivesMutatedQueries) {
    std::mt19937 random(20260722);
    std::vector<Bytes> seeds = {
        query("shop.fo.example", type::a, {Edns{.options = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}}}),
        query("a.b.c.sub.fo.example", type::ns), query("www.fo.example", type::any, {Edns{}, Edns{}}),
        query("big.fo.example", type::txt, {Edns{.udpBytes = 512}})};
    std::map<unsigned, int> seenRcodes;
    for (int round = 0; round < 60'000; ++round) {
        Bytes bytes = seeds[random() % seeds.size()];
        for (unsigned changes = random() % 6; changes > 0; --changes) {
            const size_t at = random() % bytes.size();
            switch (random() % 4) {
                case 0:
                    bytes[at] = static_cast<uint8_t>(random());
                    break;
                case 1:
                    bytes[at] = static_cast<uint8_t>(0xc0 | (random() & 3));
                    break;
                case 2:
                    bytes.resize(std::max<size_t>(at, 1));
                    break;
                default:
                    bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(random()));
            }
        }
        const Bytes replied = reply(bytes, Transport::udp, exampleZone(), ednsUdpBytes);
        if (bytes.size() < headerBytes || (bytes[2] & 0x80) != 0) {
            ASSERT_TRUE(replied.empty());
            continue;
        }
        ASSERT_GE(replied.size(), headerBytes) << "every query gets an answer";
        const auto response = parseResponse(replied);
        ASSERT_TRUE(response) << describe(response.error());
        ASSERT_EQ(response->id, bytes[0] << 8 | bytes[1]);
        ++seenRcodes[response->rcode];
    }
    // The mutations must get behind the parser, too.
    for (const uint16_t rcode : {rcode::noError, rcode::nameError, rcode::formatError, rcode::refused,
                                 rcode::badVersion, rcode::notImplemented})
        EXPECT_GT(seenRcodes[rcode], 50) << rcode;
}

TEST(DnsAnswer, NeverWritesOutsideASmallBuffer) {
    for (size_t room = 0; room < 700; ++room)
        reply(query("fo.example", type::ns, {Edns{}}), Transport::tcp, exampleZone(), room);
}

}  // namespace
}  // namespace swb::dns::test
