// One publication and what is being done about it. Internal to dispatch/publication*.cpp.
#pragma once

#include "dispatch/publications.h"

namespace swb::dispatch {

// Kind of the documents that are the journal.
constexpr const char* publicationKind = "publication";

// "shop/www.shop.example/A": of the job, and of its journal's document.
inline std::string idOf(const std::string& group, const Publication& publication) {
    return group + "/" + publication.key();
}

inline std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
    return out.empty() ? "nothing" : out;
}

// Everything but machine, provider and next is guarded by the mutex; those belong to the thread that set `running`.
struct Publications::Job {
    Job(Group of, Publication what) : group(std::move(of)), publication(std::move(what)) {}

    Group group;
    Publication publication;
    publication::Record record;  // as it was stored last
    std::optional<publication::Survey> survey, resolvers;
    std::optional<publication::Target> target;  // to be given to the machine
    std::optional<Adoption> adoption;
    bool again = true;     // begin anew: a new target, a restart, an operator
    bool changed = false;  // the publication's own definition
    bool running = false;
    bool gone = false;
    std::string refusal, refusalHint;  // why the newest target was not taken
    MonotonicMs dueAt = 0, preflightAt = 0;
    UnixMs checkedAt = 0;
    std::string problem, problemHint;
    bool drift = false;  // the problem is what somebody else wrote
    int64_t requestsLeft = -1;

    std::unique_ptr<publication::Provider> provider;
    std::unique_ptr<publication::Machine> machine;
    publication::Action next = publication::action::Rest{};
};

}  // namespace swb::dispatch
