// Keys and times for the tests of signing.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "dns/sign/set_signing.h"

namespace swb::dns::sign::test {

constexpr UnixSeconds now = 1'800'000'000;

inline Name name(std::string_view text) {
    auto result = Name::fromText(text);
    EXPECT_TRUE(result) << text;
    return result ? *result : Name();
}

inline std::string fromHex(std::string_view hex) {
    std::string octets;
    for (size_t at = 0; at + 1 < hex.size(); at += 2)
        octets += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
    return octets;
}

inline std::string fromBase64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string octets;
    uint32_t bits = 0;
    int count = 0;
    for (const char character : text) {
        if (character == '=') break;
        bits = bits << 6 | static_cast<uint32_t>(digits.find(character));
        count += 6;
        if (count < 8) continue;
        count -= 8;
        octets += static_cast<char>(bits >> count);
    }
    return octets;
}

inline std::string toBase64(std::string_view octets) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (size_t at = 0; at < octets.size(); at += 3) {
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (at + i < octets.size() ? static_cast<uint8_t>(octets[at + i]) : 0u);
        for (size_t i = 0; i < 4; ++i) text += at + i > octets.size() ? '=' : digits[bits >> (18 - 6 * i) & 63];
    }
    return text;
}

struct Directory {
    Directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "swb-sign-XXXXXX").string();
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        path = pattern;
    }
    ~Directory() { std::filesystem::remove_all(path); }
    Directory(const Directory&) = delete;
    std::string path;
};

template <typename T>
T valueOf(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : describe(result.error()));
    return std::move(*result);
}

inline RecordSet recordSet(uint16_t type, std::vector<std::string> texts, uint32_t ttlSeconds = 3600) {
    RecordSet set{type, ttlSeconds, {}, {}};
    for (const std::string& text : texts) set.records.push_back(valueOf(rdataFromText(type, text)));
    return set;
}

}  // namespace swb::dns::sign::test
