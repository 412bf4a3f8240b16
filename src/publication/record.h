// The journal of one publication: one document of the store, written before every call that may change anything.
#pragma once

#include <string>

#include "base/clock.h"
#include "publication/provider.h"

namespace swb::publication {

// none: nothing was ever wanted.   intended: the intent is on disk, the call may have begun.
// submitted: the provider took it, and is not in sync yet.   verifying: its name servers are asked.
// Ends: published, partial (some name servers answer something else), unknown (it may or may not have happened, and the
// provider cannot be read), conflict (the name is not ours, or not what it was), failed (it was not done).
enum class Standing { none, intended, submitted, verifying, published, partial, unknown, conflict, failed };

std::string_view nameOf(Standing standing);
inline bool isEnd(Standing standing) {
    return standing >= Standing::published || standing == Standing::none;
}

struct Target {
    std::string group;  // fg-…
    int64_t epoch = 0;
    RecordSet set;

    bool operator==(const Target&) const = default;
};

struct Intent {
    int64_t epoch = 0;
    std::optional<RecordSet> before;
    RecordSet after;
    UnixMs at = 0;
    bool open = false;  // it is not known how it ended
};

struct Record {
    std::optional<Target> wanted;
    Standing standing = Standing::none;
    std::string detail;  // a sentence for people about the standing
    std::string hint;
    std::optional<Intent> intent;     // the newest
    std::optional<Target> published;  // the newest that the provider has taken
    std::string change;               // the provider's id of the change under way
    UnixMs writtenAt = 0;             // the newest write that the provider took, or did not; 0: none is known
    std::string writeProblem;         // why it did not; empty: it took it
    UnixMs standingAt = 0;
};

Json toJson(const RecordSet& set);
Result<RecordSet> recordSetFromJson(const Json& value, std::string path);
Json toJson(const Record& record);
Result<Record> recordFromJson(const Json& value);

}  // namespace swb::publication
