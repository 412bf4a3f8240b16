#include "crypto/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "crypto/certificate.h"

namespace swb::crypto {
namespace {

struct FreeSsl {
    void operator()(SSL* connection) const { SSL_free(connection); }
};
using Connection = std::unique_ptr<SSL, FreeSsl>;

// A controller and its authority.
class TlsContextTest : public testing::Test {
  protected:
    TlsIdentity identity(CertificateUsage usage, int64_t hours = 24, const CertificateAuthority* signer = nullptr) {
        const auto issued = (signer ? signer : &authority_)
                                ->issue({.commonName = "fra-1",
                                         .dnsNames = {"swing.example"},
                                         .ipAddresses = {"127.0.0.9"},
                                         .usage = usage,
                                         .lifetimeHours = hours})
                                .value();
        return {issued.certificatePem, issued.keyPem};
    }
    TlsContext server() { return serverContext(identity(CertificateUsage::server), files_.certificatePem).value(); }

    // Both ends in memory until done or stuck. True when both are connected.
    bool handshake(SSL_CTX* server, SSL_CTX* client, std::string_view host = "swing.example") {
        server_.reset(SSL_new(server));
        client_.reset(SSL_new(client));
        BIO* serverEnd = nullptr;
        BIO* clientEnd = nullptr;
        BIO_new_bio_pair(&serverEnd, 1 << 16, &clientEnd, 1 << 16);
        SSL_set_bio(server_.get(), serverEnd, serverEnd);
        SSL_set_bio(client_.get(), clientEnd, clientEnd);
        SSL_set_accept_state(server_.get());
        SSL_set_connect_state(client_.get());
        EXPECT_TRUE(expectHost(client_.get(), host)) << host;
        int serverDone = 0;
        int clientDone = 0;
        for (int round = 0; round < 10; ++round) {
            clientDone = SSL_do_handshake(client_.get());
            serverDone = SSL_do_handshake(server_.get());
        }
        ERR_clear_error();
        return clientDone == 1 && serverDone == 1;
    }

