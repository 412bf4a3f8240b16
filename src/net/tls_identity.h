// Who an end of a TLS connection is and whom it believes, as PEM text. Both ends of every connection of this module
// take one; the TLS contexts made from it stay inside the module.
#pragma once

#include <string>

#include "base/secret.h"

namespace swb::net {

struct TlsIdentity {
    std::string certificatePem;  // own certificate, followed by the intermediate certificates if there are any
    Secret privateKeyPem;        // the key of the first certificate
    std::string authorityPem;    // certificates that the peer's chain must end in
};

}  // namespace swb::net
