#include "peers_config.h"

#include "dns/transfer/key_file.h"

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

Result<dns::TsigKeyring> loadKeys(const std::vector<std::string>& files) {
    dns::TsigKeyring keys;
    for (const std::string& file : files)
        for (dns::TsigKey& key : TRY(dns::transfer::readKeyFile(file))) TRY_VOID(keys.add(std::move(key)));
    return keys;
}

Result<dns::TsigKeyPointer> keyNamed(const dns::TsigKeyring& keys, const std::optional<dns::Name>& name) {
    if (!name) return dns::TsigKeyPointer();
    if (dns::TsigKeyPointer key = keys.find(*name)) return key;
    return fail(ErrorCode::InvalidInput, "no key file holds the key " + name->toText(),
                "add the file that has it to key_files");
}

Result<dns::transfer::NotifierSettings> notifierSettings(const PeersConfig& config, const dns::TsigKeyring& keys,
                                                         const std::vector<dns::Endpoint>& own) {
    dns::transfer::NotifierSettings settings;
    for (const PeersConfig::Notified& target : config.alsoNotify)
        settings.also.push_back({target.endpoint, TRY(keyNamed(keys, target.key))});
    settings.notifyNameServers = config.notifyNameServers;
    settings.nameServerKey = TRY(keyNamed(keys, config.nameServerKey));
    for (const dns::Endpoint& endpoint : own) settings.own.push_back(endpoint.address);
    settings.from = settings.own;
    for (const dns::transfer::AccessRule& rule : config.allowTransfer) TRY(keyNamed(keys, rule.key));
    return settings;
}

}  // namespace swb
