// Serial numbers of zones (RFC 1982): they compare around a circle, and a step forward is less than half of it.
#pragma once

#include <cstdint>

namespace swb::dns {

constexpr bool isNewerSerial(uint32_t serial, uint32_t than) {
    const uint32_t step = serial - than;
    return step != 0 && step < 0x80000000u;
}

// 0 is left out: some secondaries take it for "no zone yet".
constexpr uint32_t nextSerial(uint32_t serial) {
    return serial + 1 == 0 ? 1 : serial + 1;
}

}  // namespace swb::dns
