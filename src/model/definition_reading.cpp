#include "model/definition_reading.h"

#include <algorithm>

#include "base/ids.h"
#include "base/limits.h"
#include "model/names.h"

namespace swb {
namespace {

constexpr NameTable<Manage, 3> manages = {
    {{"direct", Manage::direct}, {"systemd", Manage::systemd}, {"pg_ctlcluster", Manage::pg_ctlcluster}}};

bool isAbsolutePath(std::string_view path) {
    return path.starts_with('/') && path.size() < 4096 && path.find('\0') == std::string_view::npos &&
           path.find('\n') == std::string_view::npos;
}

// Words that become part of a service's configuration or argv: no blanks, quotes or control characters.
bool isPlainWord(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c > 0x20 && c < 0x7f &&
               std::string_view("\"'`\\;{}$<>|&()").find(static_cast<char>(c)) == std::string_view::npos;
    });
}

bool isEnvironmentName(std::string_view name) {
    if (name.empty() || name.size() > 128 || (name[0] >= '0' && name[0] <= '9')) return false;
    return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

}  // namespace

std::string_view nameOf(Manage manage) {
    return nameIn(manages, manage);
}

void requirePath(JsonReader& reader, std::string_view key, const std::string& value) {
    if (!value.empty() && !isAbsolutePath(value)) reader.problem(key, "must be an absolute path");
}

void requireWord(JsonReader& reader, std::string_view key, const std::string& value) {
    if (!value.empty() && !isPlainWord(value)) reader.problem(key, "must be a plain word without blanks or quotes");
}

void requireName(JsonReader& reader, std::string_view key, const std::string& value) {
    if (!isName(value)) reader.problem(key, "must be a name of 1 to 63 characters a-z, 0-9 and '-'");
}

Result<ServiceSpec> serviceFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    ServiceSpec spec;
    spec.manage = readEnum(reader, "manage", manages, Manage::direct);
    spec.data = reader.string("data", "");
    spec.bin = reader.string("bin", "");
    spec.unit = reader.string("unit", "");
    spec.version = reader.string("version", "");
    spec.socket = reader.string("socket", "");
    spec.config = reader.string("config", "");
    spec.superuser = reader.string("superuser", "");
    spec.runAs = reader.string("run_as", "");
    for (const auto& [key, text] :
         {std::pair{"data", &spec.data}, {"bin", &spec.bin}, {"socket", &spec.socket}, {"config", &spec.config}})
        requirePath(reader, key, *text);
    for (const auto& [key, text] : {std::pair{"unit", &spec.unit},
                                    {"version", &spec.version},
                                    {"superuser", &spec.superuser},
                                    {"run_as", &spec.runAs}})
        requireWord(reader, key, *text);
    TRY_VOID(reader.finish());
    return spec;
}

Json serviceToJson(const ServiceSpec& spec) {
    JsonObject out{{"manage", nameOf(spec.manage)}};
    for (const auto& [key, text] : {std::pair{"data", &spec.data},
                                    {"bin", &spec.bin},
                                    {"unit", &spec.unit},
                                    {"version", &spec.version},
                                    {"socket", &spec.socket},
                                    {"config", &spec.config},
                                    {"superuser", &spec.superuser},
                                    {"run_as", &spec.runAs}})
        if (!text->empty()) out[key] = *text;
    return out;
}

std::map<std::string, std::string> readEnvironment(JsonReader& reader, std::string_view key) {
    std::map<std::string, std::string> out;
    for (auto& [name, text] : reader.stringMap(key)) {
        if (!isEnvironmentName(name))
            reader.problem(key, "has '" + name.substr(0, 60) + "', which is not a variable name");
        if (text.size() > limits::environmentValueBytes || text.find('\0') != std::string::npos)
            reader.problem(key, "has a value of '" + name + "' that is too long");
        out[name] = text;
    }
    if (out.size() > limits::environmentVariables) reader.problem(key, "has too many variables");
    return out;
}

std::vector<std::string> readVariableNames(JsonReader& reader, std::string_view key) {
    std::vector<std::string> names = reader.strings(key);
    if (names.size() > limits::environmentVariables) reader.problem(key, "has too many variables");
    for (const std::string& name : names)
        if (!isEnvironmentName(name))
            reader.problem(key, "has '" + name.substr(0, 60) + "', which is not a variable name");
    return names;
}

JsonObject environmentToJson(const std::map<std::string, std::string>& environment) {
    JsonObject out;
    for (const auto& [name, text] : environment) out[name] = text;
    return out;
}

}  // namespace swb
