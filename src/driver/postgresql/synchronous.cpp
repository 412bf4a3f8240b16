#include "driver/postgresql/synchronous.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/log.h"
#include "driver/postgresql/tls.h"
#include "model/group.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* setting = "synchronous_standby_names";
constexpr const char* asideRecord = "standby-names";  // what a promotion put aside
constexpr const char* stateRecord = "synchronous";    // what the watch did last
constexpr int64_t armLagBytesMax = 1 << 20;           // less than this is confirmed in a moment

// Words, quoted words, and single characters.
std::optional<std::vector<std::string>> tokensOf(std::string_view text) {
    std::vector<std::string> tokens;
    for (size_t at = 0; at < text.size();) {
        const unsigned char c = static_cast<unsigned char>(text[at]);
        if (std::isspace(c)) {
            ++at;
        } else if (c == '"') {
            std::string word;
            for (++at;; ++at) {
                if (at >= text.size()) return std::nullopt;
                if (text[at] != '"') {
                    word += text[at];
                } else if (at + 1 < text.size() && text[at + 1] == '"') {
                    word += text[at++];
                } else {
                    break;
                }
            }
            ++at;
            tokens.push_back(word);
        } else if (c == ',' || c == '(' || c == ')' || c == '*') {
            tokens.emplace_back(1, static_cast<char>(c));
            ++at;
        } else {
            const size_t start = at;
            while (at < text.size() && std::string_view(" \t\n\r,()\"*").find(text[at]) == std::string_view::npos) ++at;
            tokens.emplace_back(text.substr(start, at - start));
        }
    }
    return tokens;
}

bool sameWord(const std::string& one, const std::string& other) {
    return ::strcasecmp(one.c_str(), other.c_str()) == 0;
}

std::string wantedNames(const DatabaseSpec& spec) {
    return spec.synchronous.with.empty() ? "" : Link::slotFor(spec.synchronous.with);
}

using Seen = SyncKeeper::Seen;

Result<Seen> lookAt(const Instance& instance, Connection& connection, const Context& context) {
    const std::string wanted = wantedNames(instance.spec());
    const Rows rows = TRY(connection.query(
        "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names'), (SELECT count(*) FROM "
        "pg_stat_activity WHERE wait_event = 'SyncRep')",
        context.deadline));
    Seen seen;
    seen.primary = rows.at(0).at(0) == "f";
    seen.names = rows.at(0).at(1).value_or("");
    seen.look.at = SystemClock().monotonic();
    seen.look.waiting = std::atoll(rows.at(0).at(2).value_or("0").c_str());
    seen.look.armed = !wanted.empty() && seen.names == wanted;
    if (!seen.primary) return seen;
    const Rows standbys = TRY(
        connection.query("SELECT application_name, flush_lsn, reply_time, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), "
                         "flush_lsn) FROM pg_stat_replication WHERE state = 'streaming'",
                         context.deadline));
    for (const Row& row : standbys) {
        seen.streaming.push_back(row.at(0).value_or(""));
        if (seen.streaming.back() != wanted || wanted.empty()) continue;
        seen.look.streaming = true;
        seen.look.flushed = row.at(1).value_or("");
        seen.look.replied = row.at(2).value_or("");
        seen.look.lagBytes = std::atoll(row.at(3).value_or("0").c_str());
    }
    return seen;
}

Result<void> writeState(const Instance& instance, const std::string& names, std::string_view state) {
    return instance.writeRecord(stateRecord,
                                JsonObject{{"state", state}, {"names", names}, {"since", SystemClock().now()}});
}

Result<void> setNames(const Instance& instance, const std::string& names, std::string_view state,
                      const Context& context) {
    TRY_VOID(writeState(instance, names, state));
    return changeSettings(instance, {{setting, names}}, context);
}

}  // namespace

std::optional<StandbyNames> parseStandbyNames(std::string_view text) {
    const auto tokens = tokensOf(text);
    if (!tokens || tokens->empty()) return std::nullopt;
    StandbyNames names;
    size_t at = 0;
    const auto is = [&](const char* word) { return at < tokens->size() && sameWord((*tokens)[at], word); };
    names.needed = 1;
    const bool method = is("FIRST") || is("ANY");
    const size_t number = at + (method ? 1 : 0);
    const bool counted = number + 1 < tokens->size() && (*tokens)[number + 1] == "(";
    if (counted) {
        const std::string& text1 = (*tokens)[number];
        const auto [end, error] = std::from_chars(text1.data(), text1.data() + text1.size(), names.needed);
        if (error != std::errc() || end != text1.data() + text1.size() || names.needed < 1) return std::nullopt;
        at = number + 2;
    }
    bool expectName = true;
    for (; at < tokens->size(); ++at, expectName = !expectName) {
        const std::string& token = (*tokens)[at];
        if (counted && token == ")")
            return !expectName && at + 1 == tokens->size() ? std::optional(names) : std::nullopt;
        if (expectName == (token == ",")) return std::nullopt;
        if (expectName) names.names.push_back(token);
    }
    return counted || expectName ? std::nullopt : std::optional(names);
}

