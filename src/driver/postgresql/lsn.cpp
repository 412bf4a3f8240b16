#include "driver/postgresql/lsn.h"

#include <fmt/format.h>

#include <charconv>

namespace swb::driver::postgresql {

namespace {

std::optional<uint32_t> parseHalf(std::string_view text) {
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size() || text.size() > 8) return std::nullopt;
    return value;
}

}  // namespace

std::optional<Lsn> parseLsn(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto high = parseHalf(text.substr(0, slash)), low = parseHalf(text.substr(slash + 1));
    if (!high || !low) return std::nullopt;
    return static_cast<Lsn>(*high) << 32 | *low;
}

std::string lsnText(Lsn position) {
    return fmt::format("{:X}/{:X}", position >> 32, position & 0xFFFFFFFF);
}

}  // namespace swb::driver::postgresql
