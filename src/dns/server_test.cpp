// The server as clients see it: real dig, raw sockets, the module's own stub client.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>

#include <chrono>
#include <thread>

#include "dns/resolve.h"
#include "dns/server_test_support.h"

namespace swb::dns::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ZonePointer zoneOf(uint32_t serial, int64_t epoch, std::string_view shop) {
    ZoneDefinition definition = exampleDefinition();
    definition.serial = serial;
    definition.addresses[0].epoch = epoch;
    definition.addresses[0].addresses = {address(shop)};
    return build(definition);
}

// The RFC 8906 list of the design (DNS.md 2.2): what each line must and must not show.
struct DigCase {
    std::vector<std::string> arguments;
    std::vector<std::string> wanted;
    std::vector<std::string> unwanted;
};

std::vector<DigCase> compliance() {
    const std::string ok = "status: NOERROR", aa = "flags: qr aa;", soa = "ANSWER: 1", zone = "fo.example";
    const std::string opt = "EDNS: version: 0", mbz = "MBZ", noAa = "flags: qr;", badVersion = "status: BADVERS";
    const std::vector<std::string> noEdns = {"+noedns", "+noad", "+norec"};
    const auto plain = [&](std::vector<std::string> more) {
        more.insert(more.begin(), noEdns.begin(), noEdns.end());
        return more;
    };
    const auto edns = [](std::vector<std::string> more) {
        more.insert(more.begin(), {"+nocookie", "+noad", "+norec"});
        return more;
    };
    return {
        {plain({"soa", zone}), {ok, aa, soa}, {"EDNS:"}},
        {plain({"type1000", zone}), {ok, aa, "ANSWER: 0", "AUTHORITY: 1"}, {}},
        {plain({"+cd", "soa", zone}), {ok, aa, soa}, {}},
        {{"+noedns", "+norec", "+ad", "soa", zone}, {ok, aa, soa}, {}},
        {plain({"+zflag", "soa", zone}), {ok, aa, soa}, {mbz}},
        {plain({"+opcode=15", "+header-only"}), {"status: NOTIMP", noAa}, {}},
        {plain({"+tcp", "soa", zone}), {ok, aa, soa, "(TCP)"}, {}},
        {edns({"+edns=0", "soa", zone}), {ok, aa, soa, opt, "udp: 1232"}, {}},
        {edns({"+edns=1", "+noednsneg", "soa", zone}), {badVersion, noAa, opt, "ANSWER: 0"}, {}},
        {edns({"+edns=0", "+ednsopt=100", "soa", zone}), {ok, aa, soa, opt}, {"OPT=100"}},
        {edns({"+edns=0", "+ednsflags=0x40", "soa", zone}), {ok, aa, soa, opt}, {mbz}},
        {edns({"+edns=1", "+noednsneg", "+ednsflags=0x40", "soa", zone}), {badVersion, noAa, opt}, {mbz}},
        {edns({"+edns=1", "+noednsneg", "+ednsopt=100", "soa", zone}), {badVersion, noAa, opt}, {"OPT=100"}},
        {edns({"+edns=0", "+dnssec", "soa", zone}), {ok, aa, soa, "flags: do"}, {}},
        {edns({"+edns=1", "+noednsneg", "+dnssec", "soa", zone}), {badVersion, noAa, "flags: do"}, {}},
        {{"+edns=0", "+noad", "+norec", "+cookie", "+nsid", "+expire", "+subnet=0.0.0.0/0", "soa", zone},
         {ok, aa, soa, opt},
         {}},
        {{"+norec", "+noad", "+dnssec", "+bufsize=512", "+ignore", "dnskey", zone}, {ok, aa, opt}, {}},
        {edns({"+edns=100", "+noednsneg", "soa", zone}), {badVersion, noAa, opt}, {}},
        {edns({"+edns=0", "+ednsflags=0x80", "soa", zone}), {ok, aa, opt}, {mbz}},
        {edns({"+edns=0", "+bufsize=512", "+ignore", "txt", "big.fo.example"}), {ok, "flags: qr aa tc;", opt}, {}},
        {edns({"txt", "big.fo.example"}), {ok, aa, "ANSWER: 10", "(TCP)"}, {}},
        {plain({"axfr", zone}), {"Transfer failed"}, {}},
        {plain({"ixfr=1", zone}), {"Transfer failed"}, {}},
        {plain({"ch", "txt", "version.bind"}), {"status: REFUSED", noAa}, {}},
        {plain({"any", zone, "+notcp"}), {ok, aa}, {}},
        {plain({"a", "other.example"}), {"status: REFUSED", noAa}, {}},
        {plain({"a", "SHOP.fo.EXAMPLE"}), {ok, aa, "SHOP.fo.EXAMPLE.", "203.0.113.10"}, {}},
        {plain({"a", "nothere.fo.example"}), {"status: NXDOMAIN", aa, "AUTHORITY: 1", "300\tIN\tSOA"}, {}},
        {plain({"a", "x.sub.fo.example"}), {ok, noAa, "AUTHORITY: 2", "ADDITIONAL: 1", "192.0.2.99"}, {}},
        {{"+rec", "+noedns", "+noad", "soa", zone},
         {ok, "flags: qr aa rd;", "recursion requested but not available"},
         {}},
    };
}

