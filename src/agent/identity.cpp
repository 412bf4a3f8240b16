#include "agent/identity.h"

#include "base/file.h"
#include "base/ids.h"
#include "base/json.h"
#include "crypto/certificate.h"
#include "model/address.h"

namespace swb::agent {
namespace {

constexpr size_t fileBytesMax = 256 << 10;
constexpr std::string_view keyBegin = "-----BEGIN PRIVATE KEY-----";
constexpr int64_t checkEveryMs = 60'000;
constexpr int64_t askAgainMs = 600'000;

Result<void> checkIdentity(const AgentConfiguration& configuration, const AgentIdentity& identity) {
    TRY_VOID(crypto::checkKeyMatches(identity.keyPem, identity.certificatePem));
    TRY_VOID(
        crypto::verifyCertificate(identity.certificatePem, identity.authorityPem, crypto::CertificateUsage::client));
    const auto info = TRY(crypto::certificateInfo(identity.certificatePem));
    if (info.commonName != configuration.server)
        return fail(ErrorCode::CertificateRejected,
                    "the certificate is for " + info.commonName + ", this server is " + configuration.server);
    return {};
}

Result<void> writeIdentity(const AgentDirectory& directory, const AgentIdentity& identity) {
    TRY_VOID(writeFileAtomically(directory.authority(), identity.authorityPem, 0600));
    // One file, so that a power cut leaves either the old pair or the new one.
    std::string pair = identity.certificatePem;
    if (!pair.empty() && pair.back() != '\n') pair += '\n';
    return writeFileAtomically(directory.identity(), pair + identity.keyPem.reveal(), 0600);
}

}  // namespace

Result<ControllerAddress> controllerAddress(const std::string& url) {
    constexpr std::string_view scheme = "https://";
    std::string_view rest = url;
    if (!rest.starts_with(scheme))
        return fail(ErrorCode::InvalidInput, "the controller's URL must begin with https://", "https://HOST:PORT");
    rest.remove_prefix(scheme.size());
    if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
    if (rest.find_first_of("/?#@") != std::string_view::npos)
        return fail(ErrorCode::InvalidInput, "the controller's URL must be https://HOST:PORT and nothing more");
    const HostPort address = TRY(parseHostPort(rest, 443));
    return ControllerAddress{address.host, address.port};
}

Result<AgentConfiguration> loadConfiguration(const AgentDirectory& directory) {
    if (!fileExists(directory.configuration()))
        return fail(ErrorCode::NotFound, directory.root + " is not the directory of an agent that has joined",
                    "`swing-agent join` first; a token comes from `swing server token`");
    const std::string text = TRY(readFile(directory.configuration(), fileBytesMax));
    const Json value = TRY(parseJson(text));
    JsonReader reader(value, directory.configuration());
    reader.allowUnknown();
    AgentConfiguration configuration{reader.string("server"), reader.string("controller")};
    TRY_VOID(reader.finish());
    TRY_VOID(checkedName("server", configuration.server));
    TRY(controllerAddress(configuration.controller));
    return configuration;
}

Result<AgentIdentity> loadIdentity(const AgentDirectory& directory) {
    const std::string pair = TRY(readFile(directory.identity(), fileBytesMax));
    const size_t key = pair.find(keyBegin);
    if (key == std::string::npos)
        return fail(ErrorCode::StorageFailed, directory.identity() + " has no key", "join again with --force");
    return AgentIdentity{pair.substr(0, key), Secret(pair.substr(key)),
                         TRY(readFile(directory.authority(), fileBytesMax))};
}

Result<void> storeIdentity(const AgentDirectory& directory, const AgentConfiguration& configuration,
                           const AgentIdentity& identity) {
    TRY_VOID(checkedName("server", configuration.server));
    TRY(controllerAddress(configuration.controller));
    TRY_VOID(checkIdentity(configuration, identity));
    TRY_VOID(directory.make());
    TRY_VOID(writeIdentity(directory, identity));
    const Json document = JsonObject{{"server", configuration.server}, {"controller", configuration.controller}};
    return writeFileAtomically(directory.configuration(), toPrettyText(document) + "\n", 0600);
}

Result<std::string> Renewal::requestIfDue(UnixMs now) {
    if (now - checkedAt_ < checkEveryMs) return std::string();
    checkedAt_ = now;
    if (askedAt_ != 0 && now - askedAt_ < askAgainMs) return std::string();
    const auto identity = TRY(loadIdentity(directory_));
    const auto info = TRY(crypto::certificateInfo(identity.certificatePem));
    if ((info.notAfter - now) * 3 > info.notAfter - info.notBefore) return std::string();
    const Secret key = TRY(crypto::generateKey());
    // Kept, so that an answer that comes after a restart still finds its key.
    TRY_VOID(writeFileAtomically(directory_.renewalKey(), key.reveal(), 0600));
    askedAt_ = now;
    return crypto::createRequest(key, configuration_.server);
}

Result<void> Renewal::install(const std::string& certificatePem, const std::string& authorityPem) {
    AgentIdentity identity{certificatePem, Secret(TRY(readFile(directory_.renewalKey(), fileBytesMax))), authorityPem};
    TRY_VOID(checkIdentity(configuration_, identity));
    TRY_VOID(writeIdentity(directory_, identity));
    askedAt_ = 0;
    return removeFile(directory_.renewalKey());
}

}  // namespace swb::agent
