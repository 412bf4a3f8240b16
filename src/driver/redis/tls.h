// TLS of a server, with the keys and certificates of its TlsDirectory.
// A server has one TLS port and one set of certificates. One that has TLS of its administrator's is left alone.
#pragma once

#include "driver/redis/instance.h"
#include "driver/redis/settings.h"

namespace swb::driver::redis {

Result<CertificateRequests> certificateRequests(const Instance& instance);
// TLS on at the replication address, or the new certificates taken up.
Result<Json> installCertificates(const Instance& instance, const Certificates& certificates, const Context& context);

// For a source: opens the TLS port when it is not open. The last peer's release closes it.
Result<void> openTlsPort(const Instance& instance, Connection& connection, RoleFile& role, const Context& context);
Result<void> closeTlsPort(Connection& connection, RoleFile& role, const Context& context);

}  // namespace swb::driver::redis
