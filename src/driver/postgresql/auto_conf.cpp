#include "driver/postgresql/auto_conf.h"

#include <cctype>
#include <vector>

namespace swb::driver::postgresql {

namespace {

bool isNameCharacter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '.' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool isSpace(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

std::string_view skipSpaces(std::string_view text) {
    while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
    return text;
}

// Takes the setting's name off the line; empty for comments, blank lines and garbage.
std::string_view takeName(std::string_view& line) {
    line = skipSpaces(line);
    size_t length = 0;
    while (length < line.size() && isNameCharacter(line[length])) ++length;
    const std::string_view name = line.substr(0, length);
    line.remove_prefix(length);
    return name;
}

bool sameName(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    for (size_t i = 0; i < left.size(); ++i)
        if (std::tolower(static_cast<unsigned char>(left[i])) != std::tolower(static_cast<unsigned char>(right[i])))
            return false;
    return true;
}

// What a backslash and the characters after it stand for; advances past them.
char unescape(std::string_view text, size_t& at) {
    switch (text[at]) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            break;
    }
    unsigned value = 0;
    size_t digits = 0;
    while (digits < 3 && at + digits < text.size() && text[at + digits] >= '0' && text[at + digits] <= '7')
        value = value * 8 + static_cast<unsigned>(text[at + digits++] - '0');
    if (digits == 0) return text[at];
    at += digits - 1;
    return static_cast<char>(value & 0xFF);
}

std::string quotedValue(std::string_view text) {
    std::string value;
    for (size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '\'') {
            if (at + 1 >= text.size() || text[at + 1] != '\'') break;
            ++at;
            value += '\'';
        } else if (text[at] == '\\' && at + 1 < text.size()) {
            ++at;
            value += unescape(text, at);
        } else {
            value += text[at];
        }
    }
    return value;
}

std::string valueOf(std::string_view line) {
    line = skipSpaces(line);
    if (!line.empty() && line.front() == '=') line = skipSpaces(line.substr(1));
    if (!line.empty() && line.front() == '\'') return quotedValue(line);
    size_t length = 0;
    while (length < line.size() && !isSpace(line[length]) && line[length] != '#') ++length;
    return std::string(line.substr(0, length));
}

template <typename Visit>
void forEachLine(std::string_view text, Visit visit) {
    while (!text.empty()) {
        const size_t end = text.find('\n');
        visit(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

std::string quoted(std::string_view value) {
    std::string text = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') text += c;
        text += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return text + "'";
}

}  // namespace

std::optional<std::string> autoConfValue(std::string_view text, std::string_view name) {
    std::optional<std::string> value;
    forEachLine(text, [&](std::string_view line) {
        if (sameName(takeName(line), name)) value = valueOf(line);
    });
    return value;
}

std::string withAutoConfValue(std::string_view text, std::string_view name, const std::optional<std::string>& value) {
    std::string result;
    forEachLine(text, [&](std::string_view line) {
        std::string_view rest = line;
        if (sameName(takeName(rest), name)) return;
        result.append(line);
        result += '\n';
    });
    if (value) result.append(name).append(" = ").append(quoted(*value)) += '\n';
    return result;
}

}  // namespace swb::driver::postgresql
