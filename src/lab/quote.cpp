#include "lab/quote.h"

#include <fmt/format.h>

namespace swb::lab {
namespace {

// In single quotes; `escape` is what stands for one of them.
std::string quoted(std::string_view text, std::string_view escape) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string(escape) : std::string(1, c);
    return out + "'";
}

}  // namespace

std::string yamlWord(std::string_view text) {
    return quoted(text, "''");
}

std::string shellWord(std::string_view text) {
    return quoted(text, "'\\''");
}

std::string libpqValue(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::string urlPart(std::string_view text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    std::string out;
    for (const char c : text)
        out += plain.find(c) != std::string_view::npos ? std::string(1, c)
                                                       : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return out;
}

}  // namespace swb::lab
