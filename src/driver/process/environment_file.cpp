#include "driver/process/environment_file.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/limits.h"
#include "crypto/digest.h"

namespace swb::driver {
namespace {

bool isPlain(std::string_view value) {
    return std::all_of(value.begin(), value.end(), [](unsigned char c) {
        return std::isalnum(c) || std::string_view("_-+./:,@%=").find(static_cast<char>(c)) != std::string_view::npos;
    });
}

std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
        // Inside double quotes systemd takes a backslash before these four only.
        if (c == '"' || c == '\\' || c == '$' || c == '`') out += '\\';
        out += c;
    }
    return out + "\"";
}

bool isVariableName(std::string_view name) {
    return !name.empty() && name.size() <= 128 && !std::isdigit(static_cast<unsigned char>(name.front())) &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

}  // namespace

std::string renderEnvironmentFile(const Environment& environment) {
    std::string text;
    for (const auto& [name, value] : environment) text += name + "=" + (isPlain(value) ? value : quoted(value)) + "\n";
    return text;
}

Environment processEnvironment(const Environment& application, const Environment& own,
                               const std::string& environmentFile) {
    Environment all = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/"}, {"LANG", "C.UTF-8"}};
    for (const char* kept : {"PATH", "HOME", "LANG"})
        if (const char* value = ::getenv(kept)) all[kept] = value;
    for (const auto& [name, value] : application) all[name] = value;
    for (const auto& [name, value] : own) all[name] = value;
    all["SWINGBRIDGE_ENVIRONMENT_FILE"] = environmentFile;
    return all;
}

Result<void> checkEnvironment(const Environment& environment) {
    for (const auto& [name, value] : environment) {
        if (!isVariableName(name))
            return fail(ErrorCode::InvalidDefinition, "'" + name.substr(0, 60) + "' is not the name of a variable",
                        "use letters, digits and '_', beginning with a letter");
        if (value.find('\0') != std::string::npos || value.size() > limits::environmentValueBytes)
            return fail(ErrorCode::InvalidDefinition, "the value of " + name + " is too long or holds a NUL");
    }
    return {};
}

std::string environmentHash(const Environment& environment) {
    std::string text;
    for (const auto& [name, value] : environment) {
        text += name + '=' + value;
        text += '\0';  // in no value
    }
    return crypto::sha256Hex(text);
}

}  // namespace swb::driver
