// The parameters of HTTPS and SVCB records (RFC 9460): alpn, port, hints, ech, mandatory and keys by number.
#pragma once

#include <span>

#include "dns/presentation.h"

namespace swb::dns {

// Words to wire, sorted by key; the error is a clause ("the port is not a number").
Result<std::string> serviceParametersFromTokens(std::span<const Token> tokens);
// Precondition: well-formed. Each parameter with a blank before it.
std::string serviceParametersToText(std::string_view wire);
// Keys ascending, values of the known keys as they must be, every mandatory key present.
bool areServiceParametersWellFormed(std::string_view wire);

}  // namespace swb::dns
