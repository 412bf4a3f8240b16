// Certificate requests come from whoever has a join token, certificates from whoever connects.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "crypto/certificate.h"

using namespace swb::crypto;

namespace {

const CertificateAuthority& authority() {
    static const CertificateAuthority made = [] {
        const auto files = createAuthority("fuzz", 10).value();
        return CertificateAuthority::load(files.certificatePem, files.keyPem).value();
    }();
    return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto certificate =
        authority().sign(text, {.commonName = "fra-1", .usage = CertificateUsage::client, .lifetimeHours = 1});
    if (certificate) {
        // Whatever the request said, the authority's own words are in the certificate.
        const auto info = certificateInfo(*certificate);
        SWB_ASSERT(info && info->commonName == "fra-1" && info->dnsNames.empty() && info->ipAddresses.empty() &&
                       !info->authority,
                   "only the authority decides the names");
        SWB_ASSERT(verifyCertificate(*certificate, authority().certificatePem(), CertificateUsage::client),
                   "what the authority signed, it accepts");
    }
    if (const auto info = certificateInfo(text)) SWB_ASSERT(info->fingerprint.size() == 64, "a SHA-256 in hex");
    (void)verifyCertificate(text, authority().certificatePem(), CertificateUsage::server);
    return 0;
}
