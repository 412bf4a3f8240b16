// The numbers in SOA data.
#pragma once

#include "dns/rdata.h"

namespace swb::dns {

struct SoaNumbers {
    uint32_t serial = 0, refreshSeconds = 0, retrySeconds = 0, expireSeconds = 0, minimumSeconds = 0;
};

constexpr size_t soaNumbersBytes = 20;

// Precondition for both: well-formed SOA data.
SoaNumbers soaNumbersOf(std::string_view rdata);
Rdata soaWithSerial(Rdata rdata, uint32_t serial);

Rdata soaData(NameView primary, NameView mailbox, const SoaNumbers& numbers);

}  // namespace swb::dns
