// The work on one publication: its provider and credential, the machine's actions, the journal, and the pre-flight.
#include <sys/stat.h>

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
    if (anew) {
        beginAnew(job);
    } else {
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

// A harmless read. What is found is said, never repaired: whoever changed it may have had a reason.
void Publications::preflight(Job& job, Lock& lock) {
    const Publication publication = job.publication;
    const std::optional<Target> published = job.record.published;
    const std::string groupId = job.group.id, before = job.problem;
    lock.unlock();
    const auto provider = providerFor(publication);
    auto reading = provider ? (*provider)->read() : Result<publication::Reading>(fail(provider.error()));
    lock.lock();
    job.checkedAt = clock_.now();
    job.preflightAt = clock_.monotonic() + settings_.preflightMs;
    job.problem.clear();
    job.problemHint.clear();
    if (!reading) {
        job.problem = reading.error().message;
        job.problemHint = reading.error().hint;
    } else {
        job.requestsLeft = reading->requestsLeft.value_or(-1);
        if (!reading->strange.empty()) {
            job.problem = reading->strange;
        } else if (!reading->mark || reading->mark->group != groupId) {
            job.problem = reading->mark ? "the ownership mark is of the group " + reading->mark->group
                                        : "there is no ownership mark";
            job.problemHint = "`swing publication adopt` takes the name over";
        } else if (published && (!reading->set || reading->set->values != published->set.values)) {
            job.problem = "somebody else changed it: it is " +
                          (reading->set ? joined(reading->set->values) : std::string("gone")) + ", not " +
                          joined(published->set.values);
            job.problemHint = "find the other tool; the next switch overwrites it";
        }
    }
    if (job.problem != before && !job.problem.empty()) {
        const std::string id = idOf(job.group.name, publication), group = job.group.name, problem = job.problem;
        lock.unlock();
        logWarning("publication", "{}: {}", id, problem);
        store::Commit commit;
        commit.events.push_back({"publication.problem", "group/" + group, "controller",
                                 JsonObject{{"publication", publication.key()}, {"problem", problem}}});
        if (auto committed = store_.commit(commit); !committed)
            logWarning("publication", "event not stored: {}", swb::describe(committed.error()));
        lock.lock();
    }
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
