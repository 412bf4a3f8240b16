#include "driver/postgresql/hba_block.h"

#include <arpa/inet.h>

#include <cctype>

namespace swb::driver::postgresql {

namespace {

constexpr std::string_view beginLine = "# swingbridge: begin (kept by swing-agent; edit below the end of this block)";
constexpr std::string_view endLine = "# swingbridge: end";
constexpr std::string_view slotPrefix = "# for ";

bool startsWith(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

std::string_view takeLine(std::string_view& text) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

// The block is recognised only as a whole, at the top: half of one (somebody edited it) is left alone as comments.
bool takeBlock(std::string_view& text, std::string_view& block) {
    std::string_view rest = text;
    if (takeLine(rest) != beginLine) return false;
    const char* start = rest.data();
    while (!rest.empty()) {
        const char* lineStart = rest.data();
        if (takeLine(rest) != endLine) continue;
        block = std::string_view(start, static_cast<size_t>(lineStart - start));
        text = rest;
        return true;
    }
    return false;
}

std::string oneLine(std::string_view text) {
    std::string line(text);
    for (char& c : line)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    return line;
}

}  // namespace

std::vector<HbaEntry> hbaEntries(std::string_view text) {
    std::vector<HbaEntry> entries;
    std::string_view block;
    if (!takeBlock(text, block)) return entries;
    std::string slot;
    while (!block.empty()) {
        const std::string_view line = takeLine(block);
        if (startsWith(line, slotPrefix)) {
            slot = line.substr(slotPrefix.size());
        } else if (!line.empty() && line.front() != '#') {
            entries.push_back({slot, std::string(line)});
        }
    }
    return entries;
}

std::string withHbaEntries(std::string_view text, const std::vector<HbaEntry>& entries) {
    std::string_view block;
    while (takeBlock(text, block)) {
    }
    std::string result;
    if (!entries.empty()) {
        result.append(beginLine) += '\n';
        for (const auto& entry : entries) {
            result.append(slotPrefix).append(oneLine(entry.slot)) += '\n';
            result.append(oneLine(entry.line)) += '\n';
        }
        result.append(endLine) += '\n';
    }
    return result.append(text);
}

std::string hbaAddress(std::string_view host) {
    const std::string text(host);
    in_addr four{};
    in6_addr six{};
    if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return startsWith(text, "127.") ? "127.0.0.0/8" : text + "/32";
    if (::inet_pton(AF_INET6, text.c_str(), &six) == 1) return text + "/128";
    return text;
}

}  // namespace swb::driver::postgresql