TEST_F(DnsServer, AnswersDigByTheComplianceList) {
    start();
    for (const DigCase& line : compliance()) {
        std::string shown;
        for (const std::string& argument : line.arguments) shown += argument + " ";
        const std::string output = dig(line.arguments);
        for (const std::string& text : line.wanted) EXPECT_THAT(output, HasSubstr(text)) << shown;
        for (const std::string& text : line.unwanted) EXPECT_THAT(output, Not(HasSubstr(text))) << shown;
        EXPECT_THAT(output, Not(HasSubstr("malformed"))) << shown;
    }
}

TEST_F(DnsServer, TheStubClientFollowsASwitch) {
    start();
    const auto before = resolveA(serverText(), "www.fo.example", 2000);
    ASSERT_TRUE(before) << describe(before.error());
    EXPECT_THAT(before->addresses, ElementsAre("203.0.113.10"));
    EXPECT_EQ(before->ttlSeconds, 300u);
    EXPECT_TRUE(before->authoritative);
    EXPECT_EQ(*zoneSerial(serverText(), "fo.example", 2000), 7u);

    ASSERT_TRUE(server_->publish(zoneOf(8, 4, "203.0.113.99")));
    EXPECT_THAT(resolveA(serverText(), "shop.fo.example", 2000)->addresses, ElementsAre("203.0.113.99"));
    EXPECT_EQ(*zoneSerial(serverText(), "fo.example", 2000), 8u);
    EXPECT_EQ(server_->publish(zoneOf(9, 3, "203.0.113.10")).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(server_->publish(zoneOf(7, 5, "203.0.113.10")).error().code, ErrorCode::Conflict);
    EXPECT_THAT(resolveA(serverText(), "shop.fo.example", 2000)->addresses, ElementsAre("203.0.113.99"));

    EXPECT_EQ(resolveA(serverText(), "nothere.fo.example", 2000).error().code, ErrorCode::NotFound);
    EXPECT_EQ(resolveA(serverText(), "other.example", 2000).error().code, ErrorCode::VerificationFailed);
    EXPECT_EQ(zoneSerial(serverText(), "other.example", 2000).error().code, ErrorCode::VerificationFailed);
    // Truncated over UDP, so asked again over TCP.
    const auto big = ask(endpoint(), name("big.fo.example"), type::txt, 2000);
    ASSERT_TRUE(big);
    EXPECT_EQ(big->answers.size(), 10u);
    EXPECT_GT(server_->counters().tcpAnswers, 0u);
}

TEST_F(DnsServer, AServerThatIsNotThereIsAnErrorInTime) {
    start();
    const std::string gone = serverText();
    server_->stop();
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(resolveA(gone, "shop.fo.example", 500));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(2000));
    // The port is free again, for both transports.
    ServerOptions options;
    options.endpoints = {*Endpoint::fromText(gone)};
    EXPECT_TRUE(Server::start(options, ZoneSet::of({exampleZone()})));
}

TEST_F(DnsServer, SeveralAddressesAndThreads) {
    start(ServerOptions{.endpoints = {}, .udpThreads = 2}, {"127.0.0.1:0", "127.0.0.7:0"});
    for (size_t i = 0; i < 2; ++i) {
        ASSERT_NE(endpoint(i).port, 0);
        for (int round = 0; round < 20; ++round) ASSERT_TRUE(resolveA(endpoint(i).toText(), "shop.fo.example", 2000));
    }
    // A second server on the same port is refused, although the threads share it.
    ServerOptions again{.endpoints = {endpoint(0)}, .udpThreads = 2};
    EXPECT_EQ(Server::start(again, ZoneSet::of({exampleZone()})).error().code, ErrorCode::Unreachable);
}

