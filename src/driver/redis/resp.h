// The protocol of Redis and Valkey (RESP, version 2), as text: commands to bytes, bytes to replies. A client of our own
// because Debian's libhiredis (0.14) knows no TLS, and because what is needed of it is this page. Pure; the bytes come
// from servers that may be hostile, so everything has a limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace swb::driver::redis {

constexpr size_t replyBytesMax = 16 << 20;  // INFO, CONFIG GET and the like; no values of applications are read
constexpr size_t replyElementsMax = 1 << 16;
constexpr int replyDepthMax = 8;

using Command = std::vector<std::string>;

struct Reply {
    enum class Kind { text, error, integer, list, nothing };
    Kind kind = Kind::nothing;
    std::string text;  // text and error
    int64_t integer = 0;
    std::vector<Reply> list;

    bool isError() const { return kind == Kind::error; }
    // "NOAUTH Authentication required." → "NOAUTH"; empty when it is no error.
    std::string_view errorName() const;
    // The second of each pair of a flat list, by its first: CONFIG GET, HELLO.
    std::optional<std::string> valueOf(std::string_view name) const;
};

struct ParsedReply {
    Reply reply;
    size_t bytes = 0;  // how many it took
};

// The reply at the beginning of the bytes; nothing when more of them are needed. ProtocolViolation, TooLarge.
Result<std::optional<ParsedReply>> parseReply(std::string_view bytes);
std::string encodeCommand(const Command& command);

}  // namespace swb::driver::redis
