#include "dispatch/publications.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "dispatch/publication_job.h"

namespace swb::dispatch {

using publication::Record;
using publication::RecordSet;
using publication::Standing;
using publication::Target;

namespace {

constexpr int64_t reconcileMs = 60'000;

RecordSet setFor(const Group& group, const Publication& publication, const std::vector<std::string>& addresses) {
    RecordSet set;
    const int64_t ttl = publication.ttl ? publication.ttl : group.answeredTtl();
    set.ttlSeconds = std::max(static_cast<uint32_t>(ttl), publication::ttlMinOf(publication.provider));
    auto values = publication::canonicalValues(publication.type, addressesOfType(publication.type, addresses));
    if (values) set.values = std::move(*values);
    return set;
}

ErrorCode codeOf(Standing standing) {
    switch (standing) {
        case Standing::conflict:
            return ErrorCode::NotOwned;
        case Standing::unknown:
            return ErrorCode::OutcomeUnknown;
        case Standing::failed:
            return ErrorCode::NotDone;
        default:
            return ErrorCode::VerificationFailed;
    }
}

}  // namespace

Publications::Publications(store::Store& store, const crypto::Sealer& sealer, const Clock& clock,
                           PublicationSettings settings)
    : store_(store), sealer_(sealer), clock_(clock), settings_(std::move(settings)) {}

Publications::~Publications() {
    stop();
}

Result<void> Publications::start() {
    reconcile();
    for (size_t i = 0; i < settings_.threads; ++i) threads_.emplace_back([this] { work(); });
    return {};
}

void Publications::stop() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

publication::SurveySettings Publications::surveySettings() const {
    publication::SurveySettings settings;
    settings.resolvers = settings_.resolvers;
    settings.stop = &stopping_;
    return settings;
}

// --- what should be ------------------------------------------------------------------------------------------------

Publications::JobPointer Publications::jobFor(const Group& group, const Publication& publication) {
    JobPointer& job = jobs_[idOf(group.name, publication)];
    if (!job) {
        job = std::make_shared<Job>(group, publication);
        if (const auto document = store_.get(publicationKind, idOf(group.name, publication)); document && *document)
            if (auto record = publication::recordFromJson((*document)->body)) job->record = std::move(*record);
    }
    job->group = group;
    if (job->publication != publication) {
        job->publication = publication;
        job->changed = job->again = true;
    }
    return job;
}

void Publications::want(const Group& group, const std::vector<std::string>& addresses) {
    {
        const Lock lock(mutex_);
        for (const Publication& publication : group.publications) {
            const JobPointer job = jobFor(group, publication);
            const Target target{group.id, group.epoch, setFor(group, publication, addresses)};
            if (job->record.wanted == target && !job->target) continue;
            job->target = target;
            job->again = true;
            job->dueAt = 0;
        }
    }
    wake_.notify_all();
}

void Publications::reconcile() {
    const auto groups = store_.list("group");
    if (!groups) return;  // the store is in trouble: what is known goes on
    std::set<std::string> present;
    for (const store::Document& document : *groups) {
        const auto group = groupFromJson(document.body);
        if (!group || group->publications.empty()) continue;
        for (const Publication& publication : group->publications) present.insert(idOf(group->name, publication));
        {
            const Lock lock(mutex_);
            for (const Publication& publication : group->publications) jobFor(*group, publication);
        }
        // A run says itself when its group's address has moved.
        if (!group->busy.empty() || group->current.empty()) continue;
        const auto current = store_.get("application", group->current);
        const Json* definition = current && *current ? memberAt((*current)->body, "definition") : nullptr;
        const auto application =
            definition ? applicationFromJson(*definition) : Result<Application>(fail(ErrorCode::NotFound, ""));
        if (application) want(*group, answeredAddresses(*group, *application));
    }
    store::Commit removed;
    {
        const Lock lock(mutex_);
        for (auto entry = jobs_.begin(); entry != jobs_.end();) {
            if (present.count(entry->first)) {
                ++entry;
                continue;
            }
            entry->second->gone = true;
            removed.removes.push_back({publicationKind, entry->first, store::anyVersion});
            entry = jobs_.erase(entry);
        }
        reconcileAt_ = clock_.monotonic() + reconcileMs;
    }
    if (!removed.removes.empty())
        if (auto committed = store_.commit(removed); !committed)
            logWarning("publication", "journal not tidied: {}", swb::describe(committed.error()));
    wake_.notify_all();
}

Result<void> Publications::adopt(const Group& group, const std::string& key, const std::vector<std::string>& addresses,
                                 const Adoption& adoption) {
    const Publication* publication = findPublication(group, key);
    if (!publication) return fail(ErrorCode::NotFound, group.name + " has no publication " + key);
    const RecordSet wanted = setFor(group, *publication, addresses);
    if (wanted.values.empty())
        return fail(ErrorCode::NotReady, group.current + " has no address of this type",
                    "an empty set is never published");
    const auto provider = TRY(providerFor(*publication));
    const publication::Reading reading = TRY(provider->read());
    if (!reading.strange.empty())
        return fail(ErrorCode::NotOwned, publication->name + " is not taken: " + reading.strange);
    if (reading.mark && reading.mark->group != group.id && reading.mark->group != adoption.takeOver)
        return fail(ErrorCode::NotOwned, publication->name + " belongs to the group " + reading.mark->group,
                    "if that group is gone: --take-over " + reading.mark->group);
    if (reading.set && reading.set->values != wanted.values && !adoption.replace)
        return fail(ErrorCode::ConsentRequired,
                    publication->name + " answers " + joined(reading.set->values) + " now and would answer " +
                        joined(wanted.values),
                    "--replace says yes to that");
    {
        const Lock lock(mutex_);
        const JobPointer job = jobFor(group, *publication);
        job->target = Target{group.id, group.epoch, wanted};
        job->adoption = adoption;
        job->again = true;
        job->dueAt = 0;
    }
    wake_.notify_all();
    return {};
}

// --- the threads ---------------------------------------------------------------------------------------------------

void Publications::work() {
    Lock lock(mutex_);
    while (!stopping_) {
        if (clock_.monotonic() >= reconcileAt_) {
            reconcileAt_ = clock_.monotonic() + reconcileMs;
            lock.unlock();
            reconcile();
            lock.lock();
        }
        settleWaiters(lock);
        const JobPointer job = nextDue(lock);
        if (!job) continue;
        job->running = true;
        const bool resting = !job->again && std::holds_alternative<publication::action::Rest>(job->next);
        if (resting)
            preflight(*job, lock);
        else
            advance(*job, lock);
        job->running = false;
    }
}

// The job that has waited longest past its time; waits a little when there is none.
Publications::JobPointer Publications::nextDue(Lock& lock) {
    const MonotonicMs now = clock_.monotonic();
    MonotonicMs soonest = now + 250;  // waiters have deadlines too
    JobPointer chosen;
    for (const auto& [id, job] : jobs_) {
        if (job->running) continue;
        const bool resting = !job->again && std::holds_alternative<publication::action::Rest>(job->next);
        const MonotonicMs due = job->again ? 0 : resting ? job->preflightAt : job->dueAt;
        if (due > now)
            soonest = std::min(soonest, due);
        else if (!chosen || due < (chosen->again ? 0 : chosen->dueAt))
            chosen = job;
    }
    if (!chosen) wake_.wait_for(lock, std::chrono::milliseconds(std::max<int64_t>(1, soonest - now)));
    return chosen;
}

// --- who waits -----------------------------------------------------------------------------------------------------

void Publications::confirm(const std::string& group, int64_t epoch, std::function<void(Result<Json>)> done) {
    {
        const Lock lock(mutex_);
        for (const auto& [id, job] : jobs_) {
            const bool stuck = job->record.standing == Standing::conflict || job->record.standing == Standing::failed;
            if (job->group.name == group && stuck) job->again = true;
        }
        waiters_.push_back({group, epoch, clock_.monotonic() + settings_.confirmMs, std::move(done)});
    }
    wake_.notify_all();
}

// Nothing: not yet.
std::optional<Result<Json>> Publications::answerFor(const Waiter& waiter) const {
    const bool late = clock_.monotonic() >= waiter.deadline;
    size_t count = 0;
    for (const auto& [id, job] : jobs_) {
        if (job->group.name != waiter.group) continue;
        ++count;
        const Record& record = job->record;
        const bool fresh = record.wanted && record.wanted->epoch >= waiter.epoch && !job->again && !job->target;
        if (!job->refusal.empty() && !job->again)
            return fail(ErrorCode::NotReady, job->publication.key() + ": " + job->refusal, job->refusalHint);
        if (fresh && record.standing == Standing::published) continue;
        // Begun anew, it has the old standing until it has looked.
        const bool rests = !job->running && std::holds_alternative<publication::action::Rest>(job->next);
        const bool final = fresh && record.standing == Standing::conflict && rests;
        if (!late && !final) return std::nullopt;
        return fail(codeOf(record.standing),
                    job->publication.key() + " at " + std::string(nameOf(job->publication.provider)) + ": " +
                        std::string(publication::nameOf(record.standing)) +
                        (record.detail.empty() ? "" : ": " + record.detail),
                    record.hint);
    }
    return Json(JsonObject{
        {"detail", std::to_string(count) + (count == 1 ? " publication verified" : " publications verified")}});
}

void Publications::settleWaiters(Lock& lock) {
    for (size_t i = 0; i < waiters_.size();) {
        auto answer = answerFor(waiters_[i]);
        if (!answer) {
            ++i;
            continue;
        }
        const auto done = std::move(waiters_[i].done);
        waiters_.erase(waiters_.begin() + static_cast<long>(i));
        lock.unlock();
        done(std::move(*answer));
        lock.lock();
        i = 0;
    }
}

}  // namespace swb::dispatch
