#include "driver/support/tls_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "crypto/certificate.h"
#include "driver/support/files.h"

namespace swb::driver {

TlsDirectory::TlsDirectory(std::string path, OsUser user, std::string clientName)
    : path_(std::move(path)), user_(std::move(user)), clientName_(std::move(clientName)) {}

Result<void> TlsDirectory::make() const {
    TRY_VOID(makeDirectories(path_, 0700));
    if (::geteuid() == 0 && ::chown(path_.c_str(), user_.uid, user_.gid) != 0)
        return fail(ErrorCode::StorageFailed, path_ + " cannot be given away: " + std::strerror(errno));
    return openTheWay(path_, user_);
}

Result<Secret> TlsDirectory::key(const std::string& name) const {
    const std::string path = file(name + ".key");
    if (fileExists(path)) {
        const ActAs acting(user_);
        return Secret(TRY(readFile(path, crypto::pemBytesMax)));
    }
    Secret made = TRY(crypto::generateKey());
    TRY_VOID(writeFileAs(user_, path, made.reveal(), 0600));
    return made;
}

Result<CertificateRequests> TlsDirectory::requests(const std::string& serverHost) const {
    TRY_VOID(make());
    const Secret server = TRY(key("server")), client = TRY(key("client"));
    CertificateRequests requests;
    requests.server = TRY(crypto::createRequest(server, serverHost));
    requests.client = TRY(crypto::createRequest(client, clientName_));
    return requests;
}

Result<void> TlsDirectory::install(const Certificates& certificates) const {
    TRY_VOID(make());
    const Secret server = TRY(key("server")), client = TRY(key("client"));
    TRY_VOID(crypto::checkKeyMatches(server, certificates.server));
    TRY_VOID(crypto::checkKeyMatches(client, certificates.client));
    TRY_VOID(crypto::verifyCertificate(certificates.server, certificates.authority, crypto::CertificateUsage::server));
    TRY_VOID(crypto::verifyCertificate(certificates.client, certificates.authority, crypto::CertificateUsage::client));
    const auto info = TRY(crypto::certificateInfo(certificates.client));
    if (info.commonName != clientName_)
        return fail(ErrorCode::CertificateRejected, "the client certificate is for \"" + info.commonName + "\"",
                    "Its common name must be " + clientName_ + ".");
    TRY_VOID(writeFileAs(user_, file("authority.pem"), certificates.authority, 0600));
    TRY_VOID(writeFileAs(user_, file("server.pem"), certificates.server, 0600));
    return writeFileAs(user_, file("client.pem"), certificates.client, 0600);
}

bool TlsDirectory::complete() const {
    for (const char* name : {"authority.pem", "server.pem", "server.key", "client.pem", "client.key"})
        if (!fileExists(file(name))) return false;
    return true;
}

Result<crypto::TlsIdentity> TlsDirectory::identity(const std::string& name) const {
    Secret own = TRY(key(name));
    return crypto::TlsIdentity{TRY(readFile(file(name + ".pem"), crypto::pemBytesMax)), std::move(own)};
}

Result<crypto::TlsContext> TlsDirectory::serverContext() const {
    return crypto::serverContext(TRY(identity("server")), TRY(readFile(file("authority.pem"), crypto::pemBytesMax)));
}

Result<crypto::TlsContext> TlsDirectory::clientContext() const {
    const crypto::TlsIdentity own = TRY(identity("client"));
    return crypto::clientContext(TRY(readFile(file("authority.pem"), crypto::pemBytesMax)), &own);
}

Json TlsDirectory::validity() const {
    if (!complete()) return nullptr;
    const ActAs acting(user_);
    JsonObject out;
    for (const char* name : {"server.pem", "client.pem"}) {
        const auto text = readFile(file(name), crypto::pemBytesMax);
        const auto info = text ? crypto::certificateInfo(*text) : Result<crypto::CertificateInfo>(fail(text.error()));
        if (!info) return nullptr;
        if (out.empty() || info->notAfter < integerAt(out, "endsAt"))
            out = JsonObject{{"beganAt", info->notBefore}, {"endsAt", info->notAfter}};
    }
    const auto authority = readFile(file("authority.pem"), crypto::pemBytesMax);
    if (const auto info =
            authority ? crypto::certificateInfo(*authority) : Result<crypto::CertificateInfo>(fail(authority.error())))
        out["authorityEndsAt"] = info->notAfter;
    return out;
}

}  // namespace swb::driver
