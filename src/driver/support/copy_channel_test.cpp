// The channel of physical copies with real TLS: who takes one gets all of it, and strangers cost nothing that lasts.
#include "driver/support/copy_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/ids.h"
#include "crypto/certificate.h"
#include "driver/nginx/nginx_test_support.h"

namespace swb::driver {

class CopyChannel : public ::testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::create_directory(directory);
        tls = std::make_unique<TlsDirectory>(directory + "/tls", currentOsUser().value(), "repl");
        const auto made = crypto::createAuthority("tests", 1);
        ASSERT_TRUE(made);
        const auto authority = crypto::CertificateAuthority::load(made->certificatePem, made->keyPem);
        ASSERT_TRUE(authority);
        const auto requests = tls->requests("127.0.0.1");
        ASSERT_TRUE(requests) << describe(requests.error());
        const auto sign = [&](const std::string& request, const std::string& name, crypto::CertificateUsage usage) {
            crypto::SignRequest wanted{
                .commonName = name, .dnsNames = {}, .ipAddresses = {"127.0.0.1"}, .usage = usage};
            return authority->sign(request, wanted).value_or("");
        };
        Certificates certificates;
        certificates.server = sign(requests->server, "127.0.0.1", crypto::CertificateUsage::server);
        certificates.client = sign(requests->client, "repl", crypto::CertificateUsage::client);
        certificates.authority = made->certificatePem;
        const auto installed = tls->install(certificates);
        ASSERT_TRUE(installed) << describe(installed.error());
    }
    void TearDown() override { std::filesystem::remove_all(directory); }
    std::unique_ptr<CopyService> serve() {
        auto service = CopyService::listen(address, "main", *tls, [](CopySink& sink) -> Result<void> {
            TRY_VOID(sink.header({{"bytes", 6}}));
            TRY_VOID(sink.data("abc"));
            return sink.data("def");
        });
        EXPECT_TRUE(service);
        return service ? std::move(*service) : nullptr;
    }
    Fd stranger() const {
        Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in to = test::loopback(address.port);
        EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
        return socket;
    }
    static Context patience() {
        Context context;
        context.deadline = SystemClock().monotonic() + 10'000;
        return context;
    }
    Result<std::string> take() const {
        const Context context = patience();
        auto reader = TRY(CopyReader::open(address, "127.0.0.1", "main", *tls, context));
        std::string all;
        for (;;) {
            const std::string_view piece = TRY(reader.next(context));
            if (piece.empty()) return all;
            all += piece;
        }
    }
    // Of this process, in bytes: a thread that nobody joins keeps its stack.
    static int64_t addressSpace() {
        const std::string text = readFile("/proc/self/statm", 4096).value_or("0");
        return std::atoll(text.c_str()) * ::sysconf(_SC_PAGESIZE);
    }

    const std::string directory = testing::TempDir() + newId("copy");
    std::unique_ptr<TlsDirectory> tls;
    HostPort address{"127.0.0.1", test::freePort()};
};

TEST_F(CopyChannel, WhoMayGetsAllOfIt) {
    const auto service = serve();
    for (int copy = 0; copy < 3; ++copy) {
        const auto taken = take();
        ASSERT_TRUE(taken) << describe(taken.error());
        EXPECT_EQ(*taken, "abcdef");
    }
    EXPECT_FALSE(CopyReader::open(address, "127.0.0.2", "main", *tls, patience())) << "another name";
    EXPECT_FALSE(CopyReader::open(address, "127.0.0.1", "other", *tls, patience())) << "another database";
}

// Somebody always holds a connection and never says a word, others come and go all the time.
TEST_F(CopyChannel, StrangersLeaveNothingBehindAndKeepNobodyOut) {
    const auto service = serve();
    const int64_t before = addressSpace();
    Fd silent = stranger();
    for (int round = 0; round < 600; ++round) {
        Fd next = stranger();
        if (round % 3 == 0) silent = std::move(next);
        ::usleep(1000);
    }
    // 600 stacks of 8 MiB are 4.7 GiB; the allocator reserves up to 1 GiB for threads of two cores.
    EXPECT_LT(addressSpace() - before, int64_t{2} << 30);
    const auto taken = take();
    ASSERT_TRUE(taken) << describe(taken.error());
    EXPECT_EQ(*taken, "abcdef");
}

}  // namespace swb::driver
