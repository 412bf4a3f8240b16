#include "health/link_facts.h"

#include <charconv>
#include <map>

namespace swb::health {
namespace {

template <typename Integer>
bool readNumber(std::string_view text, Integer& out, int base = 10) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return problem == std::errc() && end == text.data() + text.size();
}

// "16/B374D848"
std::optional<LogPosition> parseLsn(const std::string& identity, std::string_view text) {
    const size_t slash = text.find('/');
    uint32_t high = 0, low = 0;
    if (slash == std::string_view::npos || !readNumber(text.substr(0, slash), high, 16) ||
        !readNumber(text.substr(slash + 1), low, 16))
        return std::nullopt;
    return LogPosition{identity, 0, static_cast<int64_t>((uint64_t{high} << 32) | low)};
}

// "8371445ee…:18230"
std::optional<LogPosition> parseOffset(std::string_view text) {
    const size_t colon = text.rfind(':');
    int64_t offset = 0;
    if (colon == std::string_view::npos || !readNumber(text.substr(colon + 1), offset) || offset < 0)
        return std::nullopt;
    return LogPosition{std::string(text.substr(0, colon)), 0, offset};
}

// {file: "binlog.000017", position: 342}: the files of one log differ in their number only.
std::optional<LogPosition> parseLogPlace(const Json* place) {
    if (!place || !place->is_object()) return std::nullopt;
    const std::string file = textAt(*place, "file");
    const size_t dot = file.rfind('.');
    int64_t number = 0;
    if (dot == std::string::npos || !readNumber(std::string_view(file).substr(dot + 1), number)) return std::nullopt;
    return LogPosition{file.substr(0, dot), number, integerAt(*place, "position")};
}

std::optional<double> numberAt(const Json& value, std::string_view key) {
    const Json* found = memberAt(value, key);
    if (!found || !found->is_number()) return std::nullopt;
    return found->to_number<double>();
}

Receiver receiverOf(const Json& facts) {
    const std::string status = textAt(facts, "receiverStatus");
    if (status == "streaming") return Receiver::streaming;
    if (status == "copying") return Receiver::copying;
    if (status == "stopped") return Receiver::stopped;
    // MariaDB's "receiving": it arrives, but is not applied.
    if (status == "receiving") return Receiver::streaming;
    return status.empty() ? Receiver::absent : Receiver::connecting;
}

std::optional<SeenReplica> replicaIn(const Json& facts, std::string_view slot) {
    const Json* rows = memberAt(facts, "replicas");
    if (!rows || !rows->is_array()) return std::nullopt;
    std::optional<SeenReplica> found;
    for (const Json& row : rows->get_array()) {
        if (textAt(row, "application") != slot) continue;
        SeenReplica seen{textAt(row, "state"), std::nullopt, numberAt(row, "lagSeconds")};
        if (const auto bytes = numberAt(row, "lagBytes"); bytes && !textAt(row, "replayPosition").empty())
            seen.bytes = static_cast<int64_t>(*bytes);
        // An old connection may linger beside the one that streams.
        if (!found || seen.state == "streaming") found = seen;
    }
    return found;
}

bool isSlotLost(const Json& facts, std::string_view slot) {
    const Json* slots = memberAt(facts, "slots");
    if (!slots || !slots->is_array()) return false;
    for (const Json& row : slots->get_array())
        if (textAt(row, "name") == slot) return textAt(row, "walStatus") == "lost";
    return false;
}

void readLog(const Json& facts, SideFacts& side) {
    const bool isReplica = side.role == "replica";
    const Json* log = memberAt(facts, "log");
    side.position = parseLogPlace(isReplica ? memberAt(facts, "appliedLog") : log);
    side.logEnd = parseLogPlace(log);
    const Json* sizes = log ? memberAt(*log, "sizes") : nullptr;
    const auto end = parseLogPlace(log);
    if (!sizes || !sizes->is_array() || !end) return;
    int64_t number = end->file - static_cast<int64_t>(sizes->get_array().size()) + 1;
    for (const Json& size : sizes->get_array())
        side.files.emplace_back(number++, size.is_int64() ? size.get_int64() : 0);
}

// "0-1-5,0-2-7" → by domain and server.
std::map<std::pair<int64_t, int64_t>, int64_t> parseGtids(std::string_view text) {
    std::map<std::pair<int64_t, int64_t>, int64_t> out;
    while (!text.empty()) {
        const size_t comma = text.find(',');
        const std::string_view one = text.substr(0, comma);
        const size_t first = one.find('-'), second = one.rfind('-');
        int64_t domain = 0, server = 0, sequence = 0;
        if (first != std::string_view::npos && second != first && readNumber(one.substr(0, first), domain) &&
            readNumber(one.substr(first + 1, second - first - 1), server) &&
            readNumber(one.substr(second + 1), sequence))
            out[{domain, server}] = std::max(out[{domain, server}], sequence);
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    return out;
}

// "UUID:1-5:7,\nOTHER:1-3": the last number of one server; 0 when it wrote nothing.
int64_t lastOfServer(std::string_view set, std::string_view uuid) {
    int64_t last = 0;
    while (!set.empty()) {
        const size_t comma = set.find(',');
        std::string_view part = set.substr(0, comma);
        part.remove_prefix(std::min(part.find_first_not_of("\n "), part.size()));
        if (part.size() > uuid.size() && part.starts_with(uuid) && part[uuid.size()] == ':') {
            const std::string_view end = part.substr(part.find_last_of(":-") + 1);
            if (int64_t number = 0; readNumber(end, number)) last = std::max(last, number);
        }
        if (comma == std::string_view::npos) break;
        set.remove_prefix(comma + 1);
    }
    return last;
}

std::string ownMysqlTransactions(std::string_view there, const Json& replica) {
    const std::string uuid = textAt(replica, "serverUuid");
    const int64_t here = lastOfServer(textAt(replica, "binlogState"), uuid);
    if (uuid.empty() || lastOfServer(there, uuid) >= here) return {};
    return "the replica has transactions of its own, up to " + uuid + ":" + std::to_string(here);
}

// A replica's own server id writes nothing while it follows, so this comparison does not mind that both sides were not
// looked at in the same moment.
std::string ownTransactions(const Json& source, const Json& replica) {
    const std::string there = textAt(source, "binlogState");
    if (there.empty()) return {};
    if (memberAt(replica, "serverUuid")) return ownMysqlTransactions(there, replica);
    const auto known = parseGtids(there);
    const int64_t own = integerAt(replica, "serverId");
    for (const auto& [key, sequence] : parseGtids(textAt(replica, "binlogState"))) {
        if (key.second != own) continue;
        const auto found = known.find(key);
        if (found == known.end() || found->second < sequence)
            return "the replica has transactions of its own, up to " + std::to_string(key.first) + "-" +
                   std::to_string(own) + "-" + std::to_string(sequence);
    }
    return {};
}

std::string redisDivergence(const Json& source, const Json& replica) {
    if (textAt(replica, "receiverStatus") != "down" && textAt(replica, "role") == "replica") return {};
    const std::string theirs = textAt(replica, "replid"), ours = textAt(source, "replid");
    if (theirs.empty() || ours.empty() || theirs == ours) return {};
    const auto end = parseOffset(textAt(replica, "position"));
    if (textAt(source, "replid2") == theirs && end && end->offset <= integerAt(source, "secondReplOffset", -1))
        return {};
    return "the replica's history is another one than the source's";
}

}  // namespace

SideFacts asSource(SideFacts side) {
    if (side.logEnd) side.position = side.logEnd;
    return side;
}

SideFacts sideOf(Engine engine, const Json& facts, std::string_view slot) {
    SideFacts side;
    if (!facts.is_object()) return side;
    side.known = true;
    side.running = booleanAt(facts, "running");
    side.reachable = booleanAt(facts, "reachable");
    side.error = textAt(facts, "error");
    side.role = textAt(facts, "role");
    side.identity = textAt(facts, "systemId");
    side.timeline = integerAt(facts, "timeline");
    side.positionText = textAt(facts, "position");
    side.receiver = receiverOf(facts);
    side.isPaused = booleanAt(facts, "replayPaused");
    side.receiverError = textAt(facts, "receiverError");
    side.applierError = textAt(facts, "applierError");
    side.isApplying = textAt(facts, "receiverStatus") != "receiving";
    side.ownSeconds = numberAt(facts, "lagSeconds");
    side.replica = replicaIn(facts, slot);
    side.isSlotLost = isSlotLost(facts, slot);
    switch (engine) {
        case Engine::postgresql:
            side.position = parseLsn(side.identity, side.positionText);
            break;
        case Engine::mariadb:
        case Engine::mysql:
            readLog(facts, side);
            break;
        case Engine::redis:
        case Engine::valkey:
            side.position = parseOffset(side.positionText);
            break;
    }
    return side;
}

std::string divergence(Engine engine, const Json& source, const Json& replica) {
    const bool isRedis = engine == Engine::redis || engine == Engine::valkey;
    if (isRedis) return redisDivergence(source, replica);
    const std::string here = textAt(source, "systemId"), there = textAt(replica, "systemId");
    if (!here.empty() && !there.empty() && here != there)
        return "the replica is a copy of another database (" + there + ", not " + here + ")";
    if (engine == Engine::postgresql) {
        const int64_t ours = integerAt(source, "timeline"), theirs = integerAt(replica, "timeline");
        if (ours && theirs > ours)
            return "the replica is on timeline " + std::to_string(theirs) + ", the source on " + std::to_string(ours);
        return {};
    }
    // The server's own words for a copy that asks for what the source never had.
    const std::string error = textAt(replica, "receiverError");
    if (error.find("which is not in the master's binlog") != std::string::npos ||
        error.find("has more GTIDs than the") != std::string::npos)
        return "the replica has transactions that the source never had";
    return ownTransactions(source, replica);
}

std::string synchronousTrouble(const Json& source, std::string_view replica) {
    const Json* synchronous = memberAt(source, "synchronous");
    if (!synchronous || !synchronous->is_object()) return {};
    const std::string state = textAt(*synchronous, "state"), with = textAt(*synchronous, "with");
    // Names set by hand may mean any replica.
    const bool troubled = state == "degraded" || state == "waiting" || state == "foreign";
    return troubled && (with.empty() || with == replica) ? textAt(*synchronous, "sentence") : "";
}

}  // namespace swb::health
