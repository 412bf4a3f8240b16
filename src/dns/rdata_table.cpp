#include "dns/rdata_table.h"

#include <algorithm>

#include "dns/protocol.h"

namespace swb::dns {
namespace {

using enum Field;

constexpr std::array rows = {
    TypeRow{type::a, "A", {address4}},
    TypeRow{type::aaaa, "AAAA", {address6}},
    TypeRow{type::txt, "TXT", {strings}},
    TypeRow{type::cname, "CNAME", {oldName}},
    TypeRow{type::ns, "NS", {oldName}},
    TypeRow{type::soa, "SOA", {oldName, oldName, u32, u32, u32, u32, u32}},
    TypeRow{type::https, "HTTPS", {u16, name, serviceParameters}},
    TypeRow{type::rrsig, "RRSIG", {typeCode, u8, u8, u32, time, time, u16, name, base64}},
    TypeRow{type::nsec, "NSEC", {name, typeBitmap}},
    TypeRow{type::ptr, "PTR", {oldName}},
    TypeRow{type::hinfo, "HINFO", {string, string}},
    TypeRow{type::mx, "MX", {u16, oldName}},
    TypeRow{type::srv, "SRV", {u16, u16, u16, name}},
    TypeRow{type::naptr, "NAPTR", {u16, u16, string, string, string, name}},
    TypeRow{type::dname, "DNAME", {name}},
    TypeRow{type::ds, "DS", {u16, u8, u8, hexadecimal}},
    TypeRow{type::sshfp, "SSHFP", {u8, u8, hexadecimal}},
    TypeRow{type::dnskey, "DNSKEY", {u16, u8, u8, base64}},
    TypeRow{type::tlsa, "TLSA", {u8, u8, u8, hexadecimal}},
    TypeRow{type::cds, "CDS", {u16, u8, u8, hexadecimal}},
    TypeRow{type::cdnskey, "CDNSKEY", {u16, u8, u8, base64}},
    TypeRow{type::csync, "CSYNC", {u32, u16, typeBitmap}},
    TypeRow{type::svcb, "SVCB", {u16, name, serviceParameters}},
    TypeRow{type::uri, "URI", {u16, u16, text}},
    TypeRow{type::caa, "CAA", {u8, tag, text}},
};

}  // namespace

const TypeRow* typeRow(uint16_t type) {
    for (const TypeRow& row : rows)
        if (row.type == type) return &row;
    return nullptr;
}

const TypeRow* typeRow(std::string_view text) {
    for (const TypeRow& row : rows)
        if (row.text == text) return &row;
    return nullptr;
}

bool isTag(std::string_view octets) {
    return !octets.empty() && std::all_of(octets.begin(), octets.end(), [](char octet) {
        return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9');
    });
}

}  // namespace swb::dns
