#include "peers_config.h"

namespace swb {
namespace {

using dns::transfer::AccessRule;
using dns::transfer::AddressPrefix;

std::optional<dns::Name> readName(JsonReader& reader, std::string_view key) {
    const std::string text = reader.string(key, "");
    if (text.empty()) return {};
    auto name = dns::Name::fromText(text);
    if (name) return *std::move(name);
    reader.problem(key, "must be a domain name");
    return {};
}

std::optional<AccessRule> readRule(const Json& value, JsonReader& parent, std::string_view key) {
    JsonReader reader(value, parent.pathOf(key));
    AccessRule rule;
    for (const std::string& text : reader.strings("from")) {
        auto prefix = AddressPrefix::fromText(text);
        if (prefix)
            rule.from.push_back(*prefix);
        else
            reader.problem("from", prefix.error().message);
    }
    rule.key = readName(reader, "key");
    if (rule.from.empty() && !rule.key) reader.problem("from", "or key is required: a rule says who it lets in");
    const auto read = reader.finish();
    if (read) return rule;
    parent.problem(key, read.error().message);
    return {};
}

}  // namespace

Result<PeersConfig> readPeers(JsonReader& reader) {
    PeersConfig config;
    config.keyFiles = reader.strings("key_files");
    if (const JsonArray* rules = reader.array("allow_transfer"))
        for (const Json& value : *rules)
            if (auto rule = readRule(value, reader, "allow_transfer")) config.allowTransfer.push_back(*std::move(rule));
    config.transfersMax = reader.integer("transfers_at_once", config.transfersMax);
    if (config.transfersMax < 1 || config.transfersMax > 100) reader.problem("transfers_at_once", "must be 1 to 100");
    if (const JsonArray* notified = reader.array("also_notify"))
        for (const Json& value : *notified) {
            JsonReader entry(value, reader.pathOf("also_notify"));
            PeersConfig::Notified target;
            auto endpoint = dns::Endpoint::fromText(entry.string("address"));
            if (endpoint)
                target.endpoint = *endpoint;
            else
                entry.problem("address", "must be ADDRESS:PORT");
            target.key = readName(entry, "key");
            TRY_VOID(entry.finish());
            config.alsoNotify.push_back(std::move(target));
        }
    config.notifyNameServers = reader.boolean("notify_name_servers", true);
    config.nameServerKey = readName(reader, "name_server_key");
    config.catalog = readName(reader, "catalog");
    return config;
}

std::vector<dns::Name> PeersConfig::neededKeys() const {
    std::vector<dns::Name> names;
    const auto add = [&](const std::optional<dns::Name>& name) {
        if (name) names.push_back(*name);
    };
    for (const AccessRule& rule : allowTransfer) add(rule.key);
    for (const Notified& target : alsoNotify) add(target.key);
    add(nameServerKey);
    return names;
}

dns::transfer::NotifierSettings notifierSettings(const PeersConfig& config, const dns::TsigKeyring& keys,
                                                 const std::vector<dns::Endpoint>& own) {
    const auto find = [&](const std::optional<dns::Name>& name) { return name ? keys.find(*name) : nullptr; };
    dns::transfer::NotifierSettings settings;
    dns::transfer::NotifyRules& rules = settings.rules;
    for (const PeersConfig::Notified& target : config.alsoNotify)
        if (const auto key = find(target.key); key || !target.key) rules.also.push_back({target.endpoint, key});
    rules.nameServerKey = find(config.nameServerKey);
    rules.notifyNameServers = config.notifyNameServers && (rules.nameServerKey || !config.nameServerKey);
    for (const dns::Endpoint& endpoint : own) rules.own.push_back(endpoint.address);
    settings.from = rules.own;
    return settings;
}

}  // namespace swb
