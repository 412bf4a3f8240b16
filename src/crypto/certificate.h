// Keys, certificate requests and certificates of the controller's own authority, all as PEM text.
//
//     agent: generateKey ─▶ createRequest ─▶ │ controller: CertificateAuthority::sign ─▶ certificate │ ─▶ agent
//
// The authority decides every name in a certificate; a request only proves that its sender has the key. Everything
// that comes in as text may be hostile and has a size limit. No I/O here: the callers keep the files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace swb::crypto {

constexpr size_t pemBytesMax = 64 << 10;

enum class CertificateUsage { server, client, serverAndClient };

struct SignRequest {
    std::string commonName;
    std::vector<std::string> dnsNames;
    std::vector<std::string> ipAddresses;
    CertificateUsage usage = CertificateUsage::serverAndClient;
    int64_t lifetimeHours = 24 * 30;  // from now; negative: already expired (for tests)
    int64_t lifetimeSeconds = 0;      // instead of hours when not 0
};

struct CertificateInfo {
    std::string commonName;
    std::vector<std::string> dnsNames;
    std::vector<std::string> ipAddresses;
    UnixMs notBefore = 0;
    UnixMs notAfter = 0;
    std::string serial;       // hex
    std::string fingerprint;  // as of fingerprint()
    bool authority = false;
};

struct KeyAndCertificate {
    Secret keyPem;
    std::string certificatePem;
};

// EC P-256, PKCS#8.
Result<Secret> generateKey();
// A new self-signed authority.
Result<KeyAndCertificate> createAuthority(std::string_view commonName, int days);
Result<std::string> createRequest(const Secret& keyPem, std::string_view commonName);
// Lower-case hex SHA-256 of the DER: the --ca-pin of an authority.
Result<std::string> fingerprint(std::string_view certificatePem);
Result<CertificateInfo> certificateInfo(std::string_view certificatePem);
// Whether the certificate is one of this authority's, for this usage, and valid now.
Result<void> verifyCertificate(std::string_view certificatePem, std::string_view authorityPem, CertificateUsage usage);
// Whether key and certificate belong together.
Result<void> checkKeyMatches(const Secret& keyPem, std::string_view certificatePem);

class CertificateAuthority {
  public:
    static Result<CertificateAuthority> load(std::string_view certificatePem, const Secret& keyPem);
    CertificateAuthority(CertificateAuthority&&) noexcept;
    CertificateAuthority& operator=(CertificateAuthority&&) noexcept;
    ~CertificateAuthority();

    // A certificate for the key of the request. Its names, usage and life are those given here; the request's own are
    // ignored. notBefore lies five minutes back, for clocks that differ; notAfter never passes the authority's own.
    Result<std::string> sign(std::string_view requestPem, const SignRequest& wanted) const;
    // A new key and its certificate in one: for the controller itself and for databases.
    Result<KeyAndCertificate> issue(const SignRequest& wanted) const;
    const std::string& certificatePem() const { return certificatePem_; }

  private:
    struct Material;
    CertificateAuthority(std::unique_ptr<Material> material, std::string certificatePem);
    std::unique_ptr<Material> material_;
    std::string certificatePem_;
};

}  // namespace swb::crypto