bool StandbyNames::satisfiedBy(const std::vector<std::string>& streaming) const {
    const auto counts = std::count_if(streaming.begin(), streaming.end(), [this](const std::string& one) {
        return std::any_of(names.begin(), names.end(),
                           [&](const std::string& name) { return name == "*" || sameWord(name, one); });
    });
    return counts >= needed;
}

SyncAction SyncWatch::look(const SyncLook& look, WhenCut whenCut) {
    constexpr int followsNeeded = 3;  // looks in a row
    const bool moved = look.streaming && (look.flushed != flushed_ || (look.armed && look.waiting == 0));
    if (!seen_ || moved) movedAt_ = look.at;
    seen_ = true;
    flushed_ = look.flushed;
    cutOff_ = look.armed && look.at - movedAt_ >= cutPatienceMs;
    if (look.armed) {
        follows_ = 0;
        if (!cutOff_ || whenCut == WhenCut::wait) return SyncAction::none;
        // Its row stays, with an old answer, for as long as the connection is not given up.
        repliedAtCut_ = look.replied;
        cutOff_ = false;
        return SyncAction::degrade;
    }
    const bool alive = look.streaming && look.replied != repliedAtCut_ && look.lagBytes <= armLagBytesMax;
    follows_ = alive ? follows_ + 1 : 0;
    if (follows_ < followsNeeded) return SyncAction::none;
    follows_ = 0;
    movedAt_ = look.at;
    return SyncAction::arm;
}

Result<void> SyncKeeper::keep(const Instance& instance, const Context& context) {
    const std::string wanted = wantedNames(instance.spec());
    const bool managed = !wanted.empty() || !instance.record(stateRecord).is_null();
    if (!managed && instance.record(asideRecord).is_null()) return {};
    constexpr int64_t lookMs = 5000;
    const Context bounded = withDeadline(context, within(context, lookMs));
    TRY_VOID(restoreStandbyNames(instance, bounded));
    if (!managed) return {};
    auto session = TRY(instance.session(bounded));
    const Seen seen = TRY(lookAt(instance, *session, bounded));
    // A switch in its middle has set them aside itself.
    if (!seen.primary || !instance.record("switch").is_null()) return {};
    if (wanted.empty()) {
        // Not asked for any more: what we set there goes.
        if (seen.names == textAt(instance.record(stateRecord), "names"))
            TRY_VOID(changeSettings(instance, {{setting, std::nullopt}}, bounded));
        return instance.removeRecord(stateRecord);
    }
    return watch(instance, seen, bounded);
}

Result<void> SyncKeeper::watch(const Instance& instance, const Seen& seen, const Context& context) {
    const std::string wanted = wantedNames(instance.spec());
    // Somebody's own names are somebody's own.
    if (!seen.names.empty() && seen.names != wanted) return {};
    const WhenCut whenCut = instance.spec().synchronous.whenCut;
    const std::lock_guard lock(mutex_);
    SyncWatch& watch = watches_[instance.data()];
    const SyncAction action = watch.look(seen.look, whenCut);
    if (action == SyncAction::degrade) {
        logWarning("postgresql", "{}: {} confirms nothing for {} s: {} commits waited; commits go on without it",
                   instance.data(), instance.spec().synchronous.with, cutPatienceMs / 1000, seen.look.waiting);
        return setNames(instance, "", "degraded", context);
    }
    if (action == SyncAction::arm) {
        logInfo("postgresql", "{}: commits wait for {} from now on", instance.data(), instance.spec().synchronous.with);
        return setNames(instance, wanted, "synchronous", context);
    }
    // What was stated before may be of another life of this agent.
    const std::string stated = textAt(instance.record(stateRecord), "state");
    const std::string_view state = watch.cutOff() ? "waiting" : "synchronous";
    if (!seen.look.armed || stated == state) return {};
    logWarning("postgresql", "{}: {}", instance.data(),
               watch.cutOff() ? fmt::format("{} commits wait for {}, which confirms nothing", seen.look.waiting,
                                            instance.spec().synchronous.with)
                              : std::string("commits are confirmed again"));
    return writeState(instance, wanted, state);
}

