// The work on one publication: its provider and credential, the machine's actions, the journal, and the pre-flight.
#include <sys/stat.h>

#include <algorithm>

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "dispatch/publication_job.h"

namespace swb::dispatch {

using publication::Action;
using publication::Event;
using publication::Machine;
using publication::Provider;
using publication::Record;
using publication::Standing;
using publication::Target;

namespace {

constexpr int64_t storeAgainMs = 1000;
constexpr size_t credentialBytesMax = 4096;

struct Finding {
    std::string problem, hint;
    bool drift = false;
};

Finding judge(const Result<publication::Reading>& reading, const std::string& group,
              const std::optional<Target>& published, const std::optional<publication::Survey>& survey) {
    constexpr const char* driftHint = "find the other tool; the next switch overwrites it";
    if (!reading) return {reading.error().message, reading.error().hint};
    if (!reading->strange.empty()) return {reading->strange, ""};
    if (!reading->mark || reading->mark->group != group)
        return {
            reading->mark ? "the ownership mark is of the group " + reading->mark->group : "there is no ownership mark",
            "`swing publication adopt` takes the name over"};
    if (!published) return {};
    const bool contradicted = survey && survey->contradicts(published->set);
    if (!reading->set || reading->set->values != published->set.values)
        return {"somebody else changed it: it is " +
                    (reading->set ? joined(reading->set->values) : std::string("gone")) + ", not " +
                    joined(published->set.values) + (contradicted ? "; " + survey->dissent(published->set) : ""),
                driftHint, true};
    if (contradicted) return {"answered otherwise than published: " + survey->dissent(published->set), driftHint, true};
    return {};
}

}  // namespace

Result<Secret> Publications::credentialOf(const std::string& reference) const {
    std::string text;
    if (reference.starts_with("file:")) {
        const std::string path = reference.substr(5);
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) return fail(ErrorCode::NotFound, "there is no credential file " + path);
        if (info.st_mode & 077)
            return fail(ErrorCode::Forbidden, "the credential file " + path + " may be read by others",
                        "chmod 600 " + path);
        text = TRY(readFile(path, credentialBytesMax));
    } else {
        const std::string name = reference.substr(reference.find(':') + 1);
        const auto document = TRY(store_.get("credential", name));
        if (!document)
            return fail(ErrorCode::NotFound, "there is no credential " + name,
                        "`swing publication credential set " + name + "`");
        text = TRY(sealer_.unseal(textAt(document->body, "sealed"), credentialId(name))).reveal();
    }
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty()) return fail(ErrorCode::InvalidInput, "the credential " + reference + " is empty");
    return Secret(std::move(text));
}

Result<std::unique_ptr<Provider>> Publications::providerFor(const Publication& publication) const {
    publication::ProviderSettings settings;
    settings.publication = publication;
    settings.credential = TRY(credentialOf(publication.credential));
    settings.authorityPem = settings_.authorityPem;
    settings.stop = &stopping_;
    return publication::makeProvider(std::move(settings));
}

// Compared and deleted; whoever does not know whether it happened looks.
Result<void> Publications::withdraw(const Group& group, const std::string& key) const {
    const Publication* publication = findPublication(group, key);
    if (!publication) return fail(ErrorCode::NotFound, group.name + " has no publication " + key);
    const auto provider = TRY(providerFor(*publication));
    const publication::Reading reading = TRY(provider->read());
    if (!reading.mark && reading.strange.empty()) return {};
    if (!reading.mark || reading.mark->group != group.id)
        return fail(ErrorCode::NotOwned,
                    reading.mark ? "the mark of " + publication->name + " is of the group " + reading.mark->group
                                 : reading.strange,
                    "remove the publication without withdrawing it");
    const auto withdrawn = provider->withdraw(reading);
    if (withdrawn || withdrawn.error().code != ErrorCode::OutcomeUnknown) return withdrawn;
    const auto after = provider->read();
    return after && !after->mark ? Result<void>() : withdrawn;
}

