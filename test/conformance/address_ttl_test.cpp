// How long a domain's CNAME is kept, asked through real caching resolvers in front of a real name server: what is left
// in a cache is not what the zone says.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "dns/resolve.h"
#include "publication/address_report.h"
#include "support/providers/primary.h"

namespace swb::publication {
namespace {

Fd boundTo(int kind, uint16_t& port) {
    Fd socket(::socket(AF_INET, kind | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    return socket;
}

// Free for both, at this moment: somebody's outgoing connection may take it before the server does.
uint16_t freePort() {
    for (;;) {
        uint16_t port = 0;
        const Fd datagrams = boundTo(SOCK_DGRAM, port);
        if (datagrams.valid() && boundTo(SOCK_STREAM, port).valid()) return port;
    }
}

dns::Endpoint local(uint16_t port) {
    return {*dns::IpAddress::fromText("127.0.0.1"), port};
}

// unbound, which asks that server for shop.example and keeps nothing for longer than ttlMost.
class Resolver {
  public:
    Resolver(const std::string& directory, std::string server, int ttlMost) : directory_(directory) {
        std::filesystem::create_directories(directory);
        server[server.rfind(':')] = '@';
        constexpr int portsMax = 5;
        for (int tried = 0; tried < portsMax; ++tried) {
            endpoint = local(freePort());
            start(server, ttlMost);
            if (answers()) return;
        }
        ADD_FAILURE() << "unbound does not answer: " << readFile(directory + "/log", 1 << 20).value_or("");
    }
    ~Resolver() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    dns::Endpoint endpoint;

  private:
    void start(const std::string& server, int ttlMost) {
        const std::string conf = directory_ + "/unbound.conf";
        EXPECT_TRUE(writeFileAtomically(
            conf,
            "server:\n interface: 127.0.0.1@" + std::to_string(endpoint.port) +
                "\n username: \"\"\n chroot: \"\"\n"
                " directory: \"" +
                directory_ + "\"\n pidfile: \"\"\n use-syslog: no\n logfile: \"" + directory_ +
                "/log\"\n do-not-query-localhost: no\n do-ip6: no\n num-threads: 1\n module-config: \"iterator\"\n"
                " cache-max-ttl: " +
                std::to_string(ttlMost) +
                "\nremote-control:\n control-enable: no\n"
                "stub-zone:\n name: shop.example\n stub-addr: " +
                server + "\n"));
        std::string words[] = {"/usr/sbin/unbound", "-d", "-c", conf};
        char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
        if (::posix_spawn(&pid_, argv[0], nullptr, nullptr, argv, environ) != 0) {
            ADD_FAILURE() << "unbound does not start: scripts/dependencies installs it";
            pid_ = -1;
        }
    }
    // False as soon as it has ended, which it does when its port was taken.
    bool answers() {
        for (int i = 0; i < 200 && pid_ > 0; ++i) {
            if (dns::ask(endpoint, *dns::Name::fromText("shop.example"), dns::type::soa, 200, dns::Transport::udp,
                         dns::Recursion::desired))
                return true;
            if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }

    const std::string directory_;
    pid_t pid_ = -1;
};

class AddressTtl : public testing::Test {
  protected:
    AddressTtl() {
        const std::string server(primary.facts.at("endpoint").as_string());
        authority = dns::Endpoint::fromText(server)->port;
        brief.emplace(directory + "brief", server, 1800);
        usual.emplace(directory + "usual", server, 86'400);
    }
    ~AddressTtl() override {
        brief.reset();
        usual.reset();
        std::filesystem::remove_all(directory);
    }

    AddressReport asked(const std::vector<dns::Endpoint>& resolvers, uint16_t port) {
        question.name = "www.shop.example";
        question.zone = "shop.example";
        question.expected = {"192.0.2.1"};
        question.domains = {"Kept.shop.example"};
        question.resolvers = resolvers;
        question.timeoutMs = 1000;
        question.authorityPort = port;
        return askAddress(question);
    }
    static std::string ttlWarning(const AddressReport& report) {
        for (const AddressWarning& warning : report.warnings)
            if (warning.name == "cname-ttl") return warning.sentence;
        return "";
    }

    const std::string directory = [] {
        std::string pattern = testing::TempDir() + "address-ttl-XXXXXX";
        return std::string(::mkdtemp(pattern.data())) + "/";
    }();
    test::Primary primary{"bind"};
    uint16_t authority = 0;
    std::optional<Resolver> brief, usual;
    AddressQuestion question;
};

TEST_F(AddressTtl, IsAskedAtTheZonesOwnNameServers) {
    for (int i = 0; i < 2; ++i) {
        const AddressReport report = asked({brief->endpoint}, authority);
        ASSERT_EQ(report.domains.front().chain.size(), 2u);
        const auto& [kept, alias] = std::tie(report.domains.front().chain[0], report.domains.front().chain[1]);
        EXPECT_EQ(kept.to, "alias.shop.example");
        EXPECT_EQ(kept.ttlSeconds, 86'400u) << "the resolver keeps nothing for longer than 1800 s";
        EXPECT_TRUE(kept.isExact);
        EXPECT_EQ(alias.ttlSeconds, 60u);
        EXPECT_TRUE(alias.isExact);
        EXPECT_EQ(ttlWarning(report), "its CNAME to alias.shop.example is kept for 86400 s");
    }
}

TEST_F(AddressTtl, IsAtLeastWhatAnyResolverHasWhereTheyCannotBeAsked) {
    const uint16_t nobody = freePort();
    AddressReport report = asked({brief->endpoint}, nobody);
    EXPECT_FALSE(report.domains.front().chain.at(0).isExact);
    EXPECT_LE(report.domains.front().chain.at(0).ttlSeconds, 1800u);
    EXPECT_EQ(ttlWarning(report), "") << "what is not known is not warned of";
    report = asked({brief->endpoint, usual->endpoint}, nobody);
    EXPECT_GT(report.domains.front().chain.at(0).ttlSeconds, 86'000u);
    EXPECT_THAT(ttlWarning(report), testing::StartsWith("its CNAME to alias.shop.example is kept for at least 86"));
}

}  // namespace
}  // namespace swb::publication
