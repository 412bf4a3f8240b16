#include "dns/sign/nsec.h"

#include <algorithm>
#include <array>

namespace swb::dns::sign {
namespace {

constexpr size_t windowTypes = 256;

}  // namespace

Rdata nsecData(NameView next, std::vector<uint16_t> types) {
    std::sort(types.begin(), types.end());
    Rdata data(next.wire());
    for (size_t at = 0; at < types.size();) {
        const uint16_t window = types[at] / windowTypes;
        std::array<uint8_t, windowTypes / 8> bits{};
        size_t used = 0;
        for (; at < types.size() && types[at] / windowTypes == window; ++at) {
            const size_t bit = types[at] % windowTypes;
            bits[bit / 8] |= static_cast<uint8_t>(0x80 >> bit % 8);
            used = bit / 8 + 1;
        }
        data += static_cast<char>(window);
        data += static_cast<char>(used);
        data.append(reinterpret_cast<const char*>(bits.data()), used);
    }
    return data;
}

NameView nextInNsec(const Rdata& nsec) {
    size_t end = 0;
    while (nsec[end] != 0) end += 1 + static_cast<uint8_t>(nsec[end]);
    return NameView(std::string_view(nsec).substr(0, end + 1));
}

std::vector<uint16_t> typesInNsec(const Rdata& nsec) {
    std::vector<uint16_t> types;
    for (size_t at = nextInNsec(nsec).size(); at + 2 <= nsec.size();) {
        const auto window = static_cast<uint8_t>(nsec[at]);
        const size_t used = static_cast<uint8_t>(nsec[at + 1]);
        at += 2;
        for (size_t bit = 0; bit < used * 8 && at + bit / 8 < nsec.size(); ++bit)
            if (static_cast<uint8_t>(nsec[at + bit / 8]) & 0x80 >> bit % 8)
                types.push_back(static_cast<uint16_t>(window * windowTypes + bit));
        at += used;
    }
    return types;
}

}  // namespace swb::dns::sign