// A new provider for each beginning: credentials and settings may have changed.
void Publications::beginAnew(Job& job) {
    const UnixMs now = clock_.now();
    auto provider = providerFor(job.publication);
    job.provider = provider ? std::move(*provider) : nullptr;
    const bool readsBack = job.provider && !job.provider->comparesAndSets();
    if (!job.machine || job.changed)
        job.machine = std::make_unique<Machine>(job.publication, job.machine ? job.machine->record() : job.record,
                                                readsBack, settings_.timing);
    job.changed = false;
    job.refusal.clear();
    if (job.target) {
        const Target target = *std::exchange(job.target, std::nullopt);
        if (const auto taken = job.machine->want(target, now); !taken) {
            job.refusal = taken.error().message;
            job.refusalHint = taken.error().hint;
        }
    }
    if (job.adoption) job.machine->adopt(std::exchange(job.adoption, std::nullopt)->takeOver);
    job.next = job.machine->resume(publication::event::Begin{}, now);
    if (!provider && job.machine->record().wanted)
        job.next = job.machine->resume(publication::event::ReadDone{fail(provider.error())}, now);
}

Event Publications::perform(Job& job, const Action& action) {
    using namespace publication;
    if (std::holds_alternative<action::Read>(action)) {
        if (!job.provider) {
            auto provider = providerFor(job.publication);
            if (!provider) return event::ReadDone{fail(provider.error())};
            job.provider = std::move(*provider);
        }
        auto reading = job.provider->read();
        if (!reading) job.provider.reset();  // with a fresh credential next time
        return event::ReadDone{std::move(reading)};
    }
    if (const auto* replace = std::get_if<action::Replace>(&action)) {
        SWB_ASSERT(!replace->wanted.set.values.empty(), "an empty set is never published");
        logInfo("publication", "{}: {} at {}", idOf(job.group.name, job.publication),
                joined(replace->wanted.set.values), nameOf(job.publication.provider));
        return event::ReplaceDone{job.provider->replace(replace->seen, replace->wanted)};
    }
    if (const auto* sync = std::get_if<action::AskSync>(&action)) {
        if (!job.provider) return event::SyncDone{fail(ErrorCode::Unreachable, "the provider cannot be asked")};
        return event::SyncDone{job.provider->inSync(sync->change)};
    }
    if (std::holds_alternative<action::Wait>(action)) return event::Waited{};
    if (std::holds_alternative<action::Journal>(action)) return event::Journalled{};
    const auto servers = findNameServers(job.publication, surveySettings());
    if (!servers) return event::SurveyDone{fail(servers.error())};
    return event::SurveyDone{surveyServers(*servers, job.publication, surveySettings())};
}

// One action, with what it changed stored before the next. A wait is an action that has become due.
void Publications::advance(Job& job, Lock& lock) {
    const Standing before = job.record.standing;
    const bool anew = std::exchange(job.again, false);
    Event event = publication::event::Begin{};
    // The journal could not be written: that is tried again before anything is called.
    const bool unstored = std::holds_alternative<publication::action::Journal>(job.next) && job.machine->changed();
    if (anew) {
        beginAnew(job);
    } else if (!unstored) {
        const Action action = job.next;
        lock.unlock();
        event = perform(job, action);
        lock.lock();
        // What was answered to an older wish still counts; the new one begins after it.
        job.next = job.machine->resume(event, clock_.now());
    }
    if (job.machine->changed() && !job.gone) {
        const Record record = job.machine->record();
        lock.unlock();
        const bool stored = store(job, record, record.standing != before);
        lock.lock();
        if (!stored && std::holds_alternative<publication::action::Journal>(job.next)) {
            job.dueAt = clock_.monotonic() + storeAgainMs;  // nothing is called before this is on disk
            return;
        }
        if (stored) job.machine->stored();
        job.record = record;
    }
    job.survey = job.machine->survey();
    const auto* wait = std::get_if<publication::action::Wait>(&job.next);
    job.dueAt = clock_.monotonic() + (wait ? wait->ms : 0);
    if (std::holds_alternative<publication::action::Rest>(job.next)) job.preflightAt = clock_.monotonic() + 1000;
    settleWaiters(lock);
}

