#include "dns/soa.h"

namespace swb::dns {
namespace {

void putU32(char* at, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(value >> shift);
}

}  // namespace

SoaNumbers soaNumbersOf(std::string_view rdata) {
    const std::string_view tail = rdata.substr(rdata.size() - soaNumbersBytes);
    WireReader reader({reinterpret_cast<const uint8_t*>(tail.data()), tail.size()});
    SoaNumbers numbers;
    numbers.serial = reader.u32();
    numbers.refreshSeconds = reader.u32();
    numbers.retrySeconds = reader.u32();
    numbers.expireSeconds = reader.u32();
    numbers.minimumSeconds = reader.u32();
    return numbers;
}

Rdata soaWithSerial(Rdata rdata, uint32_t serial) {
    putU32(rdata.data() + rdata.size() - soaNumbersBytes, serial);
    return rdata;
}

Rdata soaData(NameView primary, NameView mailbox, const SoaNumbers& numbers) {
    Rdata data(primary.wire());
    data += mailbox.wire();
    for (const uint32_t number : {numbers.serial, numbers.refreshSeconds, numbers.retrySeconds, numbers.expireSeconds,
                                  numbers.minimumSeconds}) {
        data.append(4, '\0');
        putU32(data.data() + data.size() - 4, number);
    }
    return data;
}

}  // namespace swb::dns