Json synchronousFacts(const Instance& instance, const Json& quick) {
    const DatabaseSpec& spec = instance.spec();
    const std::string wanted = wantedNames(spec);
    const Json record = instance.record(stateRecord), aside = instance.record(asideRecord);
    const bool cutOff = textAt(record, "state") == "waiting";
    const Json* settings = memberAt(quick, "settings");
    const std::string names = settings ? textAt(*settings, setting) : "";
    if (wanted.empty() && names.empty() && aside.is_null()) return nullptr;
    std::vector<std::string> streaming;
    int64_t unconfirmed = -1;
    if (const Json* rows = memberAt(quick, "replicas"); rows && rows->is_array())
        for (const Json& row : rows->get_array()) {
            if (textAt(row, "state") != "streaming") continue;
            streaming.push_back(textAt(row, "application"));
            if (streaming.back() == wanted) unconfirmed = integerAt(row, "unconfirmedBytes");
        }
    const int64_t waiting = integerAt(quick, "waitingCommits");
    const auto parsed = parseStandbyNames(names);
    const bool satisfied = parsed && parsed->satisfiedBy(streaming);
    std::string state = "synchronous", sentence;
    if (booleanAt(quick, "inRecovery")) {
        state = "replica";
        sentence = "a replica has no commits of its own";
    } else if (aside.is_object() && names.empty()) {
        state = "degraded";
        sentence = "synchronous_standby_names '" + textAt(aside, "names") +
                   "' is put aside since this server was promoted: too few of them stream";
    } else if (!wanted.empty() && names.empty()) {
        state = "degraded";
        sentence = "commits do not wait for " + spec.synchronous.with + ", as they should: it does not follow";
    } else if (!wanted.empty() && names != wanted) {
        state = "foreign";
        sentence = "synchronous_standby_names was set by hand to '" + names +
                   "': `synchronous` of the definition does nothing";
    } else if (!satisfied || cutOff) {
        state = "waiting";
        sentence = fmt::format("commits wait for {}, which confirms nothing ({} wait now)",
                               wanted.empty() ? names : spec.synchronous.with, waiting);
    } else {
        sentence = "commits wait for " + (wanted.empty() ? names : spec.synchronous.with);
    }
    return JsonObject{{"with", spec.synchronous.with},
                      {"whenCut", nameOf(spec.synchronous.whenCut)},
                      {"names", names},
                      {"state", state},
                      {"since", integerAt(record, "since") ? Json(isoTime(integerAt(record, "since"))) : Json(nullptr)},
                      {"waitingCommits", waiting},
                      {"unconfirmedBytes", unconfirmed < 0 ? Json(nullptr) : Json(unconfirmed)},
                      {"sentence", sentence}};
}

Result<void> setAsideStandbyNames(const Instance& instance, Connection& connection, const Context& context) {
    const std::string names =
        TRY(connection.value("SELECT current_setting('synchronous_standby_names')", context.deadline));
    if (names.empty()) return {};
    // Our own come back with the watch, when the other site follows.
    if (names != wantedNames(instance.spec()) && instance.record(asideRecord).is_null()) {
        const auto own = instance.autoConfSetting(setting);
        TRY_VOID(instance.writeRecord(asideRecord,
                                      JsonObject{{"names", names}, {"auto", own ? Json(*own) : Json(nullptr)}}));
    }
    return changeSettings(instance, {{setting, ""}}, context);
}

Result<void> restoreStandbyNames(const Instance& instance, const Context& context) {
    const Json aside = instance.record(asideRecord);
    if (!aside.is_object() || !instance.record("switch").is_null()) return {};
    auto session = TRY(instance.session(context));
    const Seen seen = TRY(lookAt(instance, *session, context));
    const auto names = parseStandbyNames(textAt(aside, "names"));
    if (seen.primary && (!names || !names->satisfiedBy(seen.streaming))) return {};
    const Json* own = memberAt(aside, "auto");
    std::optional<std::string> value;
    if (own && own->is_string()) value = std::string(own->as_string());
    TRY_VOID(changeSettings(instance, {{setting, value}}, context));
    return instance.removeRecord(asideRecord);
}

}  // namespace swb::driver::postgresql
