#include "driver/redis/config_text.h"

#include <algorithm>
#include <cctype>

namespace swb::driver::redis {

namespace {

bool isSpace(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0 || c == '\0';
}

bool sameName(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

int hexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::vector<std::string_view> linesOf(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return text;
}

std::vector<std::string> copyOf(const std::vector<std::string_view>& lines) {
    return {lines.begin(), lines.end()};
}

bool isLineOf(std::string_view line, std::string_view first, std::string_view second) {
    const auto words = wordsOf(line);
    return words && words->size() >= 2 && sameName((*words)[0], first) && (*words)[1] == second;
}

// Our include must stay the last line that says anything; without one, the end.
std::vector<std::string>::iterator beforeFinalInclude(std::vector<std::string>& lines) {
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        const auto words = wordsOf(*line);
        if (words && words->empty()) continue;
        if (words && words->size() == 2 && sameName(words->front(), "include")) return std::prev(line.base());
        break;
    }
    return lines.end();
}

// Where a quoted part of a word ends; takes its text. npos: it does not end.
size_t takeDoubleQuoted(std::string_view line, size_t at, std::string& word) {
    for (; at < line.size(); ++at) {
        if (line[at] == '"') return at + 1;
        if (line[at] != '\\' || at + 1 >= line.size()) {
            word += line[at];
            continue;
        }
        if (line[at + 1] == 'x' && at + 3 < line.size() && hexDigit(line[at + 2]) >= 0 && hexDigit(line[at + 3]) >= 0) {
            word += static_cast<char>(hexDigit(line[at + 2]) * 16 + hexDigit(line[at + 3]));
            at += 3;
            continue;
        }
        constexpr std::string_view named = "nrtba", meant = "\n\r\t\b\a";
        const size_t which = named.find(line[++at]);
        word += which == std::string_view::npos ? line[at] : meant[which];
    }
    return std::string_view::npos;
}

size_t takeSingleQuoted(std::string_view line, size_t at, std::string& word) {
    for (; at < line.size(); ++at) {
        if (line[at] == '\'') return at + 1;
        if (line[at] == '\\' && at + 1 < line.size() && line[at + 1] == '\'') ++at;
        word += line[at];
    }
    return std::string_view::npos;
}

}  // namespace

std::optional<std::vector<std::string>> wordsOf(std::string_view line) {
    std::vector<std::string> words;
    size_t at = 0;
    for (;;) {
        while (at < line.size() && isSpace(line[at])) ++at;
        if (at == line.size() || (words.empty() && line[at] == '#')) return words;
        std::string word;
        while (at < line.size() && !isSpace(line[at])) {
            const char c = line[at];
            if (c != '"' && c != '\'') {
                word += c;
                ++at;
                continue;
            }
            at = c == '"' ? takeDoubleQuoted(line, at + 1, word) : takeSingleQuoted(line, at + 1, word);
            // A closing quote must be followed by a space or nothing.
            if (at == std::string_view::npos || (at < line.size() && !isSpace(line[at]))) return std::nullopt;
        }
        words.push_back(std::move(word));
    }
}

std::string quotedWord(std::string_view word) {
    const bool plain = !word.empty() && word.front() != '#' && std::all_of(word.begin(), word.end(), [](char c) {
        return std::isgraph(static_cast<unsigned char>(c)) != 0 && c != '"' && c != '\'' && c != '\\';
    });
    if (plain) return std::string(word);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string quoted = "\"";
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (std::isprint(byte) != 0) {
            quoted += c;
        } else {
            quoted += "\\x";
            quoted += digits[byte >> 4];
            quoted += digits[byte & 15];
        }
    }
    return quoted + "\"";
}

std::string lineOf(const std::vector<std::string>& words) {
    std::string line;
    for (const auto& word : words) line += (line.empty() ? "" : " ") + quotedWord(word);
    return line;
}

std::optional<std::vector<std::string>> lastSetting(std::string_view text, std::string_view name) {
    std::optional<std::vector<std::string>> found;
    for (const auto line : linesOf(text)) {
        auto words = wordsOf(line);
        if (!words || words->empty() || !sameName(words->front(), name)) continue;
        words->erase(words->begin());
        found = std::move(words);
    }
    return found;
}

bool endsWithInclude(std::string_view text, std::string_view path) {
    const auto lines = linesOf(text);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        const auto words = wordsOf(*line);
        if (words && words->empty()) continue;
        return isLineOf(*line, "include", path);
    }
    return false;
}

std::string withIncludeLast(std::string_view text, std::string_view path) {
    if (endsWithInclude(text, path)) return std::string(text);
    auto lines = copyOf(linesOf(text));
    std::erase_if(lines, [&](const std::string& line) { return isLineOf(line, "include", path); });
    lines.push_back(lineOf({"include", std::string(path)}));
    return joined(lines);
}

std::string withUser(std::string_view text, std::string_view user, const std::optional<std::string>& rules) {
    auto lines = copyOf(linesOf(text));
    const auto isOurs = [&](const std::string& line) { return isLineOf(line, "user", user); };
    const auto first = std::find_if(lines.begin(), lines.end(), isOurs);
    const std::string wanted = rules ? "user " + quotedWord(user) + " " + *rules : std::string();
    if (first == lines.end()) {
        if (!rules) return std::string(text);
        lines.insert(beforeFinalInclude(lines), wanted);
        return joined(lines);
    }
    if (rules) *first = wanted;
    lines.erase(std::remove_if(rules ? std::next(first) : first, lines.end(), isOurs), lines.end());
    return joined(lines);
}

std::optional<std::vector<std::string>> userRules(std::string_view text, std::string_view user) {
    std::optional<std::vector<std::string>> found;
    for (const auto line : linesOf(text)) {
        if (!isLineOf(line, "user", user)) continue;
        auto words = *wordsOf(line);
        words.erase(words.begin(), words.begin() + 2);
        found = std::move(words);
    }
    return found;
}

}  // namespace swb::driver::redis
