#include "dns/transfer/peer_desk.h"

#include "dns/soa.h"
#include "dns/transfer/transfer_test_support.h"

namespace swb::dns::transfer::test {
namespace {

class Desk : public ::testing::Test {
  protected:
    Desk() {
        EXPECT_TRUE(settings_.keys.add(transferKey()));
        settings_.allowTransfer = {{{}, keyName()}, {{*AddressPrefix::fromText("198.51.100.0/24")}, {}}};
        settings_.allowNotify = {{{}, keyName()}};
        settings_.followed = {name("fo.example")};
        settings_.notified = [this](const Name& origin, const Endpoint&) { notified_.push_back(origin.toText()); };
    }

    PeerDesk& desk() {
        if (!desk_) desk_ = std::make_unique<PeerDesk>(settings_, clock_);
        return *desk_;
    }
    UnixSeconds now() const { return static_cast<UnixSeconds>(clock_.now() / 1000); }

    Received overTcp(const Bytes& message, const char* from = "198.51.100.7") {
        Received received;
        Bytes buffer(messageBytesMax);
        const Query query = parseQuery(message);
        EXPECT_TRUE(isForPeers(query));
        auto reply = desk().handleTcp(message, query, {address(from), 5353}, ZoneSet({zone_}), buffer);
        for (size_t length = reply.stream ? reply.stream->next(buffer) : reply.bytes; length > 0;
             length = reply.stream ? reply.stream->next(buffer) : 0)
            received.messages.emplace_back(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(length));
        read(received);
        return received;
    }

    Received overUdp(const Bytes& message, const char* from = "198.51.100.7") {
        Received received;
        Bytes buffer(ednsUdpBytes);
        buffer.resize(desk().handle(message, parseQuery(message), {address(from), 5353}, ZoneSet({zone_}), buffer));
        received.messages.push_back(buffer);
        read(received);
        return received;
    }

    static void read(Received& received) {
        for (const Bytes& message : received.messages) {
            auto response = parseResponse(message);
            ASSERT_TRUE(response) << describe(response.error());
            received.rcode = response->rcode;
            for (const std::string& line : lines(response->answers)) received.lines.push_back(line);
            received.responses.push_back(*std::move(response));
        }
    }

    static TsigRecord tsigOf(const Bytes& message) {
        TsigRecord record;
        EXPECT_EQ(findTsig(message, record), TsigFound::yes);
        return record;
    }

