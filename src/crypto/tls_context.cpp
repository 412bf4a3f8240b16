#include "crypto/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

#include "crypto/openssl.h"
#include "crypto/token.h"

namespace swb::crypto {
namespace {

constexpr const char* cipherList = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL";
// One level of authority, so two certificates; more is somebody else's chain.
constexpr int chainDepth = 2;

Result<TlsContext> newContext(const SSL_METHOD* method) {
    TlsContext context(SSL_CTX_new(method));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context.get(), cipherList) != 1)
        return fail(opensslError(ErrorCode::Bug, "cannot make a TLS context"));
    SSL_CTX_set_options(context.get(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_verify_depth(context.get(), chainDepth);
    return context;
}

Result<void> useIdentity(SSL_CTX* context, const TlsIdentity& identity) {
    const Certificate certificate = TRY(readCertificate(identity.certificatePem, "the own certificate"));
    const Key key = TRY(readKey(identity.keyPem, "the own key"));
    if (SSL_CTX_use_certificate(context, certificate.get()) != 1 || SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return fail(opensslError(ErrorCode::InvalidInput, "certificate and key do not belong together"));
    return {};
}

Result<void> trust(SSL_CTX* context, X509* authority) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) != 1)
        return fail(opensslError(ErrorCode::Bug, "cannot trust the authority"));
    return {};
}

// Owned by the context through this slot of its extra data.
void freePin(void*, void* pin, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<std::string*>(pin);
}
int pinSlot() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, freePin);
    return slot;
}

// Takes the pinned root out of what the peer sent and verifies the peer against that alone: signatures, dates and
// purposes are checked as always; only where trust comes from differs.
int verifyByPin(X509_STORE_CTX* context, void*) {
    const auto* connection =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const auto* pin = static_cast<std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), pinSlot()));
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
    X509* root = nullptr;
    for (int i = 0; i < sk_X509_num(sent); ++i) {
        X509* candidate = sk_X509_value(sent, i);
        if (equalInConstantTime(fingerprintOf(candidate), *pin) && X509_check_ca(candidate) == 1) root = candidate;
    }
    if (!root) {
        X509_STORE_CTX_set_error(context, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
        return 0;
    }
    const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> trusted(
        sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
    if (!trusted || sk_X509_push(trusted.get(), root) == 0) {
        X509_STORE_CTX_set_error(context, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    X509_STORE_CTX_set0_trusted_stack(context, trusted.get());
    const int verified = X509_verify_cert(context);
    X509_STORE_CTX_set0_trusted_stack(context, nullptr);
    return verified == 1 ? 1 : 0;
}

bool isAddress(const std::string& host) {
    unsigned char bytes[16];
    return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

Result<TlsContext> serverContext(const TlsIdentity& identity, std::string_view authorityPem) {
    auto context = TRY(newContext(TLS_server_method()));
    TRY_VOID(useIdentity(context.get(), identity));
    const Certificate authority = TRY(readCertificate(authorityPem, "the authority's certificate"));
    TRY_VOID(trust(context.get(), authority.get()));
    if (SSL_CTX_add1_chain_cert(context.get(), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context.get(), authority.get()) != 1)
        return fail(opensslError(ErrorCode::Bug, "cannot send the authority's certificate"));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    // Every resumed session would need an own check of the client's certificate, which may have expired meanwhile.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context.get(), 0);
    return context;
}

Result<TlsContext> clientContext(std::string_view authorityPem, const TlsIdentity* identity) {
    auto context = TRY(newContext(TLS_client_method()));
    const Certificate authority = TRY(readCertificate(authorityPem, "the authority's certificate"));
    TRY_VOID(trust(context.get(), authority.get()));
    if (identity) TRY_VOID(useIdentity(context.get(), *identity));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
}

Result<void> pinContext(SSL_CTX* context, std::string_view pin) {
    const bool hex = std::all_of(pin.begin(), pin.end(), [](unsigned char c) { return std::isxdigit(c); });
    if (pin.size() != 64 || !hex)
        return fail(ErrorCode::InvalidInput, "a CA pin is 64 hex digits", "Copy it from the output of swingd init.");
    auto lower = std::make_unique<std::string>(pin);
    for (auto& c : *lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (SSL_CTX_set_ex_data(context, pinSlot(), lower.get()) != 1)
        return fail(opensslError(ErrorCode::Bug, "cannot keep the CA pin"));
    lower.release();
    SSL_CTX_set_cert_verify_callback(context, verifyByPin, nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return {};
}

Result<TlsContext> pinnedClientContext(std::string_view pin) {
    auto context = TRY(newContext(TLS_client_method()));
    TRY_VOID(pinContext(context.get(), pin));
    return context;
}

int pinForCurl(void*, void* sslContext, void* pinString) {
    const auto* pin = static_cast<const std::string*>(pinString);
    return pinContext(static_cast<SSL_CTX*>(sslContext), *pin) ? 0 : 58;  // CURLE_OK, CURLE_SSL_CERTPROBLEM
}

Result<void> expectHost(SSL* connection, std::string_view host) {
    const std::string name(host);
    X509_VERIFY_PARAM* parameters = SSL_get0_param(connection);
    bool done;
    if (isAddress(name)) {
        done = X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1;
    } else {
        X509_VERIFY_PARAM_set_hostflags(parameters,
                                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        done = !name.empty() && SSL_set_tlsext_host_name(connection, name.c_str()) == 1 &&
               X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size()) == 1;
    }
    if (!done) return fail(opensslError(ErrorCode::InvalidInput, "\"" + name + "\" cannot be a server's name"));
    return {};
}

std::string verifiedPeerCertificate(const SSL* connection) {
    const Certificate certificate(SSL_get1_peer_certificate(connection));
    if (!certificate || SSL_get_verify_result(connection) != X509_V_OK) return {};
    return writeCertificate(certificate.get()).value_or("");
}

}  // namespace swb::crypto
