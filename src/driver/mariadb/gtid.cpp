#include "driver/mariadb/gtid.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace swb::driver::mariadb {

namespace {

constexpr size_t textBytesMax = 1 << 20;
constexpr size_t partsMax = 100'000;

tl::unexpected<Error> notReadable(std::string_view what) {
    return fail(ErrorCode::InvalidInput, "not a GTID position: " + std::string(what.substr(0, 60)));
}

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

// The parts between separators, trimmed; nothing for a blank text.
std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    if (trimmed(text).empty()) return parts;
    size_t at = 0;
    for (size_t end; (end = text.find(separator, at)) != std::string_view::npos && parts.size() < partsMax;
         at = end + 1)
        parts.push_back(trimmed(text.substr(at, end - at)));
    parts.push_back(trimmed(text.substr(at)));
    return parts;
}

template <typename Number>
std::optional<Number> numberOf(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

struct Gtid {
    uint32_t domain = 0, server = 0;
    uint64_t sequence = 0;
};

std::optional<Gtid> gtidOf(std::string_view text) {
    const auto parts = split(text, '-');
    if (parts.size() != 3) return std::nullopt;
    const auto domain = numberOf<uint32_t>(parts[0]), server = numberOf<uint32_t>(parts[1]);
    const auto sequence = numberOf<uint64_t>(parts[2]);
    if (!domain || !server || !sequence) return std::nullopt;
    return Gtid{*domain, *server, *sequence};
}

Result<std::vector<Gtid>> gtidsOf(std::string_view text) {
    if (text.size() > textBytesMax) return fail(ErrorCode::TooLarge, "a GTID position of over a mebibyte");
    std::vector<Gtid> list;
    for (const auto part : split(text, ',')) {
        const auto gtid = gtidOf(part);
        if (!gtid) return notReadable(part);
        list.push_back(*gtid);
    }
    return list;
}

Relation combined(bool here, bool there) {
    if (here && there) return Relation::diverged;
    if (here) return Relation::ahead;
    return there ? Relation::behind : Relation::equal;
}

// Sorted, and joined where they overlap or touch.
std::vector<GtidSet::Interval> normalised(std::vector<GtidSet::Interval> list) {
    std::sort(list.begin(), list.end());
    std::vector<GtidSet::Interval> joined;
    for (const auto& interval : list)
        if (!joined.empty() && (joined.back().second == UINT64_MAX || interval.first <= joined.back().second + 1))
            joined.back().second = std::max(joined.back().second, interval.second);
        else
            joined.push_back(interval);
    return joined;
}

// 8-4-4-4-12 hexadecimal digits.
bool isUuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
    }
    return true;
}

bool isTag(std::string_view text) {
    return !text.empty() && text.size() <= 32 && !std::isdigit(static_cast<unsigned char>(text.front())) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; });
}

