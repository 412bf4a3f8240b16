#include "crypto/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/ids.h"

namespace swb::crypto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Authority {
    KeyAndCertificate files = createAuthority("Swingbridge test", 3650).value();
    CertificateAuthority signer = CertificateAuthority::load(files.certificatePem, files.keyPem).value();
};

SignRequest serverNames() {
    return {.commonName = "controller",
            .dnsNames = {"swing.example", "localhost"},
            .ipAddresses = {"127.0.0.1", "2001:db8::1"},
            .usage = CertificateUsage::server,
            .lifetimeHours = 48};
}

// Runs the openssl program; its exit status.
int openssl(std::vector<std::string> arguments) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::vector<char*> argv{const_cast<char*>("openssl")};
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        ::close(STDOUT_FILENO);
        ::close(STDERR_FILENO);
        ::execvp("openssl", argv.data());
        ::_exit(127);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Certificate, TheAuthorityDecidesEveryName) {
    const Authority authority;
    const Secret key = generateKey().value();
    const std::string request = createRequest(key, "root of all evil").value();
    const std::string certificate = authority.signer.sign(request, serverNames()).value();
    const auto info = certificateInfo(certificate).value();
    EXPECT_EQ(info.commonName, "controller");
    EXPECT_THAT(info.dnsNames, ElementsAre("swing.example", "localhost"));
    EXPECT_THAT(info.ipAddresses, ElementsAre("127.0.0.1", "2001:db8::1"));
    EXPECT_FALSE(info.authority);
    EXPECT_EQ(info.fingerprint, fingerprint(certificate).value());
    const UnixMs now = SystemClock().now();
    EXPECT_NEAR(static_cast<double>(info.notBefore), static_cast<double>(now - 300'000), 5000);
    EXPECT_NEAR(static_cast<double>(info.notAfter), static_cast<double>(now + 48 * 3600'000), 5000);
    EXPECT_TRUE(checkKeyMatches(key, certificate));
    EXPECT_FALSE(checkKeyMatches(generateKey().value(), certificate));
}

TEST(Certificate, SerialsAreRandomAnd128BitsLong) {
    const Authority authority;
    const auto first = certificateInfo(authority.signer.issue(serverNames())->certificatePem).value();
    const auto second = certificateInfo(authority.signer.issue(serverNames())->certificatePem).value();
    EXPECT_EQ(first.serial.size(), 32u);
    EXPECT_NE(first.serial, second.serial);
}

TEST(Certificate, NeverOutlivesItsAuthority) {
    const KeyAndCertificate files = createAuthority("short", 1).value();
    const auto signer = CertificateAuthority::load(files.certificatePem, files.keyPem).value();
    auto wanted = serverNames();
    wanted.lifetimeHours = 1000;
    EXPECT_EQ(certificateInfo(signer.issue(wanted)->certificatePem)->notAfter,
              certificateInfo(files.certificatePem)->notAfter);
}

TEST(Certificate, UsageIsEnforced) {
    const Authority authority;
    const auto verdict = [&](CertificateUsage made, CertificateUsage asked) {
        auto wanted = serverNames();
        wanted.usage = made;
        const auto issued = authority.signer.issue(wanted).value();
        return verifyCertificate(issued.certificatePem, authority.files.certificatePem, asked).has_value();
    };
    EXPECT_TRUE(verdict(CertificateUsage::server, CertificateUsage::server));
    EXPECT_FALSE(verdict(CertificateUsage::server, CertificateUsage::client));
    EXPECT_TRUE(verdict(CertificateUsage::client, CertificateUsage::client));
    EXPECT_FALSE(verdict(CertificateUsage::client, CertificateUsage::server));
    EXPECT_TRUE(verdict(CertificateUsage::serverAndClient, CertificateUsage::server));
    EXPECT_TRUE(verdict(CertificateUsage::serverAndClient, CertificateUsage::serverAndClient));
    EXPECT_FALSE(verdict(CertificateUsage::client, CertificateUsage::serverAndClient));
}

TEST(Certificate, OtherAuthoritiesAndExpiredOnesAreRejected) {
    const Authority authority;
    const Authority impostor;
    const auto foreign = impostor.signer.issue(serverNames()).value();
    const auto verdict =
        verifyCertificate(foreign.certificatePem, authority.files.certificatePem, CertificateUsage::server);
    EXPECT_EQ(verdict.error().code, ErrorCode::CertificateRejected);

    auto wanted = serverNames();
    wanted.lifetimeHours = -1;
    const auto expired = authority.signer.issue(wanted).value();
    const auto late =
        verifyCertificate(expired.certificatePem, authority.files.certificatePem, CertificateUsage::server);
    EXPECT_EQ(late.error().code, ErrorCode::CertificateRejected);
    EXPECT_THAT(late.error().message, HasSubstr("expired"));
}

TEST(Certificate, AnIssuedCertificateSignsNothing) {
    const Authority authority;
    const auto leaf = authority.signer.issue(serverNames()).value();
    const auto signer = CertificateAuthority::load(leaf.certificatePem, leaf.keyPem);
    EXPECT_EQ(signer.error().code, ErrorCode::InvalidInput);
}

TEST(Certificate, NamesThatWouldSmuggleOthersAreRefused) {
    const Authority authority;
    const auto code = [&](auto change) {
        auto wanted = serverNames();
        change(wanted);
        const auto issued = authority.signer.issue(wanted);
        return issued ? std::string("issued") : std::string(codeName(issued.error().code));
    };
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.dnsNames = {"a,IP:10.0.0.1"}; }), "SWB-INVALID-INPUT");
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.dnsNames = {""}; }), "SWB-INVALID-INPUT");
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.dnsNames = {std::string("a\0b", 3)}; }), "SWB-INVALID-INPUT");
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.ipAddresses = {"127.0.0.1,DNS:x"}; }), "SWB-INVALID-INPUT");
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.commonName = ""; }), "SWB-INVALID-INPUT");
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.commonName = std::string(65, 'x'); }), "SWB-INVALID-INPUT");
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.dnsNames.assign(100, "x.example"); }), "SWB-TOO-LARGE");
    EXPECT_EQ(code([](SignRequest& wanted) { wanted.dnsNames.clear(), wanted.ipAddresses.clear(); }), "issued");
}

