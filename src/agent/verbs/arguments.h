// Reading the arguments that several verbs share. A problem is reported with its path; nothing was done then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/verb.h"
#include "base/ids.h"
#include "base/limits.h"
#include "driver/database_driver.h"

namespace swb::agent {

// Members a newer controller adds are ignored, as in messages.
class Arguments : public JsonReader {
  public:
    explicit Arguments(const Json& value, std::string path = {}) : JsonReader(value, std::move(path)) {
        allowUnknown();
    }
};

// A database with what a verb's list says about it.
struct DatabaseItem {
    DatabaseSpec spec;
    DatabaseKey key;
    driver::DatabaseDriver* driver = nullptr;
    driver::Peer peer;    // rejoin
    std::string slot;     // rejoin
    driver::Token token;  // take-over, rejoin
};

Result<DatabaseItem> databaseItem(VerbCall& call, const Json& database);
// args.database
Result<DatabaseItem> oneDatabase(VerbCall& call);
// args.databases as [DB…]; at least one, each once.
Result<std::vector<DatabaseItem>> plainDatabases(VerbCall& call);
// args.databases as [{database: DB, token?, peer?, slot?}…].
Result<std::vector<DatabaseItem>> describedDatabases(VerbCall& call);
Result<driver::Peer> peerFromJson(const Json& value);
Result<driver::Peer> requiredPeer(VerbCall& call);
Result<BootGuard> guardArgument(VerbCall& call, std::string_view role);
Result<std::vector<WebSpec>> webArguments(VerbCall& call);

// Until the verb's own deadline unless it has less time for this: somebody may be looking at a server that hangs.
Result<Locks::Held> lockDatabases(VerbCall& call, const std::vector<DatabaseItem>& items,
                                  std::optional<MonotonicMs> deadline = std::nullopt);
Result<Locks::Held> lockApplication(VerbCall& call, const std::string& application);

// database.inspect's facts, with the boot guard that only the agent knows.
Json inspectDatabase(VerbCall& call, const DatabaseItem& item, const driver::Peer* peer, MonotonicMs deadline);

// For settle functions: the two ways of not having reached the goal.
tl::unexpected<Error> notDone(const VerbCall& call, std::string_view seen);
tl::unexpected<Error> interrupted(const VerbCall& call, std::string_view seen);
Result<Json> settleNotDone(VerbCall& call);

}  // namespace swb::agent