TEST_F(DnsServer, DoesNotShareItsPortWithAnotherProgram) {
    const Fd other(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ASSERT_EQ(::setsockopt(other.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    SocketAddress bound = SocketAddress::of(*Endpoint::fromText("127.0.0.1:0"));
    ASSERT_EQ(::bind(other.get(), bound.pointer(), bound.size), 0);
    ASSERT_EQ(::getsockname(other.get(), bound.pointer(), &bound.size), 0);
    const auto started =
        Server::start(ServerOptions{.endpoints = {bound.endpoint()}, .udpThreads = 2}, ZoneSet::of({exampleZone()}));
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::Unreachable);
}

TEST_F(DnsServer, RefusesOptionsThatCannotWork) {
    const auto problem = [](std::vector<std::string> endpoints, size_t threads) {
        ServerOptions options;
        options.udpThreads = threads;
        for (const std::string& text : endpoints) options.endpoints.push_back(*Endpoint::fromText(text));
        const auto started = Server::start(options, ZoneSet::of({exampleZone()}));
        return started ? ErrorCode::Bug : started.error().code;
    };
    EXPECT_EQ(problem({}, 1), ErrorCode::InvalidInput);
    EXPECT_EQ(problem({"0.0.0.0:0"}, 1), ErrorCode::InvalidInput);
    EXPECT_EQ(problem({"127.0.0.1:0"}, 0), ErrorCode::InvalidInput);
    EXPECT_EQ(problem({"192.0.2.1:0"}, 1), ErrorCode::Unreachable) << "not an address of this machine";
}

TEST_F(DnsServer, UdpSurvivesGarbageAndReplyLeavesFromTheAskedAddress) {
    start({}, {"127.0.0.9:0"});
    const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const SocketAddress to = SocketAddress::of(endpoint());
    for (int i = 0; i < 300; ++i) {
        Bytes garbage(static_cast<size_t>(i * 7 % 600));
        for (size_t at = 0; at < garbage.size(); ++at)
            garbage[at] = static_cast<uint8_t>(at * 31 + static_cast<size_t>(i));
        ::sendto(fd.get(), garbage.data(), garbage.size(), 0, to.pointer(), to.size);
    }
    const Bytes asked = query("shop.fo.example", type::a);
    ::sendto(fd.get(), asked.data(), asked.size(), 0, to.pointer(), to.size);
    Bytes buffer(2000);
    for (int i = 0; i < 400; ++i) {
        pollfd watched{fd.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&watched, 1, 5000), 1);
        SocketAddress from;
        const ssize_t count = ::recvfrom(fd.get(), buffer.data(), buffer.size(), 0, from.pointer(), &from.size);
        ASSERT_GT(count, 0);
        EXPECT_EQ(from.endpoint(), endpoint());
        if (buffer[0] == 0x12 && buffer[1] == 0x34) return;
    }
    FAIL() << "the query behind the garbage was not answered";
}

// Readers hold snapshots while publishers replace them: no answer of a zone older than one already published.
TEST_F(DnsServer, NoOldAnswerAfterANewOne) {
    start(ServerOptions{.endpoints = {}, .udpThreads = 2});
    std::atomic<uint32_t> published{7};
    std::atomic<bool> done{false};
    std::atomic<int> answers{0}, wrong{0};
    std::vector<std::thread> clients;
    for (const Transport transport : {Transport::udp, Transport::tcp})
        clients.emplace_back([&, transport] {
            while (!done) {
                const uint32_t atLeast = published;
                const auto response = ask(endpoint(), name("fo.example"), type::soa, 5000, transport);
                if (!response || response->answers.size() != 1) {
                    ++wrong;
                    continue;
                }
                const std::string& data = response->answers[0].data;
                const auto serialByte = static_cast<uint8_t>(data[data.size() - 17]);
                const auto high = static_cast<uint8_t>(data[data.size() - 18]);
                if (static_cast<uint32_t>(high << 8 | serialByte) < atLeast) ++wrong;
                ++answers;
            }
        });
    for (uint32_t serial = 8; serial < 1000; ++serial) {
        ASSERT_TRUE(server_->publish(zoneOf(serial, serial, serial % 2 ? "203.0.113.10" : "203.0.113.11")));
        published = serial;
    }
    done = true;
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(answers, 100);
}

}  // namespace
}  // namespace swb::dns::test