    KeyAndCertificate files_ = createAuthority("test authority", 30).value();
    CertificateAuthority authority_ = CertificateAuthority::load(files_.certificatePem, files_.keyPem).value();
    KeyAndCertificate otherFiles_ = createAuthority("test authority", 30).value();
    CertificateAuthority other_ = CertificateAuthority::load(otherFiles_.certificatePem, otherFiles_.keyPem).value();
    Connection server_;
    Connection client_;
};

TEST_F(TlsContextTest, AMemberIsVerifiedAndAnonymousClientsAreServed) {
    const auto serverSide = server();
    const TlsIdentity agent = identity(CertificateUsage::client);
    ASSERT_TRUE(handshake(serverSide.get(), clientContext(files_.certificatePem, &agent)->get()));
    EXPECT_EQ(certificateInfo(verifiedPeerCertificate(server_.get()))->commonName, "fra-1");
    EXPECT_STREQ(SSL_get_version(client_.get()), "TLSv1.3");
    ASSERT_TRUE(handshake(serverSide.get(), clientContext(files_.certificatePem)->get()));
    EXPECT_EQ(verifiedPeerCertificate(server_.get()), "");
}

TEST_F(TlsContextTest, WrongClientCertificatesEndTheHandshake) {
    const auto serverSide = server();
    const auto refused = [&](const TlsIdentity& agent) {
        const auto client = clientContext(files_.certificatePem, &agent).value();
        return !handshake(serverSide.get(), client.get()) && verifiedPeerCertificate(server_.get()).empty();
    };
    EXPECT_TRUE(refused(identity(CertificateUsage::client, 24, &other_))) << "another authority of the same name";
    EXPECT_TRUE(refused(identity(CertificateUsage::client, -1))) << "expired";
    EXPECT_TRUE(refused(identity(CertificateUsage::server))) << "not a client's";
}

TEST_F(TlsContextTest, TheClientChecksAuthorityUsageAndName) {
    const auto serverSide = server();
    const auto client = clientContext(files_.certificatePem).value();
    EXPECT_TRUE(handshake(serverSide.get(), client.get(), "127.0.0.9"));
    EXPECT_FALSE(handshake(serverSide.get(), client.get(), "127.0.0.1"));
    EXPECT_FALSE(handshake(serverSide.get(), client.get(), "other.example"));
    EXPECT_FALSE(handshake(serverSide.get(), client.get(), "fra-1")) << "the common name is no host name";
    EXPECT_FALSE(handshake(serverSide.get(), clientContext(otherFiles_.certificatePem)->get()));
    const auto agentAsServer = serverContext(identity(CertificateUsage::client), files_.certificatePem).value();
    EXPECT_FALSE(handshake(agentAsServer.get(), client.get()));
    const auto expired = serverContext(identity(CertificateUsage::server, -1), files_.certificatePem).value();
    EXPECT_FALSE(handshake(expired.get(), client.get()));
}

TEST_F(TlsContextTest, AnOldProtocolIsRefused) {
    const auto serverSide = server();
    const auto client = clientContext(files_.certificatePem).value();
    SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
    EXPECT_TRUE(handshake(serverSide.get(), client.get()));
    SSL_CTX_set_min_proto_version(client.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client.get(), TLS1_1_VERSION);
    EXPECT_FALSE(handshake(serverSide.get(), client.get()));
}

TEST_F(TlsContextTest, ThePinIsThatOfTheRoot) {
    const auto serverSide = server();
    const std::string pin = fingerprint(files_.certificatePem).value();
    const auto client = pinnedClientContext(pin).value();
    EXPECT_TRUE(handshake(serverSide.get(), client.get()));
    EXPECT_TRUE(handshake(serverSide.get(), client.get())) << "again with the same context";
    EXPECT_FALSE(handshake(serverSide.get(), client.get(), "other.example"));
    std::string upper = pin;
    for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_TRUE(handshake(serverSide.get(), pinnedClientContext(upper)->get()));
    EXPECT_FALSE(
        handshake(serverSide.get(), pinnedClientContext(fingerprint(otherFiles_.certificatePem).value())->get()));
}

TEST_F(TlsContextTest, ThePinnedRootMustReallySignTheServer) {
    // Sends the true authority's certificate along, but its own certificate is another authority's.
    const auto impostor = serverContext(identity(CertificateUsage::server, 24, &other_), files_.certificatePem).value();
    const auto client = pinnedClientContext(fingerprint(files_.certificatePem).value()).value();
    EXPECT_FALSE(handshake(impostor.get(), client.get()));
    const auto agent = serverContext(identity(CertificateUsage::client), files_.certificatePem).value();
    EXPECT_FALSE(handshake(agent.get(), client.get())) << "an agent's certificate is no server's";
    const auto expired = serverContext(identity(CertificateUsage::server, -1), files_.certificatePem).value();
    EXPECT_FALSE(handshake(expired.get(), client.get()));
    // The pin of the server's own certificate is not one of an authority.
    const TlsIdentity own = identity(CertificateUsage::server);
    const auto serverSide = serverContext(own, files_.certificatePem).value();
    EXPECT_FALSE(handshake(serverSide.get(), pinnedClientContext(fingerprint(own.certificatePem).value())->get()));
}

TEST_F(TlsContextTest, PinsThatAreNoneAreRefused) {
    EXPECT_EQ(pinnedClientContext("").error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(pinnedClientContext(std::string(64, 'g')).error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(pinnedClientContext(std::string(63, 'a')).error().code, ErrorCode::InvalidInput);
    const TlsContext context(SSL_CTX_new(TLS_client_method()));
    std::string pin = "short";
    EXPECT_NE(pinForCurl(nullptr, context.get(), &pin), 0);
    pin = std::string(64, 'a');
    EXPECT_EQ(pinForCurl(nullptr, context.get(), &pin), 0);
}

TEST_F(TlsContextTest, AMismatchedIdentityIsRefused) {
    TlsIdentity mixed = identity(CertificateUsage::server);
    mixed.keyPem = generateKey().value();
    EXPECT_EQ(serverContext(mixed, files_.certificatePem).error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(clientContext("garbage").error().code, ErrorCode::InvalidInput);
}

}  // namespace
}  // namespace swb::crypto
