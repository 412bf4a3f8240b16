#include "dns/sign/canonical.h"

#include <algorithm>
#include <array>

namespace swb::dns::sign {
namespace {

// Where the names in the data of a type are. Data is `before` octets, then `names` names, then anything.
struct NamesRow {
    uint16_t type;
    uint8_t before;
    uint8_t names;
};

// RFC 4034 §6.2 without RRSIG, whose signer's name is lower-cased where it is made, and the obsolete types that nobody
// can enter in their own form (they are opaque here, RFC 3597).
constexpr std::array namesTable = {
    NamesRow{2, 0, 1},   // NS
    NamesRow{3, 0, 1},   // MD
    NamesRow{4, 0, 1},   // MF
    NamesRow{5, 0, 1},   // CNAME
    NamesRow{6, 0, 2},   // SOA
    NamesRow{7, 0, 1},   // MB
    NamesRow{8, 0, 1},   // MG
    NamesRow{9, 0, 1},   // MR
    NamesRow{12, 0, 1},  // PTR
    NamesRow{14, 0, 2},  // MINFO
    NamesRow{15, 2, 1},  // MX
    NamesRow{17, 0, 2},  // RP
    NamesRow{18, 2, 1},  // AFSDB
    NamesRow{21, 2, 1},  // RT
    NamesRow{26, 2, 2},  // PX
    NamesRow{33, 6, 1},  // SRV
    NamesRow{36, 2, 1},  // KX
    NamesRow{39, 0, 1},  // DNAME
};

constexpr uint16_t naptr = 35;  // three strings stand before its name

// Lower-cases one name in place; the position behind it, or npos when the octets are no name.
size_t lowerNameAt(Rdata& data, size_t at) {
    while (at < data.size()) {
        const size_t length = static_cast<uint8_t>(data[at]);
        if (length == 0) return at + 1;
        if (length > labelBytesMax || at + length >= data.size()) return std::string::npos;
        for (size_t i = at + 1; i <= at + length; ++i)
            data[i] = static_cast<char>(lowerCase(static_cast<uint8_t>(data[i])));
        at += length + 1;
    }
    return std::string::npos;
}

Rdata canonicalNaptr(const Rdata& rdata) {
    constexpr size_t numbersBytes = 4;
    size_t at = numbersBytes;
    for (int i = 0; i < 3 && at < rdata.size(); ++i) at += 1 + static_cast<uint8_t>(rdata[at]);
    Rdata data = rdata;
    lowerNameAt(data, at);
    return data;
}

}  // namespace

std::string lowerCaseName(NameView name) {
    std::string wire(name.wire());
    for (char& character : wire) character = static_cast<char>(lowerCase(static_cast<uint8_t>(character)));
    return wire;
}

Rdata canonicalRdata(uint16_t type, const Rdata& rdata) {
    if (type == naptr) return canonicalNaptr(rdata);
    for (const NamesRow& row : namesTable) {
        if (row.type != type) continue;
        Rdata data = rdata;
        size_t at = row.before;
        for (uint8_t i = 0; i < row.names && at != std::string::npos; ++i) at = lowerNameAt(data, at);
        return data;
    }
    return rdata;
}

std::vector<Rdata> canonicalRecords(uint16_t type, const std::vector<Rdata>& records) {
    std::vector<Rdata> canonical;
    canonical.reserve(records.size());
    for (const Rdata& record : records) canonical.push_back(canonicalRdata(type, record));
    // char_traits<char> compares as unsigned char, which is the order wanted.
    std::sort(canonical.begin(), canonical.end());
    canonical.erase(std::unique(canonical.begin(), canonical.end()), canonical.end());
    return canonical;
}

}  // namespace swb::dns::sign