    ManualClock clock_;
    PeerSettings settings_;
    ZonePointer zone_ = exampleZone();
    std::unique_ptr<PeerDesk> desk_;
    std::vector<std::string> notified_;
};

TEST_F(Desk, WholeZoneBeginsAndEndsWithTheSoa) {
    const Received received = overTcp(query("fo.example", type::axfr));
    ASSERT_GE(received.lines.size(), 20u);
    EXPECT_NE(received.lines.front().find(" SOA "), std::string::npos);
    EXPECT_EQ(received.lines.front(), received.lines.back());
    size_t soas = 0;
    for (const std::string& line : received.lines) soas += line.find(" SOA ") != std::string::npos;
    EXPECT_EQ(soas, 2u);
    EXPECT_NE(std::find(received.lines.begin(), received.lines.end(), "shop.fo.example. 300 A 203.0.113.10"),
              received.lines.end());
    EXPECT_TRUE(received.responses.front().isAuthoritative());
    EXPECT_EQ(received.responses.front().questionType, type::axfr);
}

TEST_F(Desk, NobodyIsAllowedByDefault) {
    settings_.allowTransfer.clear();
    EXPECT_EQ(overTcp(query("fo.example", type::axfr)).rcode, rcode::refused);
    EXPECT_EQ(overTcp(ixfrQuery("fo.example", 1)).rcode, rcode::refused);
    EXPECT_EQ(overUdp(ixfrQuery("fo.example", 1)).rcode, rcode::refused);
}

TEST_F(Desk, RefusesStrangersAndZonesThatAreNotOurs) {
    EXPECT_EQ(overTcp(query("fo.example", type::axfr), "192.0.2.1").rcode, rcode::refused);
    EXPECT_EQ(overTcp(query("other.example", type::axfr)).rcode, rcode::notAuthoritative);
    EXPECT_EQ(overTcp(query("shop.fo.example", type::axfr)).rcode, rcode::notAuthoritative);
    EXPECT_EQ(overUdp(query("fo.example", type::axfr)).rcode, rcode::refused);
    EXPECT_EQ(overTcp(query("fo.example", type::ixfr)).rcode, rcode::formatError);
}

TEST_F(Desk, SignedTransferIsSignedInEveryMessage) {
    auto definition = exampleDefinition();
    for (int i = 0; i < 2000; ++i)
        definition.addresses.push_back({"g" + std::to_string(i),
                                        1,
                                        name("g" + std::to_string(i) + ".fo.example"),
                                        300,
                                        {address("203.0.113.77")}});
    zone_ = build(definition);
    TsigSigner client(std::make_shared<const TsigKey>(transferKey()));
    const Bytes request = signedQuery(client, query("fo.example", type::axfr), now());
    const Received received = overTcp(request, "192.0.2.1");
    ASSERT_GT(received.messages.size(), 2u);
    TsigVerifier verifier(std::make_shared<const TsigKey>(transferKey()), client.mac());
    for (const Bytes& message : received.messages) {
        const auto length = verifier.receive(message, now());
        ASSERT_TRUE(length) << describe(length.error());
        EXPECT_TRUE(verifier.complete());
        EXPECT_LE(message.size(), 16384u);
    }
    EXPECT_GT(received.lines.size(), 2000u);
    // A stream that loses a message in the middle is not taken.
    TsigVerifier strict(std::make_shared<const TsigKey>(transferKey()), client.mac());
    EXPECT_TRUE(strict.receive(received.messages[0], now()));
    EXPECT_FALSE(strict.receive(received.messages[2], now()));
}

RecordSet soaSet(uint32_t serial) {
    RecordSet set;
    set.type = type::soa;
    set.ttlSeconds = 3600;
    const Name primary = name("ns1.fo.example");
    const Name mailbox = name("hostmaster.fo.example");
    set.records.push_back(soaData(primary, mailbox, {serial, 14400, 3600, 1209600, 300}));
    return set;
}

SetChange setChange(std::string_view owner, std::optional<RecordSet> before, std::optional<RecordSet> after) {
    SetChange change;
    change.name = name(owner);
    change.type = before ? before->type : after->type;
    change.before = std::move(before);
    change.after = std::move(after);
    return change;
}

ChangePointer step(uint32_t from, uint32_t to, SetChange set) {
    ZoneChange change;
    change.origin = name("fo.example");
    change.fromSerial = from;
    change.toSerial = to;
    change.sets.push_back(setChange("fo.example", soaSet(from), soaSet(to)));
    change.sets.push_back(std::move(set));
    return std::make_shared<const ZoneChange>(std::move(change));
}

RecordSet addresses(const std::vector<std::string>& texts) {
    RecordSet set;
    set.type = type::a;
    set.ttlSeconds = 300;
    for (const std::string& text : texts) set.records.push_back(*rdataFromText(type::a, text));
    return set;
}

ChangePointers exampleHistory() {
    const std::string shop = "shop.fo.example";
    return {step(5, 6, setChange(shop, addresses({"203.0.113.8", "203.0.113.9"}), addresses({"203.0.113.9"}))),
            step(6, 7, setChange(shop, addresses({"203.0.113.9"}), addresses({"203.0.113.10"}))),
            step(7, 8, setChange(shop, addresses({"203.0.113.10"}), std::nullopt))};
}

TEST_F(Desk, DifferencesStepByStep) {
    settings_.history = [](const Name&, uint32_t serial) {
        ChangePointers all = exampleHistory();
        if (serial < 5) return ChangePointers{};
        all.erase(all.begin(), all.begin() + (serial - 5));
        return all;
    };
    const auto soa = [](int serial) {
        return "fo.example. 3600 SOA ns1.fo.example. hostmaster.fo.example. " + std::to_string(serial) +
               " 14400 3600 1209600 300";
    };
    // The step to 8 is in the journal already, but not answered yet.
    EXPECT_EQ(overTcp(ixfrQuery("fo.example", 5)).lines,
              (std::vector<std::string>{soa(7), soa(5), "shop.fo.example. 300 A 203.0.113.8", soa(6), soa(6),
                                        "shop.fo.example. 300 A 203.0.113.9", soa(7),
                                        "shop.fo.example. 300 A 203.0.113.10", soa(7)}));
    EXPECT_EQ(overTcp(ixfrQuery("fo.example", 6)).lines.size(), 6u);
    // Not in the history: the whole zone.
    EXPECT_GT(overTcp(ixfrQuery("fo.example", 4)).lines.size(), 20u);
    EXPECT_EQ(overTcp(ixfrQuery("fo.example", 7)).lines, std::vector<std::string>{soa(7)});
    EXPECT_EQ(overTcp(ixfrQuery("fo.example", 100)).lines, std::vector<std::string>{soa(7)});
    EXPECT_EQ(overUdp(ixfrQuery("fo.example", 5)).lines, std::vector<std::string>{soa(7)});
}

TEST_F(Desk, SerialsCompareRoundTheCircle) {
    EXPECT_GT(overTcp(ixfrQuery("fo.example", 4'000'000'000)).lines.size(), 20u);
    EXPECT_EQ(overTcp(ixfrQuery("fo.example", 2'000'000'000)).lines.size(), 1u);
}

TEST_F(Desk, OtherTtlAndSignaturesAreDifferencesToo) {
    const RecordSet before = addresses({"203.0.113.1", "203.0.113.2"});
    RecordSet after = before;
    after.ttlSeconds = 30;
    const ChangePointer change = step(6, 7, setChange("ttl.fo.example", before, after));
    RecordSet signedBefore = addresses({"203.0.113.3"});
    RecordSet signedAfter = signedBefore;
    signedBefore.signatures.push_back("old signature");
    signedAfter.signatures.push_back("new signature");
    const ChangePointer resigned = step(6, 7, setChange("x.fo.example", signedBefore, signedAfter));
    Content ttl = Content::differences(zone_, {change});
    EXPECT_EQ(ttl.stepRecords(), 2u + 4u);
    Content signatures = Content::differences(zone_, {resigned});
    EXPECT_EQ(signatures.stepRecords(), 2u + 2u);
}

TEST_F(Desk, AtMostSoManyTransfersAtOnce) {
    settings_.transfersMax = 2;
    Bytes buffer(messageBytesMax);
    const Bytes message = query("fo.example", type::axfr);
    const auto open = [&] {
        return desk().handleTcp(message, parseQuery(message), {address("198.51.100.7"), 5353}, ZoneSet({zone_}),
                                buffer);
    };
    auto first = open();
    auto second = open();
    ASSERT_TRUE(first.stream && second.stream);
    const auto third = open();
    EXPECT_FALSE(third.stream);
    EXPECT_EQ(parseResponse({buffer.data(), third.bytes})->rcode, rcode::serverFailure);
    first.stream.reset();
    EXPECT_TRUE(open().stream);
}

TEST_F(Desk, ARecordTooLargeForTheUsualMessageGetsItsOwn) {
    auto definition = exampleDefinition();
    for (int i = 0; i < 3; ++i) {
        std::string text = "\\# 30000 ";
        for (int octet = 0; octet < 30000; ++octet) text += "ab";
        definition.records.push_back(recordSet("huge" + std::to_string(i) + ".fo.example", 4000, {text}));
    }
    zone_ = build(definition);
    const Received received = overTcp(query("fo.example", type::axfr));
    EXPECT_GE(received.messages.size(), 3u);
    EXPECT_GT(received.messages[1].size(), 30000u);
}

TEST_F(Desk, SignedQueryGetsASignedAnswer) {
    TsigSigner client(std::make_shared<const TsigKey>(transferKey()));
    const Bytes request = signedQuery(client, query("fo.example", type::soa, {Edns{}}), now());
    for (const bool tcp : {false, true}) {
        const Received received = tcp ? overTcp(request, "192.0.2.1") : overUdp(request, "192.0.2.1");
        ASSERT_EQ(received.messages.size(), 1u);
        TsigVerifier verifier(std::make_shared<const TsigKey>(transferKey()), client.mac());
        const auto length = verifier.receive(received.messages[0], now());
        ASSERT_TRUE(length) << describe(length.error());
        EXPECT_EQ(received.lines.size(), 1u);
        EXPECT_EQ(received.rcode, rcode::noError);
    }
}

TEST_F(Desk, ASignedQuestionForTheExpiryGetsWhatIsLeftOfIt) {
    ZoneFreshness freshness({name("fo.example")});
    freshness.confirmed(name("fo.example"), clock_.monotonic() - 10'000'000);
    settings_.freshness = &freshness;
    TsigSigner client(std::make_shared<const TsigKey>(transferKey()));
    const Edns edns{.options = ednsOption(option::expire)};
    const Received received = overUdp(signedQuery(client, query("fo.example", type::soa, {edns}), now()));
    EXPECT_EQ(optionOf(received.responses.front(), option::expire), fromHex("00124df0"));
}

TEST_F(Desk, KeysMayComeLater) {
    settings_.keys = {};
    const auto ask = [&] {
        TsigSigner client(std::make_shared<const TsigKey>(transferKey()));
        return overTcp(signedQuery(client, query("fo.example", type::axfr), now()), "192.0.2.1");
    };
    EXPECT_EQ(tsigOf(ask().messages.front()).error, tsigError::badKey);
    auto keys = std::make_shared<TsigKeyring>();
    ASSERT_TRUE(keys->add(transferKey()));
    desk().setKeys(keys);
    EXPECT_EQ(ask().rcode, rcode::noError);
}

TEST_F(Desk, SignedAnswerKeepsTheClientsLimit) {
    TsigSigner client(std::make_shared<const TsigKey>(transferKey()));
    for (const uint16_t limit : {512, 700, 1232}) {
        const Bytes request = signedQuery(client, query("big.fo.example", type::txt, {Edns{.udpBytes = limit}}), now());
        const Received received = overUdp(request);
        EXPECT_LE(received.messages[0].size(), limit);
        EXPECT_TRUE(received.responses[0].isTruncated());
        client = TsigSigner(std::make_shared<const TsigKey>(transferKey()));
    }
}

TEST_F(Desk, WrongKeysAreToldWithoutASignature) {
    TsigSigner wrong(std::make_shared<const TsigKey>(transferKey("another secret")));
    Received received = overUdp(signedQuery(wrong, query("fo.example", type::soa), now()));
    EXPECT_EQ(received.rcode, rcode::notAuthoritative);
    EXPECT_TRUE(received.lines.empty());
    EXPECT_EQ(tsigOf(received.messages[0]).error, tsigError::badSignature);
    EXPECT_TRUE(tsigOf(received.messages[0]).mac.empty());

    TsigKey unknown = transferKey();
    unknown.name = name("nobody.example");
    TsigSigner stranger(std::make_shared<const TsigKey>(unknown));
    received = overTcp(signedQuery(stranger, query("fo.example", type::axfr), now()));
    EXPECT_EQ(received.rcode, rcode::notAuthoritative);
    EXPECT_EQ(tsigOf(received.messages[0]).error, tsigError::badKey);
    EXPECT_TRUE(tsigOf(received.messages[0]).mac.empty());
}

TEST_F(Desk, WrongTimeIsToldSignedWithOurs) {
    TsigSigner client(std::make_shared<const TsigKey>(transferKey()));
    const UnixSeconds early = now() - 1000;
    const Received received = overUdp(signedQuery(client, query("fo.example", type::soa), early));
    EXPECT_EQ(received.rcode, rcode::notAuthoritative);
    const TsigRecord record = tsigOf(received.messages[0]);
    EXPECT_EQ(record.error, tsigError::badTime);
    EXPECT_EQ(record.timeSigned, early);
    ASSERT_EQ(record.other.size(), 6u);
    UnixSeconds told = 0;
    for (const uint8_t octet : record.other) told = told << 8 | octet;
    EXPECT_EQ(told, now());
    TsigVerifier verifier(std::make_shared<const TsigKey>(transferKey()), client.mac());
    const auto refused = verifier.receive(received.messages[0], now());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Forbidden);
    EXPECT_NE(refused.error().message.find("BADTIME"), std::string::npos);
}

Bytes notify(std::string_view origin) {
    Bytes bytes = query(origin, type::soa, {}, 0x2400);
    return bytes;
}

TEST_F(Desk, NotifyIsActedOnOnlyWhenARuleAllowsIt) {
    Received received = overUdp(notify("fo.example"));
    EXPECT_EQ(received.rcode, rcode::refused);
    EXPECT_TRUE(notified_.empty());
    TsigSigner client(std::make_shared<const TsigKey>(transferKey()));
    received = overUdp(signedQuery(client, notify("fo.example"), now()));
    EXPECT_EQ(received.rcode, rcode::noError);
    EXPECT_TRUE(received.responses[0].isAuthoritative());
    EXPECT_EQ(received.responses[0].flags & flag::opcodeMask, opcode::notify << 11);
    EXPECT_EQ(notified_, std::vector<std::string>{"fo.example."});
    TsigSigner again(std::make_shared<const TsigKey>(transferKey()));
    EXPECT_EQ(overUdp(signedQuery(again, notify("other.example"), now())).rcode, rcode::notAuthoritative);
    EXPECT_EQ(notified_.size(), 1u);
}

}  // namespace
}  // namespace swb::dns::transfer::test
