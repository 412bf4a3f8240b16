#include "dispatch/link_watch.h"

#include "base/log.h"
#include "dispatch/inspector.h"
#include "model/copy.h"

namespace swb::dispatch {
namespace {

constexpr int64_t tickMs = 1'000;
constexpr int64_t flushMs = 60'000;
constexpr int64_t lostMs = 15'000;  // facts older than that tell nothing
constexpr const char* alarmKind = "link-alarm";

bool isCopy(const run::Run& run) {
    return run.kind == "replicate" || run.kind == "resync";
}

std::vector<std::string> databasesOf(const run::Run& run) {
    std::vector<std::string> names;
    const Json* databases = memberAt(run.subject, "databases");
    if (databases && databases->is_array())
        for (const Json& name : databases->get_array())
            if (name.is_string()) names.emplace_back(name.get_string());
    return names;
}

// What the run does at present for one database.
std::string progressOf(const run::Run& run, const std::string& database) {
    const std::string key = database + "@" + run.to;
    for (const run::Step& step : run.steps) {
        if (step.state == run::StepState::done || step.state == run::StepState::skipped) continue;
        for (const run::CommandRecord& command : step.commands)
            if (command.key == key && !command.progress.empty()) return command.progress;
        return step.title;
    }
    return {};
}

bool isCopied(const run::Run& run) {
    const run::Step* seed = run.find("seed");
    return seed && seed->state == run::StepState::done;
}

template <typename Number>
Json orNull(const std::optional<Number>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json rounded(const std::optional<double>& seconds) {
    if (!seconds) return nullptr;
    return static_cast<double>(static_cast<int64_t>(*seconds * 1000 + 0.5)) / 1000;
}

}  // namespace

LinkWatch::LinkWatch(store::Store& store, Fleet& fleet, const Conductor& conductor, const Clock& clock)
    : store_(store), fleet_(fleet), conductor_(conductor), clock_(clock), history_(store) {
    subscription_ = store_.subscribe([this](const store::Committed& committed) {
        if (committed.touches("link") || committed.touches("group") || committed.touches("application"))
            isChanged_ = true;
    });
}

// What an earlier controller knew: raised alarms, and until when the replica was complete.
void LinkWatch::restore(Watched& watched) {
    if (const auto document = store_.get(alarmKind, watched.link.id()); document && *document)
        watched.alarms = health::linkAlarmsFromJson((*document)->body);
    const auto last = history_.newest(health::pairOf(watched.link), clock_.now());
    if (!last || last->sample.lagMs < 0 || last->sample.isReversed != health::isReversed(watched.link)) return;
    watched.clock.remember(last->at - last->sample.lagMs);
}

Result<void> LinkWatch::reload() {
    if (!isChanged_.exchange(false)) return {};
    std::vector<Group> groups;
    for (const store::Document& document : TRY(store_.list("group")))
        groups.push_back(TRY(groupFromJson(document.body)));
    std::map<std::string, Application> applications;
    const auto application = [&](const std::string& name) -> const Application* {
        const auto known = applications.find(name);
        if (known != applications.end()) return &known->second;
        auto read = loadCopy(store_, name);
        return read ? &applications.emplace(name, std::move(*read)).first->second : nullptr;
    };
    for (auto& [id, watched] : links_) watched.isListed = false;
    for (const store::Document& document : TRY(store_.list("link"))) {
        const Link link = TRY(linkFromJson(document.body));
        const bool isNew = !links_.count(link.id());
        Watched& watched = links_[link.id()];
        watched.isListed = true;
        watched.link = link;
        const auto serverOf = [&](const std::string& name) -> std::string {
            const Application* found = application(name);
            if (!found || !found->databases.count(link.database)) return {};
            watched.engine = found->databases.at(link.database).engine;
            return found->databases.at(link.database).server;
        };
        watched.sourceServer = serverOf(link.from);
        watched.replicaServer = serverOf(link.to);
        watched.limits = {};
        watched.group.clear();
        for (const Group& group : groups)
            if (const std::string from = ownerOf(link.from), to = ownerOf(link.to);
                (group.primary == from || group.secondary == from) && (group.primary == to || group.secondary == to)) {
                watched.limits = {group.lagAlertBytes, group.lagAlertSeconds};
                watched.group = group.name;
            }
        if (isNew) restore(watched);
    }
    store::Commit commit;
    for (auto entry = links_.begin(); entry != links_.end();) {
        if (entry->second.isListed) {
            ++entry;
            continue;
        }
        endOf(entry->second, commit);
        entry = links_.erase(entry);
    }
    if (!commit.removes.empty()) TRY(store_.commit(commit));
    return {};
}

// A link that is no more: its alarms end with it.
void LinkWatch::endOf(const Watched& watched, store::Commit& commit) const {
    if (!watched.alarms.any()) return;
    commit.removes.push_back({alarmKind, watched.link.id(), store::anyVersion});
    commit.events.push_back({"link.alarm.ended", "link/" + watched.link.id(), "controller",
                             JsonObject{{"group", watched.group}, {"sentence", "the link is no more"}}});
}

LinkWatch::Seedings LinkWatch::seedings() const {
    Seedings out;
    for (const run::Run& run : conductor_.active()) {
        if (!isCopy(run) || isCopied(run)) continue;
        for (const std::string& database : databasesOf(run))
            out[run.from + "/" + run.to + "/" + database] = {run.id, progressOf(run, database)};
    }
    return out;
}

std::pair<health::SideFacts, Json> LinkWatch::sideOf(const Watched& watched, const std::string& application,
                                                     const std::string& server) const {
    const auto facts = fleet_.sharedFacts(server);
    const Json* databases = facts && fleet_.connected(server) ? memberAt(*facts, "databases") : nullptr;
    const Json* found = databases ? memberAt(*databases, application + "/" + watched.link.database) : nullptr;
    if (!found) return {};
    const UnixMs now = clock_.now();
    // The agent's clock may be off; how far is known from its heartbeats.
    const UnixMs at = integerAt(*found, "at") ? integerAt(*found, "at") - fleet_.view(server).clockSkewMs : now;
    if (now - at > lostMs) return {};
    health::SideFacts side = health::sideOf(watched.engine, *found, Link::slotFor(watched.link.to));
    side.at = std::min(at, now);
    return {std::move(side), *found};
}

void LinkWatch::look(Watched& watched, const Seedings& seedings) {
    const auto [sourceSide, sourceFacts] = sideOf(watched, watched.link.from, watched.sourceServer);
    const health::SideFacts source = health::asSource(sourceSide);
    const auto [replica, replicaFacts] = sideOf(watched, watched.link.to, watched.replicaServer);
    health::LinkInput input;
    input.link = watched.link;
    input.source = source;
    input.replica = replica;
    if (source.known && replica.known && source.reachable)
        input.divergence = health::divergence(watched.engine, sourceFacts, replicaFacts);
    if (const auto seeding = seedings.find(watched.link.id()); seeding != seedings.end())
        input.seeding = seeding->second;
    watched.synchronous = source.known ? health::synchronousTrouble(sourceFacts, watched.link.to) : "";
    watched.clock.observe(source, replica);
    watched.lag = watched.clock.lag(clock_.now(), health::streams(source, replica));
    input.lag = watched.lag;
    input.limits = watched.limits;
    input.before = watched.health.state;
    watched.health = health::judge(input);
}

void LinkWatch::raise(Watched& watched) {
    // A copy that is being made says nothing about the alarm that led to it.
    if (watched.health.state == LinkState::seeding) return;
    store::Commit commit;
    const auto change = [&](health::AlarmState& alarm, std::string_view name, bool holds, const std::string& sentence) {
        const auto stepped = health::step(alarm, holds, sentence, clock_.now(), {});
        if (stepped == health::AlarmChange::none) return;
        const bool isRaised = stepped == health::AlarmChange::raised;
        commit.events.push_back({isRaised ? "link.alarm.raised" : "link.alarm.ended", "link/" + watched.link.id(),
                                 "controller",
                                 JsonObject{{"alarm", name},
                                            {"group", watched.group},
                                            {"state", nameOf(watched.health.state)},
                                            {"sentence", sentence},
                                            {"hint", watched.health.hint},
                                            {"lagBytes", orNull(watched.lag.bytes)},
                                            {"lagSeconds", rounded(watched.lag.seconds)},
                                            {"raisedAt", isoTime(alarm.raisedAt)}}});
        if (isRaised)
            logWarning("link", "{}: {}", watched.link.id(), sentence);
        else
            logInfo("link", "{}: the alarm of {} is over", watched.link.id(), isoTime(alarm.raisedAt));
    };
    const health::LinkAlarms before = watched.alarms;
    const std::string& sentence = watched.health.sentence;
    change(watched.alarms.lag, "lag", health::holdsLag(watched.health), sentence);
    change(watched.alarms.broken, "broken", health::holdsBroken(watched.health), sentence);
    change(watched.alarms.synchronous, "synchronous", !watched.synchronous.empty(), watched.synchronous);
    if (commit.events.empty()) return;
    commit.puts.push_back({alarmKind, watched.link.id(), store::anyVersion, health::toJson(watched.alarms)});
    if (const auto committed = store_.commit(commit); !committed) {
        // Said again with the next tick, when the store works.
        watched.alarms = before;
        logWarning("link", "an alarm of {} was not recorded: {}", watched.link.id(), describe(committed.error()));
    }
}

void LinkWatch::sample(Watched& watched, UnixMs now) {
    if (now - watched.sampledAt < health::tiers.front().slotMs && now >= watched.sampledAt) return;
    watched.sampledAt = now;
    health::Sample sample;
    sample.bytes = watched.lag.bytes.value_or(-1);
    if (watched.lag.seconds) sample.lagMs = static_cast<int64_t>(*watched.lag.seconds * 1000);
    sample.writeRate = watched.lag.writeRate.value_or(-1);
    sample.applyRate = watched.lag.applyRate.value_or(-1);
    sample.state = watched.health.state;
    sample.isReversed = health::isReversed(watched.link);
    history_.add(health::pairOf(watched.link), now, sample);
}

// Copies take hours and do not mind; everything else has the store for itself.
bool LinkWatch::mayWrite() const {
    for (const run::Run& run : conductor_.active())
        if (!isCopy(run)) return false;
    return true;
}

void LinkWatch::tick() {
    const MonotonicMs now = clock_.monotonic();
    if (now < tickAt_) return;
    tickAt_ = now + tickMs;
    const bool mayWriteNow = mayWrite();
    {
        const Seedings copies = seedings();
        const std::lock_guard lock(mutex_);
        if (const auto loaded = reload(); !loaded) {
            isChanged_ = true;
            logWarning("link", "links cannot be read: {}", describe(loaded.error()));
            return;
        }
        for (auto& [id, watched] : links_) {
            look(watched, copies);
            raise(watched);
            sample(watched, clock_.now());
        }
    }
    if (now < flushAt_ || !mayWriteNow) return;
    flushAt_ = now + flushMs;
    flush();
}

void LinkWatch::flush() {
    if (const auto flushed = history_.flush(clock_.now()); !flushed)
        logWarning("link", "the history of links was not written: {}", describe(flushed.error()));
}

Json LinkWatch::show(const Watched& watched) {
    return JsonObject{
        {"from", watched.link.from},
        {"to", watched.link.to},
        {"database", watched.link.database},
        {"engine", watched.link.engine},
        {"state", nameOf(watched.health.state)},
        // Commits that wait in vain, or do not wait, are worth more than a lag.
        {"sentence", (watched.synchronous.empty() ? "" : watched.synchronous + "; ") + watched.health.sentence},
        {"hint", watched.health.hint},
        {"lagBytes", orNull(watched.lag.bytes)},
        {"lagSeconds", rounded(watched.lag.seconds)},
        {"lagExact", watched.lag.isExact},
        {"writeRate", orNull(watched.lag.writeRate)},
        {"applyRate", orNull(watched.lag.applyRate)},
        {"catchUpSeconds", rounded(watched.lag.catchUpSeconds)},
        {"alerts", JsonObject{{"bytes", watched.limits.bytes}, {"seconds", watched.limits.seconds}}},
        {"alarms", JsonObject{{"lag", watched.alarms.lag.isRaised},
                              {"broken", watched.alarms.broken.isRaised},
                              {"synchronous", watched.alarms.synchronous.isRaised}}},
        {"since", isoTime(watched.link.since)}};
}

Json LinkWatch::absent(const std::string& from, const std::string& to, const std::string& database, Engine engine) {
    Watched nothing;
    nothing.link = {from, to, database, std::string(nameOf(engine)), 0};
    nothing.health.sentence = "nothing is replicated";
    nothing.health.hint = "`swing replication enable --from " + from + " --to " + to + "`";
    return show(nothing);
}

Json LinkWatch::status(const Link& link) {
    const Seedings copies = seedings();
    const std::lock_guard lock(mutex_);
    if (const auto loaded = reload(); !loaded) isChanged_ = true;
    const auto found = links_.find(link.id());
    if (found == links_.end()) {
        Watched unknown;
        unknown.link = link;
        return show(unknown);
    }
    look(found->second, copies);
    return show(found->second);
}

Result<JsonArray> LinkWatch::all() {
    const Seedings copies = seedings();
    const std::lock_guard lock(mutex_);
    TRY_VOID(reload());
    JsonArray out;
    for (auto& [id, watched] : links_) {
        look(watched, copies);
        out.push_back(show(watched));
    }
    // A copy that is being made is a link in state `seeding` before it is one.
    for (const run::Run& run : conductor_.active()) {
        if (!isCopy(run)) continue;
        for (const std::string& database : databasesOf(run)) {
            Watched coming;
            coming.link = {run.from, run.to, database, "", run.startedAt};
            if (links_.count(coming.link.id())) continue;
            coming.health = {LinkState::seeding, progressOf(run, database), "`swing run watch " + run.id + "`"};
            out.push_back(show(coming));
        }
    }
    return out;
}

}  // namespace swb::dispatch
