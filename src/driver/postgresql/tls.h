// TLS of a server, with the keys and certificates of its TlsDirectory.
#pragma once

#include "driver/postgresql/instance.h"

namespace swb::driver::postgresql {

Result<CertificateRequests> certificateRequests(const Instance& instance);
// TLS on, by reload. Other TLS files that the server had are remembered; the answer names them as `replaced`.
Result<Json> installCertificates(const Instance& instance, const Certificates& certificates, const Context& context);
// Puts back what installCertificates() replaced; nothing to put back is success.
Result<void> restoreFormerTls(const Instance& instance, const Context& context);

// Settings of a running server, by ALTER SYSTEM and reload, waited for; of a stopped one in its file. nullopt: reset.
using Settings = std::vector<std::pair<std::string, std::optional<std::string>>>;
Result<void> changeSettings(const Instance& instance, const Settings& settings, const Context& context);

}  // namespace swb::driver::postgresql
