#include "dns/service_hints.h"

#include <algorithm>

namespace swb::dns {
namespace {

constexpr uint16_t mandatoryKey = 0, ipv4HintKey = 4, ipv6HintKey = 6;

struct Parameter {
    uint16_t key;
    std::string value;
};

struct ServiceRecord {
    std::string head;  // priority and target
    uint16_t priority = 0;
    NameView target;  // into the record's data
    std::vector<Parameter> parameters;
};

ServiceRecord parse(const Rdata& data) {
    WireReader reader({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    ServiceRecord record;
    record.priority = reader.u16();
    record.target = reader.plainName();
    record.head = data.substr(0, reader.position());
    while (reader.ok() && !reader.atEnd()) {
        const uint16_t key = reader.u16();
        const auto value = reader.bytes(reader.u16());
        record.parameters.push_back({key, std::string(value.begin(), value.end())});
    }
    return record;
}

void append16(std::string& out, size_t value) {
    out += {static_cast<char>(value >> 8), static_cast<char>(value)};
}

bool isHint(uint16_t key) {
    return key == ipv4HintKey || key == ipv6HintKey;
}

bool hasHint(const ServiceRecord& record) {
    return std::any_of(record.parameters.begin(), record.parameters.end(),
                       [](const Parameter& parameter) { return isHint(parameter.key); });
}

bool isAlias(const ServiceRecord& record) {
    return record.priority == 0;
}

NameView effectiveTarget(const ServiceRecord& record, NameView owner) {
    return record.target.isRoot() ? owner : record.target;
}

bool makesHintMandatory(const Parameter& parameter) {
    if (parameter.key != mandatoryKey) return false;
    for (size_t at = 0; at + 1 < parameter.value.size(); at += 2)
        if (isHint(static_cast<uint16_t>(static_cast<uint8_t>(parameter.value[at]) << 8 |
                                         static_cast<uint8_t>(parameter.value[at + 1]))))
            return true;
    return false;
}

Rdata withHints(const ServiceRecord& record, const std::string& ipv4, const std::string& ipv6) {
    std::vector<Parameter> parameters;
    for (const Parameter& parameter : record.parameters)
        if (!isHint(parameter.key)) parameters.push_back(parameter);
    if (!ipv4.empty()) parameters.push_back({ipv4HintKey, ipv4});
    if (!ipv6.empty()) parameters.push_back({ipv6HintKey, ipv6});
    std::sort(parameters.begin(), parameters.end(),
              [](const Parameter& left, const Parameter& right) { return left.key < right.key; });
    Rdata data = record.head;
    for (const Parameter& parameter : parameters) {
        append16(data, parameter.key);
        append16(data, parameter.value.size());
        data += parameter.value;
    }
    return data;
}

}  // namespace

std::vector<Name> hintTargets(const RecordSet& set, NameView owner) {
    std::vector<Name> targets;
    for (const Rdata& data : set.records) {
        const ServiceRecord record = parse(data);
        if (!isAlias(record) && hasHint(record)) targets.emplace_back(effectiveTarget(record, owner));
    }
    return targets;
}

Result<void> replaceHints(RecordSet& set, NameView owner, const HintAddresses& addressesOf) {
    for (Rdata& data : set.records) {
        const ServiceRecord record = parse(data);
        if (isAlias(record)) continue;
        const NameView target = effectiveTarget(record, owner);
        const auto addresses = addressesOf(target);
        if (!addresses) continue;
        if (std::any_of(record.parameters.begin(), record.parameters.end(), makesHintMandatory))
            return fail(ErrorCode::InvalidInput,
                        "the " + typeToText(set.type) + " record of " + owner.toText() +
                            " makes an address hint of the failover address " + target.toText() + " mandatory",
                        "the hints follow the group's addresses; leave them out of the mandatory list");
        if (!hasHint(record)) continue;
        std::string ipv4, ipv6;
        for (const IpAddress& address : *addresses)
            (address.family == AddressFamily::ipv4 ? ipv4 : ipv6).append(address.wire());
        data = withHints(record, ipv4, ipv6);
    }
    // Records that differed in nothing but their hints are one now.
    for (size_t i = set.records.size(); i-- > 1;) {
        const auto at = set.records.begin() + static_cast<ptrdiff_t>(i);
        if (std::find(set.records.begin(), at, *at) != at) set.records.erase(at);
    }
    return {};
}

}  // namespace swb::dns
