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

Result<Document> getOrFail(const Store& store, std::string_view kind, std::string_view id) {
    auto document = TRY(store.get(kind, id));
    if (!document) return fail(ErrorCode::NotFound, "there is no " + std::string(kind) + " " + std::string(id));
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
