// Tables between enum values and the words that stand for them in files and messages.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/json.h"

namespace swb {

template <typename Enum, size_t N>
using NameTable = std::array<std::pair<std::string_view, Enum>, N>;

template <typename Enum, size_t N>
constexpr std::string_view nameIn(const NameTable<Enum, N>& table, Enum value) {
    for (const auto& [name, candidate] : table)
        if (candidate == value) return name;
    return "?";
}

template <typename Enum, size_t N>
std::optional<Enum> valueIn(const NameTable<Enum, N>& table, std::string_view name) {
    for (const auto& [candidate, value] : table)
        if (candidate == name) return value;
    return std::nullopt;
}

template <typename Enum, size_t N>
Enum readEnum(JsonReader& reader, std::string_view key, const NameTable<Enum, N>& table, Enum fallback) {
    const std::string text = reader.string(key, nameIn(table, fallback));
    if (auto value = valueIn(table, text)) return *value;
    std::string words;
    for (const auto& [name, value] : table) words += (words.empty() ? "" : ", ") + std::string(name);
    reader.problem(key, "must be one of " + words);
    return fallback;
}

}  // namespace swb