// Who set a name by hand, or by another tool, has it set back soon after the change or not at all.
bool Publications::isWatched(const Job& job) const {
    const Record& record = job.record;
    if (record.standing != Standing::published || !record.published) return false;
    int64_t ttl = record.published->set.ttlSeconds;
    if (record.intent && record.intent->before) ttl = std::max<int64_t>(ttl, record.intent->before->ttlSeconds);
    return clock_.now() < record.standingAt + 2 * ttl * 1000;
}

// Never beside a run, which has its own writes.
bool Publications::isRewriteDue(const Job& job) const {
    const Record& record = job.record;
    return record.standing == Standing::published && job.group.busy.empty() && job.machine &&
           clock_.now() - record.writtenAt >= (record.writeProblem.empty() ? rewriteEveryMs : rewriteAgainMs);
}

// A harmless read. What is found is said, never repaired: whoever changed it may have had a reason.
void Publications::preflight(Job& job, Lock& lock) {
    const Publication publication = job.publication;
    const std::optional<Target> published = job.record.published;
    const bool watched = isWatched(job);
    const std::string groupId = job.group.id, before = job.problem;
    lock.unlock();
    auto provider = providerFor(publication);
    auto reading = provider ? (*provider)->read() : Result<publication::Reading>(fail(provider.error()));
    std::optional<publication::Survey> survey, resolvers;
    if (watched) {
        if (const auto servers = findNameServers(publication, surveySettings()))
            survey = surveyServers(*servers, publication, surveySettings());
        resolvers = surveyResolvers(publication, surveySettings());
    }
    lock.lock();
    job.checkedAt = clock_.now();
    job.preflightAt =
        clock_.monotonic() + (watched ? std::min(settings_.watchMs, settings_.preflightMs) : settings_.preflightMs);
    if (survey) job.survey = survey;
    if (resolvers) job.resolvers = resolvers;
    Finding found = judge(reading, groupId, published, survey);
    const bool good = found.problem.empty(), due = good && isRewriteDue(job);
    if (good && !due && !job.record.writeProblem.empty())
        found = {"writing the same value once more failed: " + job.record.writeProblem,
                 "the credential reads but does not write: the next switch would fail here", false};
    if (reading) job.requestsLeft = reading->requestsLeft.value_or(-1);
    job.problem = found.problem;
    job.problemHint = found.hint;
    job.drift = found.drift;
    // What was asked for meanwhile comes first.
    if (!job.again && due) {
        job.provider = std::move(*provider);
        job.next = job.machine->rewrite();
        job.dueAt = 0;
    }
    if (job.problem != before && !job.problem.empty()) announceProblem(job, lock);
}

void Publications::announceProblem(const Job& job, Lock& lock) {
    const std::string id = idOf(job.group.name, job.publication);
    JsonObject data{{"publication", job.publication.key()}, {"problem", job.problem}};
    if (job.drift && job.survey) data["answers"] = publication::toJson(*job.survey);
    store::Commit commit;
    commit.events.push_back({job.drift ? "publication.drift" : "publication.problem", "group/" + job.group.name,
                             "controller", std::move(data)});
    logWarning("publication", "{}: {}", id, job.problem);
    lock.unlock();
    if (auto committed = store_.commit(commit); !committed)
        logWarning("publication", "event not stored: {}", swb::describe(committed.error()));
    lock.lock();
}

bool Publications::store(const Job& job, const Record& record, bool standingChanged) {
    store::Commit commit;
    commit.puts.push_back(
        {publicationKind, idOf(job.group.name, job.publication), store::anyVersion, publication::toJson(record)});
    if (standingChanged)
        commit.events.push_back({"publication." + std::string(publication::nameOf(record.standing)),
                                 "group/" + job.group.name, "controller",
                                 JsonObject{{"publication", job.publication.key()},
                                            {"epoch", record.wanted ? record.wanted->epoch : 0},
                                            {"detail", record.detail}}});
    const auto committed = store_.commit(commit);
    if (!committed)
        logError("publication", "{}: journal not written: {}", idOf(job.group.name, job.publication),
                 swb::describe(committed.error()));
    return committed.has_value();
}

}  // namespace swb::dispatch
