#include "store/state.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "crypto/digest.h"

namespace swb::store {
namespace {

std::string nameOf(std::string_view kind, std::string_view id) {
    return std::string(kind) + " " + std::string(id);
}

// Printable ASCII without spaces: object names appear in messages, URLs and, one day, as etcd keys.
Result<void> checkText(std::string_view what, std::string_view text, size_t bytesMax) {
    if (text.empty()) return fail(ErrorCode::InvalidInput, std::string(what) + " is empty");
    if (text.size() > bytesMax)
        return fail(ErrorCode::TooLarge, std::string(what) + " is longer than " + std::to_string(bytesMax) + " bytes");
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
    if (!plain) return fail(ErrorCode::InvalidInput, std::string(what) + " has characters other than printable ASCII");
    return {};
}

Result<void> checkObjects(const Commit& commit) {
    const size_t writes = commit.puts.size() + commit.removes.size();
    if (writes > limits::commitObjects || commit.events.size() > limits::commitObjects)
        return fail(ErrorCode::TooLarge,
                    "one commit may write " + std::to_string(limits::commitObjects) + " objects and as many events");
    std::set<std::pair<std::string_view, std::string_view>> seen;
    const auto once = [&](const auto& object) -> Result<void> {
        TRY_VOID(checkText("the kind of a document", object.kind, 64));
        TRY_VOID(checkText("the id of a document", object.id, 256));
        if (object.expectedVersion < anyVersion)
            return fail(ErrorCode::InvalidInput, "no version of " + nameOf(object.kind, object.id) + " is negative");
        if (!seen.emplace(object.kind, object.id).second)
            return fail(ErrorCode::InvalidInput, nameOf(object.kind, object.id) + " is named twice in one commit");
        return {};
    };
    for (const auto& put : commit.puts) TRY_VOID(once(put));
    for (const auto& remove : commit.removes) {
        TRY_VOID(once(remove));
        if (remove.expectedVersion == mustNotExist)
            return fail(ErrorCode::InvalidInput,
                        "cannot remove what must not exist: " + nameOf(remove.kind, remove.id));
    }
    for (const auto& requirement : commit.requirements) TRY_VOID(once(requirement));
    return {};
}

}  // namespace

Result<Normalised> normalise(const Json& value, std::string_view what) {
    std::string text = toText(value);
    // Numbers with a fraction may need a second round until text and value stand for each other.
    for (int round = 0; round < 8; ++round) {
        auto read = parseJson(text, limits::documentBytes);
        if (!read) return fail(read.error().within(what));
        std::string again = toText(*read);
        if (again == text) return Normalised{std::move(text), std::move(*read)};
        text = std::move(again);
    }
    return fail(ErrorCode::InvalidInput, std::string(what) + " has a number that does not survive being written");
}

std::string canonicalText(const Event& event, std::string_view detailText) {
    std::string text = toText(JsonObject{{"sequence", event.sequence},
                                         {"at", event.at},
                                         {"type", event.type},
                                         {"subject", event.subject},
                                         {"actor", event.actor}});
    text.pop_back();
    return text + ",\"detail\":" + std::string(detailText) + "}";
}

std::string chainHash(std::string_view previousHash, std::string_view canonical) {
    return crypto::sha256Hex(std::string(previousHash) + std::string(canonical));
}

bool matches(const Event& event, const EventQuery& query) {
    return event.sequence > query.after && (query.subject.empty() || event.subject == query.subject) &&
           event.type.starts_with(query.typePrefix);
}

std::optional<Document> State::get(std::string_view kind, std::string_view id) const {
    const auto ofKind = documents_.find(kind);
    if (ofKind == documents_.end()) return std::nullopt;
    const auto found = ofKind->second.find(id);
    if (found == ofKind->second.end()) return std::nullopt;
    return found->second;
}

std::vector<Document> State::list(std::string_view kind) const {
    std::vector<Document> out;
    const auto ofKind = documents_.find(kind);
    if (ofKind == documents_.end()) return out;
    out.reserve(ofKind->second.size());
    for (const auto& [id, document] : ofKind->second) out.push_back(document);
    return out;
}

std::vector<std::string> State::ids(std::string_view kind) const {
    std::vector<std::string> out;
    const auto ofKind = documents_.find(kind);
    if (ofKind == documents_.end()) return out;
    out.reserve(ofKind->second.size());
    for (const auto& [id, document] : ofKind->second) out.push_back(id);
    return out;
}

int64_t State::versionOf(std::string_view kind, std::string_view id) const {
    const auto ofKind = documents_.find(kind);
    if (ofKind == documents_.end()) return mustNotExist;
    const auto found = ofKind->second.find(id);
    return found == ofKind->second.end() ? mustNotExist : found->second.version;
}

Result<void> State::check(std::string_view kind, std::string_view id, int64_t expectedVersion) const {
    const int64_t version = versionOf(kind, id);
    if (expectedVersion == anyVersion || expectedVersion == version) return {};
    const std::string name = nameOf(kind, id);
    if (expectedVersion == mustNotExist)
        return fail(ErrorCode::Conflict, name + " exists already", "Read it again and decide anew.");
    if (version == mustNotExist)
        return fail(ErrorCode::Conflict, name + " was removed meanwhile", "Read it again and decide anew.");
    return fail(ErrorCode::Conflict,
                name + " changed meanwhile: it is at version " + std::to_string(version) + ", not " +
                    std::to_string(expectedVersion),
                "Read it again and decide anew.");
}

Result<Change> State::prepare(const Commit& commit, UnixMs now) const {
    TRY_VOID(checkObjects(commit));
    Change change;
    change.revision = revision_ + 1;
    for (const auto& requirement : commit.requirements)
        TRY_VOID(check(requirement.kind, requirement.id, requirement.expectedVersion));
    for (const auto& put : commit.puts) {
        TRY_VOID(check(put.kind, put.id, put.expectedVersion));
        auto body = TRY(normalise(put.body, nameOf(put.kind, put.id)));
        change.written.push_back(
            {Document{put.kind, put.id, change.revision, std::move(body.value)}, std::move(body.text)});
        change.changes.push_back({put.kind, put.id, change.revision});
    }
    for (const auto& remove : commit.removes) {
        TRY_VOID(check(remove.kind, remove.id, remove.expectedVersion));
        if (versionOf(remove.kind, remove.id) == mustNotExist) continue;
        change.removed.push_back({remove.kind, remove.id, 0});
        change.changes.push_back(change.removed.back());
    }
    TRY_VOID(prepareEvents(commit, now, change));
    if (change.empty()) change.revision = revision_;
    return change;
}

Result<void> State::prepareEvents(const Commit& commit, UnixMs now, Change& change) const {
    std::string previousHash = headHash_;
    int64_t sequence = latestSequence_;
    for (const auto& wanted : commit.events) {
        TRY_VOID(checkText("the type of an event", wanted.type, 128));
        // Subjects and actors may be typed by people, so any valid text goes.
        const auto names = TRY(normalise(JsonArray{wanted.subject, wanted.actor}, "event " + wanted.type));
        if (names.text.size() > 1024)
            return fail(ErrorCode::TooLarge, "subject and actor of event " + wanted.type + " are too long");
        auto detail = TRY(normalise(wanted.detail, "event " + wanted.type));
        Event event{++sequence,   now, wanted.type, wanted.subject, wanted.actor, std::move(detail.value),
                    previousHash, {}};
        event.hash = chainHash(previousHash, canonicalText(event, detail.text));
        previousHash = event.hash;
        change.logged.push_back({std::move(event), std::move(detail.text)});
    }
    change.latestSequence = sequence;
    change.headHash = std::move(previousHash);
    return {};
}

void State::apply(const Change& change) {
    SWB_ASSERT(change.empty() || change.revision == revision_ + 1, "changes are applied in the order of preparation");
    for (const auto& removed : change.removed) {
        auto& ofKind = documents_.find(removed.kind)->second;
        ofKind.erase(ofKind.find(removed.id));
    }
    for (const auto& written : change.written) loadDocument(written.document);
    for (const auto& logged : change.logged) {
        ++latestSequence_;
        SWB_ASSERT(logged.event.sequence == latestSequence_, "events have no gaps");
        loadEvent(logged);
    }
    SWB_ASSERT(change.latestSequence == latestSequence_, "the change ends where its last event does");
    headHash_ = change.headHash;
    revision_ = change.revision;
}

bool State::keepsAfter(int64_t sequence) const {
    sequence = std::max(sequence, anchor_.sequence);
    return sequence >= latestSequence_ || (!events_.empty() && events_.front().event.sequence <= sequence + 1);
}

std::vector<Event> State::eventsAfter(const EventQuery& query) const {
    std::vector<Event> out;
    const auto first = std::partition_point(events_.begin(), events_.end(), [&](const Change::Logged& logged) {
        return logged.event.sequence <= query.after;
    });
    for (auto logged = first; logged != events_.end() && out.size() < query.limit; ++logged)
        if (matches(logged->event, query)) out.push_back(logged->event);
    return out;
}

void State::loadDocument(Document document) {
    auto& ofKind = documents_[document.kind];
    std::string id = document.id;
    ofKind.insert_or_assign(std::move(id), std::move(document));
}

void State::loadEvent(Change::Logged logged) {
    events_.push_back(std::move(logged));
    if (events_.size() > eventsKept_) events_.pop_front();
}

void State::loadHead(int64_t revision, int64_t latestSequence, std::string headHash) {
    revision_ = revision;
    latestSequence_ = latestSequence;
    headHash_ = std::move(headHash);
}

void State::forget(Anchor anchor) {
    anchor_ = std::move(anchor);
    while (!events_.empty() && events_.front().event.sequence <= anchor_.sequence) events_.pop_front();
}

ChainVerifier::ChainVerifier(const Anchor& anchor) {
    report_.forgotten = anchor.sequence;
    report_.head = anchor.hash;
}

void ChainVerifier::broken(int64_t sequence, std::string problem) {
    report_.firstBroken = sequence;
    report_.problem = std::move(problem);
}

bool ChainVerifier::add(const Event& event, std::string_view detailText) {
    if (!report_.intact()) return false;
    const int64_t expected = report_.forgotten + report_.checked + 1;
    const std::string number = std::to_string(expected);
    if (event.sequence != expected)
        broken(expected, "event " + number + " is missing; the next one is " + std::to_string(event.sequence));
    else if (event.previousHash != report_.head)
        broken(expected, "event " + number + " does not follow the one before it");
    else if (event.hash != chainHash(report_.head, canonicalText(event, detailText)))
        broken(expected, "event " + number + " was altered: its hash is not that of its text");
    else {
        ++report_.checked;
        report_.head = event.hash;
    }
    return report_.intact();
}

ChainReport ChainVerifier::finish(int64_t latestSequence, std::string_view headHash) {
    const int64_t last = report_.forgotten + report_.checked;
    if (report_.intact() && (last != latestSequence || report_.head != headHash))
        broken(last + 1, "the log ends at event " + std::to_string(last) + "; it should end at " +
                             std::to_string(latestSequence) + " with another hash");
    return report_;
}

}  // namespace swb::store
