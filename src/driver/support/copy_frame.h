// How a physical copy travels from one agent to another: frames on a TLS connection. Pure; the bytes may be hostile.
//
//     replica  ── request {database} ──▶  source
//     replica  ◀── header {bytes, …} ──   source     what comes, or {error} and nothing else
//     replica  ◀── data … data ────────   source     one stream, in pieces
//     replica  ◀── end {error?} ───────   source     without it the copy is cut off
//
// A frame: one byte of type, four of length (big endian), the payload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swb::driver {

enum class FrameType : char { request = 'Q', header = 'H', data = 'D', end = 'E' };

constexpr size_t frameHeadBytes = 5;
constexpr size_t dataFrameBytesMax = 1 << 20;
constexpr size_t jsonFrameBytesMax = 64 << 10;  // of every other type

struct FrameHead {
    FrameType type = FrameType::data;
    size_t payloadBytes = 0;
};

std::string frameHead(FrameType type, size_t payloadBytes);
// Of exactly frameHeadBytes. ProtocolViolation: no such type, or longer than it may be.
Result<FrameHead> parseFrameHead(std::string_view bytes);

}  // namespace swb::driver
