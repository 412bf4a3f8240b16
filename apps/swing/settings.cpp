#include "swing/settings.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "model/yaml.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

constexpr size_t settingBytesMax = 64 << 10;  // configuration, token and CA files are small

struct FileSettings {
    std::string url, tokenFile, ca, caPin;
};

// "~/x" is at home; what is not absolute lies beside the configuration file.
std::string placed(const std::string& path, const std::string& home, const std::filesystem::path& directory) {
    if (path.starts_with("~/")) return home + path.substr(1);
    return path.empty() || path.front() == '/' ? path : (directory / path).string();
}

std::string trimmed(std::string text) {
    const auto isSpace = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && isSpace(text.back())) text.pop_back();
    text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), isSpace));
    return text;
}

Result<FileSettings> readConfiguration(const Surroundings& surroundings) {
    const std::string home = surroundings.variable("HOME");
    std::string base = surroundings.variable("XDG_CONFIG_HOME");
    if (base.empty()) base = home.empty() ? "" : home + "/.config";
    if (base.empty()) return FileSettings{};
    const std::filesystem::path path = std::filesystem::path(base) / "swingbridge" / "swing.yaml";
    if (!fileExists(path)) return FileSettings{};
    const std::string text = TRY(readFile(path, settingBytesMax));
    if (trimmed(text).empty()) return FileSettings{};
    const auto located = [&path](Error error) { return fail(error.within(path.string())); };
    auto document = parseYaml(text, settingBytesMax);
    if (!document) return located(document.error());
    if (document->value.is_null()) return FileSettings{};
    JsonReader reader(document->value);
    FileSettings settings;
    settings.url = reader.string("url", "");
    settings.tokenFile = placed(reader.string("token_file", ""), home, path.parent_path());
    settings.ca = placed(reader.string("ca", ""), home, path.parent_path());
    settings.caPin = reader.string("ca_pin", "");
    if (auto finished = reader.finish(); !finished) return located(document->placed(finished.error()));
    return settings;
}

// A token goes into a header: anything but visible ASCII would be garbage, or another header.
Result<Secret> checkedToken(const std::string& text, std::string_view source) {
    const std::string token = trimmed(text);
    const bool fits = !token.empty() && token.size() <= 1024 &&
                      std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    if (!fits)
        return fail(ErrorCode::InvalidInput, "there is no token in " + std::string(source),
                    "one line with the token alone is expected");
    return Secret(token);
}

Result<Secret> tokenFromFile(const std::string& path) {
    return checkedToken(TRY(readFile(path, settingBytesMax)), path);
}

Result<Secret> resolveToken(const ConnectionFlags& flags, const Surroundings& surroundings, const FileSettings& file) {
    if (flags.token) {
        if (*flags.token == "-") return checkedToken(TRY(surroundings.standardInput()), "stdin");
        if (flags.token->starts_with("@")) return tokenFromFile(flags.token->substr(1));
        return checkedToken(*flags.token, "--token");
    }
    if (const std::string token = surroundings.variable("SWING_TOKEN"); !token.empty())
        return checkedToken(token, "SWING_TOKEN");
    if (const std::string path = surroundings.variable("SWING_TOKEN_FILE"); !path.empty()) return tokenFromFile(path);
    if (!file.tokenFile.empty()) return tokenFromFile(file.tokenFile);
    return Secret();
}

Result<std::string> checkedUrl(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    if (url.empty())
        return fail(ErrorCode::InvalidInput, "the controller's address is not known",
                    "give --url https://HOST:PORT, set SWING_URL, or write url: into ~/.config/swingbridge/swing.yaml");
    const std::string host = url.starts_with("https://") ? url.substr(8) : "";
    if (host.empty() || host.find_first_of("/?#@ \t\r\n") != std::string::npos)
        return fail(ErrorCode::InvalidInput, "the controller's address must look like https://HOST:PORT, not " + url,
                    "the token never travels unencrypted, and the API is at the root");
    return url;
}

Result<std::string> checkedPin(const std::string& pin) {
    const bool fits = pin.size() == 64 && pin.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!fits)
        return fail(ErrorCode::InvalidInput, "a CA pin is the 64 hex digits of the authority's SHA-256 fingerprint",
                    "swingd prints it at `swingd init`");
    std::string lower = pin;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower;
}

Result<std::string> readAuthority(const std::string& path) {
    std::string pem = TRY(readFile(path, settingBytesMax));
    if (pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
        return fail(ErrorCode::InvalidInput, path + " holds no certificate in PEM",
                    "it is the controller's ca.pem that is wanted");
    return pem;
}

// Trust is one setting: a pin or a file given nearer wins over both given farther away.
Result<void> resolveTrust(const ConnectionFlags& flags, const Surroundings& surroundings, const FileSettings& file,
                          ConnectionSettings& settings) {
    struct Level {
        std::string ca, pin;
    };
    const Level levels[] = {{flags.ca.value_or(""), flags.caPin.value_or("")},
                            {surroundings.variable("SWING_CA"), surroundings.variable("SWING_CA_PIN")},
                            {file.ca, file.caPin}};
    for (const Level& level : levels) {
        if (level.ca.empty() && level.pin.empty()) continue;
        if (!level.ca.empty()) settings.caPem = TRY(readAuthority(level.ca));
        if (!level.pin.empty()) settings.caPin = TRY(checkedPin(level.pin));
        break;
    }
    return {};
}

}  // namespace

Surroundings realSurroundings() {
    return {[](const char* name) {
                const char* value = std::getenv(name);
                return std::string(value ? value : "");
            },
            [] { return readStandardInput(settingBytesMax); }};
}

Result<ConnectionSettings> resolveSettings(const ConnectionFlags& flags, const Surroundings& surroundings) {
    const FileSettings file = TRY(readConfiguration(surroundings));
    ConnectionSettings settings;
    std::string url = flags.url.value_or(surroundings.variable("SWING_URL"));
    settings.url = TRY(checkedUrl(trimmed(url.empty() ? file.url : url)));
    settings.token = TRY(resolveToken(flags, surroundings, file));
    TRY_VOID(resolveTrust(flags, surroundings, file, settings));
    return settings;
}

}  // namespace swb::swing
