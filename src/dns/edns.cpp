#include "dns/edns.h"

namespace swb::dns {
namespace {

constexpr size_t optionHeaderBytes = 4;
constexpr size_t extendedErrorBytes = 2, expireBytes = 4, zoneVersionBytes = 6, keepaliveBytes = 2;
constexpr uint8_t soaSerialVersion = 0;  // RFC 9660 §4

std::string_view asText(std::span<const uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool isCookieLength(size_t length) {
    return length == clientCookieBytes ||
           (length >= clientCookieBytes + serverCookieBytesMin && length <= clientCookieBytes + serverCookieBytesMax);
}

// False when the option is malformed.
bool readOption(uint16_t code, std::span<const uint8_t> data, EdnsRequest& edns) {
    switch (code) {
        case option::nsid:
            edns.wantsNsid = true;
            return true;
        case option::expire:
            edns.wantsExpire = true;
            return true;
        case option::zoneVersion:
            edns.wantsZoneVersion = true;
            return data.empty();
        case option::tcpKeepalive:
            edns.wantsKeepalive = data.empty();
            return true;
        case option::cookie:
            // RFC 7873 §5.2: only the first one counts.
            if (!edns.hasCookie()) edns.cookie = data;
            return isCookieLength(data.size());
        default:
            return true;
    }
}

void writeOption(WireWriter& writer, uint16_t code, size_t length) {
    writer.u16(code);
    writer.u16(static_cast<uint16_t>(length));
}

}  // namespace

bool readOptions(WireReader& reader, size_t length, EdnsRequest& edns) {
    const size_t end = reader.position() + length;
    bool wellFormed = true;
    while (reader.ok() && reader.position() < end) {
        const uint16_t code = reader.u16();
        const auto data = reader.bytes(reader.u16());
        if (reader.ok() && !readOption(code, data, edns)) wellFormed = false;
    }
    if (!wellFormed) edns.cookie = {};
    // The last option must end where the record ends.
    return wellFormed && reader.ok() && reader.position() == end;
}

size_t optBytes(const EdnsReply& edns) {
    size_t bytes = optRecordBytes;
    if (edns.extendedError) bytes += optionHeaderBytes + extendedErrorBytes;
    if (!edns.nsid.empty()) bytes += optionHeaderBytes + edns.nsid.size();
    if (edns.expireSeconds) bytes += optionHeaderBytes + expireBytes;
    if (edns.keepaliveTenths) bytes += optionHeaderBytes + keepaliveBytes;
    if (edns.zoneVersion) bytes += optionHeaderBytes + zoneVersionBytes;
    if (edns.cookie) bytes += optionHeaderBytes + clientCookieBytes + serverCookieBytes;
    return bytes;
}

void writeOpt(WireWriter& writer, const EdnsReply& edns, uint16_t rcode) {
    writer.u8(0);
    writer.u16(type::opt);
    writer.u16(ednsUdpBytes);
    writer.u8(static_cast<uint8_t>(rcode >> 4));
    writer.u8(0);  // the version this server speaks
    writer.u16(edns.dnssecOk ? ednsDnssecOk : 0);
    writer.u16(static_cast<uint16_t>(optBytes(edns) - optRecordBytes));
    if (edns.cookie) {
        writeOption(writer, option::cookie, clientCookieBytes + serverCookieBytes);
        writer.bytes(asText(edns.cookie->client));
        writer.bytes(asText(edns.cookie->server));
    }
    if (!edns.nsid.empty()) {
        writeOption(writer, option::nsid, edns.nsid.size());
        writer.bytes(edns.nsid);
    }
    if (edns.zoneVersion) {
        writeOption(writer, option::zoneVersion, zoneVersionBytes);
        writer.u8(edns.zoneVersion->labels);
        writer.u8(soaSerialVersion);
        writer.u32(edns.zoneVersion->serial);
    }
    if (edns.expireSeconds) {
        writeOption(writer, option::expire, expireBytes);
        writer.u32(*edns.expireSeconds);
    }
    if (edns.keepaliveTenths) {
        writeOption(writer, option::tcpKeepalive, keepaliveBytes);
        writer.u16(*edns.keepaliveTenths);
    }
    if (edns.extendedError) {
        writeOption(writer, option::extendedError, extendedErrorBytes);
        writer.u16(*edns.extendedError);
    }
}

}  // namespace swb::dns
