#include "driver/redis/role_file.h"

#include <algorithm>
#include <charconv>

#include "driver/redis/config_text.h"

namespace swb::driver::redis {

namespace {

constexpr std::string_view startName = "replicaof";

}  // namespace

RoleFile RoleFile::parse(std::string_view text) {
    RoleFile file;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const auto words = wordsOf(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!words || words->size() < 2) continue;
        if ((*words)[0] == startName && words->size() == 3)
            file.start_ = {(*words)[1], (*words)[2]};
        else if ((*words)[0] != startName)
            file.set((*words)[0], (*words)[1]);
    }
    return file;
}

std::string RoleFile::text() const {
    std::string text =
        "# Written by Swingbridge, included last by the server's configuration file. Changes made here are lost.\n";
    for (const auto& [name, value] : settings_) text += lineOf({name, value}) + "\n";
    if (!start_.empty()) text += lineOf({std::string(startName), start_[0], start_[1]}) + "\n";
    return text;
}

std::optional<std::string> RoleFile::get(std::string_view name) const {
    for (const auto& [key, value] : settings_)
        if (key == name) return value;
    return std::nullopt;
}

void RoleFile::set(std::string_view name, std::string_view value) {
    for (auto& [key, former] : settings_)
        if (key == name) {
            former = value;
            return;
        }
    settings_.emplace_back(name, value);
}

void RoleFile::remove(std::string_view name) {
    std::erase_if(settings_, [&](const auto& setting) { return setting.first == name; });
}

RoleFile::Start RoleFile::start() const {
    if (start_.empty()) return Start::unsaid;
    if (start_[0] == "no" && start_[1] == "one") return Start::alone;
    return start_[0] == nowhereHost && start_[1] == std::to_string(nowherePort) ? Start::held : Start::following;
}

HostPort RoleFile::primary() const {
    if (start() != Start::following) return {};
    HostPort primary{start_[0], 0};
    std::from_chars(start_[1].data(), start_[1].data() + start_[1].size(), primary.port);
    return primary;
}

void RoleFile::startHeld() {
    start_ = {std::string(nowhereHost), std::to_string(nowherePort)};
}

}  // namespace swb::driver::redis