TEST(Certificate, HostileTextIsRefusedWithACode) {
    const Authority authority;
    const Secret key = generateKey().value();
    const std::string request = createRequest(key, "x").value();
    const auto code = [&](std::string_view pem) { return authority.signer.sign(pem, serverNames()).error().code; };
    EXPECT_EQ(code(""), ErrorCode::InvalidInput);
    EXPECT_EQ(code("garbage"), ErrorCode::InvalidInput);
    EXPECT_EQ(code(authority.files.certificatePem), ErrorCode::InvalidInput);
    EXPECT_EQ(code(request.substr(0, request.size() / 2)), ErrorCode::InvalidInput);
    EXPECT_EQ(code(std::string(pemBytesMax + 1, 'x')), ErrorCode::TooLarge);
    EXPECT_EQ(fingerprint("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").error().code,
              ErrorCode::InvalidInput);
    EXPECT_EQ(certificateInfo(request).error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(createRequest(Secret("no key"), "x").error().code, ErrorCode::InvalidInput);
    const auto other = generateKey().value();
    EXPECT_EQ(CertificateAuthority::load(authority.files.certificatePem, other).error().message,
              "the key does not belong to the certificate");
}

// Every changed byte of a request is noticed: its signature covers key and names.
TEST(Certificate, AnAlteredRequestIsRefused) {
    const Authority authority;
    const std::string request = createRequest(generateKey().value(), "honest").value();
    const size_t body = request.find('\n') + 1;
    int accepted = 0;
    for (size_t at = body; at < request.find("\n-----END") - 4; at += 3) {
        std::string altered = request;
        if (altered[at] == '\n') continue;
        altered[at] = altered[at] == 'A' ? 'B' : 'A';
        accepted += authority.signer.sign(altered, serverNames()).has_value();
    }
    EXPECT_EQ(accepted, 0);
}

TEST(Certificate, WeakKeysAreRefused) {
    const std::string directory = testing::TempDir() + newId("weak");
    ASSERT_TRUE(makeDirectories(directory));
    ASSERT_EQ(openssl({"req", "-new", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=weak", "-keyout",
                       directory + "/key", "-out", directory + "/csr"}),
              0);
    const Authority authority;
    const auto refused = authority.signer.sign(readFile(directory + "/csr").value(), serverNames());
    EXPECT_THAT(refused.error().message, HasSubstr("kind that is not accepted"));
    std::filesystem::remove_all(directory);
}

TEST(Certificate, AKeyWithAPassphraseIsRefusedAndNotAskedFor) {
    const std::string path = testing::TempDir() + newId("locked");
    ASSERT_EQ(openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass",
                       "pass:secret", "-out", path}),
              0);
    EXPECT_EQ(createRequest(Secret(readFile(path).value()), "x").error().code, ErrorCode::InvalidInput);
    std::filesystem::remove(path);
}

TEST(Certificate, TheOpensslProgramAgrees) {
    const Authority authority;
    const std::string directory = testing::TempDir() + newId("openssl");
    ASSERT_TRUE(makeDirectories(directory));
    const auto issued = authority.signer.issue(serverNames()).value();
    ASSERT_TRUE(writeFileAtomically(directory + "/ca.pem", authority.files.certificatePem));
    ASSERT_TRUE(writeFileAtomically(directory + "/leaf.pem", issued.certificatePem));
    ASSERT_TRUE(writeFileAtomically(directory + "/leaf.key", issued.keyPem.reveal()));
    const auto verify = [&](std::vector<std::string> extra) {
        std::vector<std::string> arguments{"verify", "-x509_strict", "-CAfile", directory + "/ca.pem"};
        arguments.insert(arguments.end(), extra.begin(), extra.end());
        arguments.push_back(directory + "/leaf.pem");
        return openssl(arguments);
    };
    EXPECT_EQ(verify({"-purpose", "sslserver", "-verify_hostname", "swing.example"}), 0);
    EXPECT_EQ(verify({"-purpose", "sslserver", "-verify_ip", "127.0.0.1"}), 0);
    EXPECT_NE(verify({"-purpose", "sslserver", "-verify_hostname", "other.example"}), 0);
    EXPECT_NE(verify({"-purpose", "sslclient"}), 0);
    EXPECT_EQ(openssl({"pkey", "-in", directory + "/leaf.key", "-check", "-noout"}), 0);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace swb::crypto
