#include "swing/format.h"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <optional>

namespace swb::swing {
namespace {

std::optional<int64_t> unixMilliseconds(std::string_view iso) {
    std::tm parts{};
    int milliseconds = 0;
    const std::string text(iso);
    const int read = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon,
                                 &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &milliseconds);
    if (read < 6) return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return static_cast<int64_t>(::timegm(&parts)) * 1000 + milliseconds;
}

std::string twoUnits(int64_t large, std::string_view largeUnit, int64_t small, std::string_view smallUnit) {
    if (small == 0) return fmt::format("{} {}", large, largeUnit);
    return fmt::format("{} {} {} {}", large, largeUnit, small, smallUnit);
}

bool continuesCharacter(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

std::string humanBytes(int64_t bytes) {
    constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string humanMilliseconds(int64_t milliseconds) {
    const int64_t seconds = milliseconds / 1000;
    if (milliseconds < 1000) return fmt::format("{} ms", milliseconds);
    if (seconds < 60 && milliseconds % 1000 == 0) return fmt::format("{} s", seconds);
    if (seconds < 60) return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
    if (seconds < 3600) return twoUnits(seconds / 60, "min", seconds % 60, "s");
    if (seconds < 86400) return twoUnits(seconds / 3600, "h", seconds / 60 % 60, "min");
    return twoUnits(seconds / 86400, "d", seconds / 3600 % 24, "h");
}

std::string shortTime(std::string_view iso) {
    if (iso.size() < 19) return iso.empty() ? "-" : printable(iso);
    std::string text = printable(iso.substr(0, 19));
    if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
    return text;
}

int64_t millisecondsBetween(std::string_view isoFrom, std::string_view isoTo) {
    const auto from = unixMilliseconds(isoFrom), to = unixMilliseconds(isoTo);
    return from && to && *to >= *from ? *to - *from : -1;
}

size_t textWidth(std::string_view text) {
    size_t width = 0;
    for (const char c : text) width += !continuesCharacter(c);
    return width;
}

std::string padded(std::string_view text, size_t width) {
    std::string out(text);
    if (const size_t has = textWidth(text); has < width) out.append(width - has, ' ');
    return out;
}

std::string clipped(std::string_view text, size_t width, bool unicode) {
    if (textWidth(text) <= width) return std::string(text);
    const std::string_view mark = unicode ? "…" : "...";
    const size_t keep = width > textWidth(mark) ? width - textWidth(mark) : 0;
    size_t end = 0, columns = 0;
    while (end < text.size()) {
        if (!continuesCharacter(text[end]) && columns++ == keep) break;
        ++end;
    }
    return std::string(text.substr(0, end)) + std::string(mark);
}

std::string printable(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080…U+009F, two bytes beginning with C2, are control characters of their own.
        const bool second = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (second) ++i;
        out += byte < 0x20 || byte == 0x7F || second ? ' ' : text[i];
    }
    return out;
}

std::string cell(const Json& object, std::string_view key) {
    const Json* value = memberAt(object, key);
    if (!value || value->is_null()) return "-";
    if (value->is_string()) return value->as_string().empty() ? "-" : printable(value->as_string());
    if (value->is_bool()) return value->as_bool() ? "yes" : "no";
    return printable(toText(*value));
}

std::string joinedCell(const Json& object, std::string_view key) {
    const Json* value = memberAt(object, key);
    if (!value || !value->is_array()) return cell(object, key);
    std::string out;
    for (const Json& item : value->as_array()) {
        if (!out.empty()) out += ", ";
        out += item.is_string() ? printable(item.as_string()) : printable(toText(item));
    }
    return out.empty() ? "-" : out;
}

}  // namespace swb::swing
