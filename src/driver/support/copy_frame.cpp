#include "driver/support/copy_frame.h"

namespace swb::driver {

std::string frameHead(FrameType type, size_t payloadBytes) {
    std::string head(1, static_cast<char>(type));
    for (const int shift : {24, 16, 8, 0}) head += static_cast<char>(payloadBytes >> shift & 0xff);
    return head;
}

Result<FrameHead> parseFrameHead(std::string_view bytes) {
    if (bytes.size() != frameHeadBytes) return fail(ErrorCode::ProtocolViolation, "a frame's head has five bytes");
    FrameHead head;
    head.type = static_cast<FrameType>(bytes[0]);
    for (size_t i = 1; i < frameHeadBytes; ++i)
        head.payloadBytes = head.payloadBytes << 8 | static_cast<unsigned char>(bytes[i]);
    switch (head.type) {
        case FrameType::data:
            if (head.payloadBytes == 0) return fail(ErrorCode::ProtocolViolation, "the peer sent a piece of nothing");
            if (head.payloadBytes <= dataFrameBytesMax) return head;
            break;
        case FrameType::request:
        case FrameType::header:
        case FrameType::end:
            if (head.payloadBytes <= jsonFrameBytesMax) return head;
            break;
        default:
            return fail(ErrorCode::ProtocolViolation, "the peer sent something that is no part of a copy");
    }
    return fail(ErrorCode::ProtocolViolation, "the peer sent a frame that is too long");
}

}  // namespace swb::driver
