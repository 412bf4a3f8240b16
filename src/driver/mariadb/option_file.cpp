#include "driver/mariadb/option_file.h"

#include <algorithm>

namespace swb::driver::mariadb {

namespace {

constexpr std::string_view blockBegin = "# Swingbridge: what follows is read last. Do not edit.\n";
constexpr std::string_view blockEnd = "# Swingbridge: end.\n";

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

// An option file cannot hold a line break in a value.
std::string oneLine(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return std::string(trimmed(line));
}

}  // namespace

Options optionsOf(std::string_view text) {
    Options options;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = trimmed(text.substr(at, end - at));
        at = end + 1;
        const size_t equals = line.find('=');
        if (line.empty() || line.front() == '#' || line.front() == '[' || equals == std::string_view::npos) continue;
        setOption(options, trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
    }
    return options;
}

std::string optionText(const Options& options) {
    std::string text = "# Written by Swingbridge.\n[mysqld]\n";
    for (const auto& [name, value] : options) text += name + " = " + oneLine(value) + "\n";
    return text;
}

std::optional<std::string> optionIn(const Options& options, std::string_view name) {
    for (const auto& [present, value] : options)
        if (present == name) return value;
    return std::nullopt;
}

void setOption(Options& options, std::string_view name, std::string_view value) {
    for (auto& [present, former] : options)
        if (present == name) {
            former = value;
            return;
        }
    options.emplace_back(name, value);
}

std::string withInclude(std::string_view text, std::string_view path) {
    std::string result(text);
    for (size_t begin; (begin = result.find(blockBegin)) != std::string::npos;) {
        const size_t end = result.find(blockEnd, begin);
        // A block that lost its end had one line.
        size_t after = end == std::string::npos ? result.find('\n', begin + blockBegin.size()) : end + blockEnd.size();
        if (end == std::string::npos && after != std::string::npos) ++after;
        result.erase(begin, std::min(after, result.size()) - begin);
    }
    if (path.empty()) return result;
    if (!result.empty() && result.back() != '\n') result += '\n';
    return result + std::string(blockBegin) + "!include " + oneLine(path) + "\n" + std::string(blockEnd);
}

bool includes(std::string_view text, std::string_view path) {
    return text.find(std::string(blockBegin) + "!include " + oneLine(path) + "\n") != std::string_view::npos;
}

}  // namespace swb::driver::mariadb
