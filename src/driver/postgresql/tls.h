// Certificates of a server: keys are made here and never leave; the controller's authority signs and decides the names.
// Files (all of the service's user, in the agent's state directory, beside no data that a base backup would copy):
//     tls/server.key server.pem     what the server shows       client.key client.pem     who we are at the peer
//     tls/authority.pem             whom both believe
#pragma once

#include "driver/postgresql/instance.h"

namespace swb::driver::postgresql {

Result<CertificateRequests> certificateRequests(const Instance& instance);
// TLS on, by reload. Other TLS files that the server had are remembered; the answer names them as `replaced`.
Result<Json> installCertificates(const Instance& instance, const Certificates& certificates, const Context& context);
// Puts back what installCertificates() replaced; nothing to put back is success.
Result<void> restoreFormerTls(const Instance& instance, const Context& context);
bool certificatesInstalled(const Instance& instance);

// Settings of a running server, by ALTER SYSTEM and reload, waited for; of a stopped one in its file. nullopt: reset.
using Settings = std::vector<std::pair<std::string, std::optional<std::string>>>;
Result<void> changeSettings(const Instance& instance, const Settings& settings, const Context& context);

}  // namespace swb::driver::postgresql
