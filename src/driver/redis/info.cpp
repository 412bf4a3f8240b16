#include "driver/redis/info.h"

#include <algorithm>
#include <charconv>

namespace swb::driver::redis {

namespace {

int64_t leadingInteger(std::string_view text, int64_t fallback) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? value : fallback;
}

// "ip=10.0.0.5,port=7001,…": the value of one name; empty when absent.
std::string_view member(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        const std::string_view pair = list.substr(0, comma);
        const size_t equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return {};
}

// prefix and a number, nothing else: slave0, db12.
bool isNumbered(std::string_view name, std::string_view prefix) {
    if (name.size() <= prefix.size() || name.substr(0, prefix.size()) != prefix) return false;
    const std::string_view number = name.substr(prefix.size());
    return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Info Info::parse(std::string_view text) {
    Info info;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        const size_t colon = line.find(':');
        if (line.empty() || line.front() == '#' || colon == std::string_view::npos) continue;
        info.values_.insert_or_assign(std::string(line.substr(0, colon)), std::string(line.substr(colon + 1)));
    }
    return info;
}

std::string Info::text(std::string_view name, std::string_view fallback) const {
    const auto found = values_.find(name);
    return found != values_.end() ? found->second : std::string(fallback);
}

int64_t Info::integer(std::string_view name, int64_t fallback) const {
    const auto found = values_.find(name);
    return found != values_.end() ? leadingInteger(found->second, fallback) : fallback;
}

std::vector<Info::Replica> Info::replicas() const {
    std::vector<Replica> replicas;
    for (const auto& [name, value] : values_) {
        if (!isNumbered(name, "slave")) continue;
        const int64_t port = leadingInteger(member(value, "port"), 0);
        replicas.push_back({std::string(member(value, "ip")),
                            static_cast<uint16_t>(port > 0 && port <= UINT16_MAX ? port : 0),
                            std::string(member(value, "state")), leadingInteger(member(value, "offset"), 0),
                            leadingInteger(member(value, "lag"), 0)});
    }
    return replicas;
}

int64_t Info::keys() const {
    int64_t keys = 0;
    for (const auto& [name, value] : values_) {
        if (!isNumbered(name, "db")) continue;
        const int64_t here = leadingInteger(member(value, "keys"), 0);
        if (here > 0 && keys <= INT64_MAX - here) keys += here;
    }
    return keys;
}

bool isReplicationId(std::string_view text) {
    constexpr size_t digits = 40;
    return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

}  // namespace swb::driver::redis
