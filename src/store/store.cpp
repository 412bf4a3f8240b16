#include "store/store.h"

#include <algorithm>

namespace swb::store {

int64_t Committed::versionOf(std::string_view kind, std::string_view id) const {
    const auto found = std::find_if(changes.begin(), changes.end(),
                                    [&](const Changed& change) { return change.kind == kind && change.id == id; });
    return found == changes.end() ? 0 : found->version;
}

bool Committed::touches(std::string_view kind) const {
    return std::any_of(changes.begin(), changes.end(), [&](const Changed& change) { return change.kind == kind; });
}

namespace {

// Kinds of documents that a person names, and how to list them.
std::string hintFor(std::string_view kind) {
    for (const std::string_view listed : {"group", "run", "site", "server"})
        if (kind == listed) return "`swing " + std::string(kind) + " list` shows what there is.";
    return kind == "application" ? "`swing app list` shows what there is." : "";
}

}  // namespace

Result<Document> getOrFail(const Store& store, std::string_view kind, std::string_view id) {
    auto document = TRY(store.get(kind, id));
    if (!document)
        return fail(ErrorCode::NotFound, "there is no " + std::string(kind) + " " + std::string(id), hintFor(kind));
    return std::move(*document);
}

Result<Committed> commitWithRetry(Store& store, const std::function<Result<Commit>()>& build, int attempts) {
    for (;;) {
        const Commit commit = TRY(build());
        auto committed = store.commit(commit);
        if (committed || committed.error().code != ErrorCode::Conflict || --attempts <= 0) return committed;
    }
}

}  // namespace swb::store