std::string lowered(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

std::optional<GtidSet::Interval> intervalOf(std::string_view text) {
    const size_t dash = text.find('-');
    const auto first = numberOf<uint64_t>(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : numberOf<uint64_t>(text.substr(dash + 1));
    if (!first || !last || *first == 0 || *last < *first) return std::nullopt;
    return GtidSet::Interval{*first, *last};
}

}  // namespace

Result<GtidPosition> GtidPosition::parse(std::string_view text) {
    GtidPosition position;
    const std::vector<Gtid> gtids = TRY(gtidsOf(text));
    for (const Gtid& gtid : gtids)
        if (!position.last_.emplace(gtid.domain, Last{gtid.server, gtid.sequence}).second) return notReadable(text);
    return position;
}

std::string GtidPosition::text() const {
    std::string text;
    for (const auto& [domain, last] : last_)
        text += (text.empty() ? "" : ",") + std::to_string(domain) + "-" + std::to_string(last.server) + "-" +
                std::to_string(last.sequence);
    return text;
}

Relation GtidPosition::relationTo(const GtidPosition& other) const {
    bool here = false, there = false;
    for (const auto& [domain, last] : last_) {
        const auto match = other.last_.find(domain);
        if (match == other.last_.end() || last.sequence > match->second.sequence)
            here = true;
        else if (last.sequence < match->second.sequence)
            there = true;
        else if (last.server != match->second.server)
            return Relation::diverged;
    }
    for (const auto& domain : other.last_) there = there || last_.count(domain.first) == 0;
    return combined(here, there);
}

GtidPosition GtidPosition::joinedWith(const GtidPosition& other) const {
    GtidPosition joined = *this;
    for (const auto& [domain, last] : other.last_) {
        Last& mine = joined.last_[domain];
        if (last.sequence > mine.sequence) mine = last;
    }
    return joined;
}

Result<GtidState> GtidState::parse(std::string_view text) {
    GtidState state;
    const std::vector<Gtid> gtids = TRY(gtidsOf(text));
    for (const Gtid& gtid : gtids) {
        uint64_t& last = state.last_[{gtid.domain, gtid.server}];
        last = std::max(last, gtid.sequence);
    }
    return state;
}

std::vector<GtidState::Surplus> GtidState::beyond(const GtidState& other) const {
    std::vector<Surplus> surplus;
    for (const auto& [origin, last] : last_) {
        const auto match = other.last_.find(origin);
        const uint64_t known = match == other.last_.end() ? 0 : match->second;
        if (last > known) surplus.push_back({origin.first, origin.second, known + 1, last});
    }
    return surplus;
}

Result<std::string> logStateAt(std::string_view laterState, std::string_view position) {
    const GtidPosition end = TRY(GtidPosition::parse(position));
    const GtidState later = TRY(GtidState::parse(laterState));
    std::string text;
    for (const auto& [origin, last] : later.origins()) {
        const auto [domain, server] = origin;
        const auto match = end.domains().find(domain);
        if (match == end.domains().end() || server == match->second.server || last > match->second.sequence) continue;
        text += std::to_string(domain) + "-" + std::to_string(server) + "-" + std::to_string(last) + ",";
    }
    return text + end.text();
}

std::string text(const GtidState::Surplus& surplus) {
    const std::string first =
        std::to_string(surplus.domain) + "-" + std::to_string(surplus.server) + "-" + std::to_string(surplus.first);
    return surplus.first == surplus.last ? first : first + ".." + std::to_string(surplus.last);
}

Result<GtidSet> GtidSet::parse(std::string_view text) {
    if (text.size() > textBytesMax) return fail(ErrorCode::TooLarge, "a GTID set of over a mebibyte");
    std::map<std::string, std::vector<Interval>> read;
    for (const auto part : split(text, ',')) {
        if (part.empty()) continue;  // MySQL writes a line break after each comma, and permits empty parts
        const auto words = split(part, ':');
        if (words.size() < 2 || !isUuid(words[0])) return notReadable(part);
        std::string origin = lowered(words[0]);
        for (size_t i = 1; i < words.size(); ++i) {
            if (isTag(words[i])) {
                origin = lowered(words[0]) + ":" + lowered(words[i]);
                continue;
            }
            const auto interval = intervalOf(words[i]);
            if (!interval) return notReadable(part);
            read[origin].push_back(*interval);
        }
    }
    GtidSet set;
    for (auto& [origin, list] : read) set.intervals_[origin] = normalised(std::move(list));
    return set;
}

std::string GtidSet::text() const {
    std::string text;
    for (const auto& [origin, list] : intervals_) {
        text += (text.empty() ? "" : ",") + origin;
        for (const auto& [first, last] : list)
            text += ":" + std::to_string(first) + (first == last ? "" : "-" + std::to_string(last));
    }
    return text;
}

GtidSet GtidSet::without(const GtidSet& other) const {
    GtidSet rest;
    for (const auto& [origin, list] : intervals_) {
        const auto match = other.intervals_.find(origin);
        std::vector<Interval> left;
        for (Interval interval : list) {
            if (match != other.intervals_.end())
                for (const auto& [first, last] : match->second) {
                    if (last < interval.first) continue;
                    if (first > interval.second) break;
                    if (first > interval.first) left.emplace_back(interval.first, first - 1);
                    if (last >= interval.second) {
                        interval.first = 0;  // nothing of it is left; numbers begin at 1
                        break;
                    }
                    interval.first = last + 1;
                }
            if (interval.first != 0) left.push_back(interval);
        }
        if (!left.empty()) rest.intervals_[origin] = std::move(left);
    }
    return rest;
}

Relation GtidSet::relationTo(const GtidSet& other) const {
    return combined(!other.contains(*this), !contains(other));
}

}  // namespace swb::driver::mariadb
