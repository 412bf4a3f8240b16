// Keys and certificates of one server, in the agent's state directory, beside no data that a copy would take along:
//     server.key server.pem     what the server shows       client.key client.pem     who its replica is at the peer
//     authority.pem             whom both believe
// Keys are made here and never leave; the controller's authority signs and decides the names.
#pragma once

#include <string>

#include "crypto/tls_context.h"
#include "driver/database_driver.h"
#include "driver/support/os_user.h"

namespace swb::driver {

class TlsDirectory {
  public:
    // clientName: the common name of the client certificate, the replication user of the engine.
    TlsDirectory(std::string path, OsUser user, std::string clientName);

    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
    // Made once; asking again gives requests for the same keys.
    Result<CertificateRequests> requests(const std::string& serverHost) const;
    // Refused unless they are of our keys, of that authority and for the right names.
    Result<void> install(const Certificates& certificates) const;
    bool complete() const;
    // For connections of our own beside the database's: what is installed now, both ends showing a certificate.
    Result<crypto::TlsContext> serverContext() const;
    Result<crypto::TlsContext> clientContext() const;
    const std::string& clientName() const { return clientName_; }
    // {beganAt, endsAt} of the certificate that ends first, and authorityEndsAt; null while there are none.
    Json validity() const;
    // The service's user can walk there: directories of ours on the way get the search bit, never the read bit; a
    // directory of somebody else is not touched.
    Result<void> make() const;

  private:
    Result<Secret> key(const std::string& name) const;
    Result<crypto::TlsIdentity> identity(const std::string& name) const;

    std::string path_;
    OsUser user_;
    std::string clientName_;
};

}  // namespace swb::driver
