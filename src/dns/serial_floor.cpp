#include "dns/serial_floor.h"

#include <unistd.h>

#include <charconv>

#include "base/file.h"
#include "base/log.h"
#include "dns/serial.h"

namespace swb::dns {
namespace {

// A zone that changed more often in its first hour is covered too.
constexpr uint32_t marginSeconds = 3600;

std::optional<uint32_t> parse(std::string_view text) {
    if (!text.ends_with('\n')) return {};
    text.remove_suffix(1);
    uint32_t serial = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), serial);
    if (problem != std::errc() || end != text.data() + text.size()) return {};
    return serial;
}

}  // namespace

uint32_t serialWithoutPast(const Clock& clock) {
    return static_cast<uint32_t>(clock.now() / 1000);
}

void SerialFloor::load() {
    if (!fileExists(path_)) return;
    const auto text = readFile(path_, 64);
    floor_ = text ? parse(*text) : std::nullopt;
    if (!floor_) raise();
}

void SerialFloor::raise(uint32_t least) {
    uint32_t floor = serialWithoutPast(SystemClock()) + marginSeconds;
    for (const uint32_t known : {least, floor_.value_or(0)})
        if (known != 0 && isNewerSerial(known, floor)) floor = known;
    floor_ = floor;
    if (const auto written = writeFileAtomically(path_, std::to_string(*floor_) + "\n"); !written)
        logError("dns", "that changes of the zone were lost is forgotten at a restart: {}", describe(written.error()));
}

void SerialFloor::reached(uint32_t serial) {
    if (!floor_ || isNewerSerial(*floor_, serial)) return;
    floor_.reset();
    // One that stays is found at the next start, when the zone is past it.
    if (::unlink(path_.c_str()) != 0) logWarning("dns", "{} cannot be removed", path_);
}

}  // namespace swb::dns
