// The server as clients see it: real dig, raw sockets, the module's own stub client.
#include "dns/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "dns/dns_test_support.h"
#include "dns/resolve.h"

extern char** environ;

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

class DnsServer : public testing::Test {
  protected:
    void start(ServerOptions options = {}, std::vector<std::string> endpoints = {"127.0.0.1:0"}) {
        for (const std::string& text : endpoints) options.endpoints.push_back(*Endpoint::fromText(text));
        auto started = Server::start(options, ZoneSet::of({exampleZone()}));
        ASSERT_TRUE(started) << describe(started.error());
        server_ = *std::move(started);
    }
    const Endpoint& endpoint(size_t index = 0) const { return server_->endpoints()[index]; }
    std::string serverText() const { return endpoint().toText(); }

    // dig's output; the arguments are followed by the server and its port.
    std::string dig(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "/usr/bin/dig");
        arguments.insert(arguments.end(), {"+tries=1", "+time=5", "-p", std::to_string(endpoint().port),
                                           "@" + endpoint().address.toText()});
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const Fd reading(ends[0]);
        Fd writing(ends[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, writing.get(), 1);
        ::posix_spawn_file_actions_adddup2(&actions, writing.get(), 2);
        pid_t pid = 0;
        EXPECT_EQ(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        writing.reset();
        std::string output;
        char buffer[4096];
        for (ssize_t count = 0; (count = ::read(reading.get(), buffer, sizeof(buffer))) > 0;)
            output.append(buffer, static_cast<size_t>(count));
        ::waitpid(pid, nullptr, 0);
        return output;
    }

    std::unique_ptr<Server> server_;
};

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
    const auto started = Server::start(ServerOptions{.endpoints = {bound.endpoint()}, .udpThreads = 2}, ZoneSet::of({exampleZone()}));
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

// A TCP client made by hand.
class TcpClient {
  public:
    explicit TcpClient(const Endpoint& endpoint) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const SocketAddress server = SocketAddress::of(endpoint);
        connected_ = ::connect(fd_.get(), server.pointer(), server.size) == 0;
    }
    bool connected() const { return connected_; }
    void send(const Bytes& bytes) {
        EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
    }
    void endInput() { ::shutdown(fd_.get(), SHUT_WR); }
    // Whether the server ends the connection in order (and not by a reset) within the time.
    bool endsWithin(int milliseconds) {
        pollfd watched{fd_.get(), POLLIN, 0};
        char octet;
        return ::poll(&watched, 1, milliseconds) == 1 && ::recv(fd_.get(), &octet, 1, 0) == 0;
    }
    Bytes receive() {
        const Bytes length = exactly(2);
        return length.size() == 2 ? exactly(static_cast<size_t>(length[0] << 8 | length[1])) : Bytes();
    }
    // One recv call's worth.
    Bytes whatIsThere() {
        pollfd watched{fd_.get(), POLLIN, 0};
        if (::poll(&watched, 1, 5000) != 1) return {};
        Bytes bytes(70'000);
        bytes.resize(static_cast<size_t>(std::max<ssize_t>(::recv(fd_.get(), bytes.data(), bytes.size(), 0), 0)));
        return bytes;
    }

  private:
    Bytes exactly(size_t count) {
        Bytes bytes(count);
        for (size_t at = 0; at < count;) {
            pollfd watched{fd_.get(), POLLIN, 0};
            const ssize_t got = ::poll(&watched, 1, 5000) == 1 ? ::recv(fd_.get(), &bytes[at], count - at, 0) : 0;
            if (got <= 0) return {};
            at += static_cast<size_t>(got);
        }
        return bytes;
    }

    Fd fd_;
    bool connected_;
};

Bytes framed(const Bytes& message) {
    Bytes bytes;
    append16(bytes, static_cast<unsigned>(message.size()));
    bytes.insert(bytes.end(), message.begin(), message.end());
    return bytes;
}

Bytes numbered(unsigned id, std::string_view owner, uint16_t type) {
    Bytes bytes = query(owner, type);
    bytes[0] = static_cast<uint8_t>(id >> 8);
    bytes[1] = static_cast<uint8_t>(id);
    return framed(bytes);
}

TEST_F(DnsServer, TcpQueriesAreAnsweredInLine) {
    start();
    TcpClient client(endpoint());
    Bytes all;
    for (unsigned id = 0; id < 200; ++id) {
        const Bytes one = numbered(id, id % 3 ? "shop.fo.example" : "big.fo.example", id % 3 ? type::a : type::txt);
        all.insert(all.end(), one.begin(), one.end());
    }
    client.send(all);
    client.endInput();
    for (unsigned id = 0; id < 200; ++id) {
        const auto response = parseResponse(client.receive());
        ASSERT_TRUE(response);
        EXPECT_EQ(response->id, id);
        EXPECT_EQ(response->answers.size(), id % 3 ? 1u : 10u);
    }
    EXPECT_TRUE(client.endsWithin(2000)) << "a half-closed connection ends after its answers";
}

TEST_F(DnsServer, TcpMessagesMayComeInPiecesAndLeaveInOne) {
    start();
    TcpClient client(endpoint());
    for (const uint8_t octet : numbered(5, "shop.fo.example", type::a)) {
        client.send({octet});
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const Bytes bytes = client.whatIsThere();
    ASSERT_GT(bytes.size(), 2u);
    EXPECT_EQ(bytes.size(), size_t(bytes[0] << 8 | bytes[1]) + 2) << "length and message in one segment";
}

TEST_F(DnsServer, TcpPassesOverWhatIsNoQuery) {
    start();
    TcpClient client(endpoint());
    client.send({0, 0});
    client.send(framed({1, 2, 3}));
    client.send(framed(query("fo.example", type::soa, {}, 0x8000)));
    client.send(numbered(9, "fo.example", type::soa));
    EXPECT_EQ(parseResponse(client.receive())->id, 9);
}

TEST_F(DnsServer, TcpAClientThatDoesNotReadHoldsNobodyUp) {
    start(ServerOptions{.endpoints = {}, .tcpIdleTimeoutMs = 1500});
    TcpClient deaf(endpoint());
    Bytes many;
    while (many.size() < 60'000) {
        const Bytes one = numbered(1, "big.fo.example", type::txt);
        many.insert(many.end(), one.begin(), one.end());
    }
    std::thread pushing([&] {
        for (int i = 0; i < 4; ++i) deaf.send(many);
    });
    for (int i = 0; i < 50; ++i) {
        TcpClient other(endpoint());
        other.send(numbered(2, "shop.fo.example", type::a));
        ASSERT_FALSE(other.receive().empty());
    }
    pushing.join();
}

TEST_F(DnsServer, TcpIdleConnectionsEnd) {
    start(ServerOptions{.endpoints = {}, .tcpIdleTimeoutMs = 300});
    TcpClient silent(endpoint());
    TcpClient drip(endpoint());
    drip.send({0});
    EXPECT_TRUE(silent.endsWithin(3000));
    EXPECT_TRUE(drip.endsWithin(3000));
}

TEST_F(DnsServer, TcpLimitsPerClientAndInTotal) {
    start(ServerOptions{.endpoints = {}, .tcpConnectionsMax = 4, .tcpConnectionsPerClient = 3});
    const auto works = [](TcpClient& client) {
        client.send(numbered(1, "shop.fo.example", type::a));
        return !client.receive().empty();
    };
    std::vector<std::unique_ptr<TcpClient>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<TcpClient>(endpoint()));
        ASSERT_TRUE(works(*clients.back()));
    }
    TcpClient fourth(endpoint());
    EXPECT_TRUE(fourth.endsWithin(2000)) << "over the client's share";
    EXPECT_EQ(server_->counters().tcpRefusedConnections, 1u);
    clients.pop_back();
    for (int i = 0; i < 100; ++i) {
        // The server has to notice first that the connection ended.
        TcpClient next(endpoint());
        if (!next.endsWithin(20)) {
            EXPECT_TRUE(works(next));
            return;
        }
    }
    FAIL() << "a place was never given back";
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
