#include "agent/verbs/arguments.h"

#include <algorithm>

#include "model/copy.h"

namespace swb::agent {
namespace {

constexpr size_t verifierBytesMax = 1024;

Result<const JsonArray*> databaseList(VerbCall& call) {
    Arguments reader(call.args());
    const JsonArray* list = reader.array("databases");
    TRY_VOID(reader.finish());
    if (!list || list->empty()) return fail(ErrorCode::InvalidInput, "databases must name at least one database");
    if (list->size() > limits::databasesPerApplication)
        return fail(ErrorCode::TooLarge,
                    "databases has more than " + std::to_string(limits::databasesPerApplication) + " elements");
    return list;
}

Result<void> eachOnce(const std::vector<DatabaseItem>& items) {
    for (size_t i = 0; i < items.size(); ++i)
        for (size_t j = 0; j < i; ++j)
            if (items[i].key == items[j].key)
                return fail(ErrorCode::InvalidInput, "databases names " + items[i].key.text() + " twice");
    return {};
}

}  // namespace

Result<DatabaseItem> databaseItem(VerbCall& call, const Json& database) {
    DatabaseItem item;
    item.spec = TRY(databaseFromJson(database, textAt(database, "name")));
    item.spec.name = textAt(database, "name");
    TRY_VOID(checkedName("database", item.spec.name));
    item.key = call.services.applications.keyOf(item.spec);
    item.driver = TRY(call.services.drivers.database(item.spec.engine));
    return item;
}

Result<DatabaseItem> oneDatabase(VerbCall& call) {
    const Json* database = memberAt(call.args(), "database");
    if (!database) return fail(ErrorCode::InvalidInput, "database is required");
    return databaseItem(call, *database);
}

Result<std::vector<DatabaseItem>> plainDatabases(VerbCall& call) {
    std::vector<DatabaseItem> items;
    const JsonArray* list = TRY(databaseList(call));
    for (const Json& element : *list) items.push_back(TRY(databaseItem(call, element)));
    TRY_VOID(eachOnce(items));
    return items;
}

Result<std::vector<DatabaseItem>> describedDatabases(VerbCall& call) {
    std::vector<DatabaseItem> items;
    const JsonArray* list = TRY(databaseList(call));
    for (const Json& element : *list) {
        const Json* database = memberAt(element, "database");
        if (!database) return fail(ErrorCode::InvalidInput, "databases has an element without database");
        DatabaseItem item = TRY(databaseItem(call, *database));
        if (const Json* peer = memberAt(element, "peer")) item.peer = TRY(peerFromJson(*peer));
        item.slot = textAt(element, "slot");
        if (const Json* token = memberAt(element, "token")) {
            item.token = driver::Token{textAt(*token, "database"), *token};
            if (item.token.database != item.spec.name)
                return fail(ErrorCode::InvalidInput, "the token of database " + item.spec.name + " belongs to another");
        }
        items.push_back(std::move(item));
    }
    TRY_VOID(eachOnce(items));
    return items;
}

Result<driver::Peer> peerFromJson(const Json& value) {
    Arguments reader(value, "peer");
    driver::Peer peer;
    peer.application = reader.string("application");
    peer.host = reader.string("host");
    const int64_t port = reader.integer("port");
    if (port < 1 || port > 65535) reader.problem("port", "must be between 1 and 65535");
    if (!isIpAddress(peer.host) && !isHostName(peer.host)) reader.problem("host", "must be a name or an IP address");
    if (!isCopyName(peer.application)) reader.problem("application", "must be a name");
    peer.verifier = reader.string("verifier", "");
    if (peer.verifier.size() > verifierBytesMax) reader.problem("verifier", "is too long");
    if (const std::string copy = reader.string("copy", ""); !copy.empty()) {
        if (auto address = parseHostPort(copy))
            peer.copy = *address;
        else
            reader.problem("copy", "must be HOST:PORT");
    }
    TRY_VOID(reader.finish());
    peer.port = static_cast<uint16_t>(port);
    return peer;
}

Result<driver::Peer> requiredPeer(VerbCall& call) {
    const Json* peer = memberAt(call.args(), "peer");
    if (!peer) return fail(ErrorCode::InvalidInput, "peer is required");
    return peerFromJson(*peer);
}

Result<BootGuard> guardArgument(VerbCall& call, std::string_view role) {
    const Json* value = memberAt(call.args(), "guard");
    if (!value) return fail(ErrorCode::InvalidInput, "guard is required");
    BootGuard guard = TRY(bootGuardFromJson(*value));
    if (guard.role != role) return fail(ErrorCode::InvalidInput, "guard.role must be " + std::string(role));
    if (guard.epoch != call.command.epoch || guard.group != call.command.group)
        return fail(ErrorCode::InvalidInput, "guard must be of the command's own group and epoch");
    guard.at = SystemClock().now();
    return guard;
}

Result<std::vector<WebSpec>> webArguments(VerbCall& call) {
    Arguments reader(call.args());
    const JsonArray* list = reader.array("web");
    TRY_VOID(reader.finish());
    std::vector<WebSpec> fronts;
    if (!list) return fronts;
    if (list->size() > limits::serversPerApplication) return fail(ErrorCode::TooLarge, "web has too many elements");
    for (const Json& element : *list) fronts.push_back(TRY(webFromJson(element)));
    return fronts;
}

Result<Locks::Held> lockDatabases(VerbCall& call, const std::vector<DatabaseItem>& items,
                                  std::optional<MonotonicMs> deadline) {
    std::vector<std::string> names;
    for (const auto& item : items) names.push_back("database:" + item.key.text());
    return call.services.locks.acquire(std::move(names), deadline.value_or(call.deadline));
}

Result<Locks::Held> lockApplication(VerbCall& call, const std::string& application) {
    return call.services.locks.acquire({"application:" + application}, call.deadline);
}

Json inspectDatabase(VerbCall& call, const DatabaseItem& item, const driver::Peer* peer, MonotonicMs deadline) {
    Json facts = item.driver->inspect(item.spec, peer, call.contextFor(item.spec, deadline));
    if (facts.is_object()) facts.as_object()["guard"] = call.services.guards.facts(item.key);
    return facts;
}

tl::unexpected<Error> notDone(const VerbCall& call, std::string_view seen) {
    return fail(ErrorCode::NotDone, "the agent ended in the middle of " + call.command.verb + "; " + std::string(seen),
                "repeat it or undo it; both are safe");
}

tl::unexpected<Error> interrupted(const VerbCall& call, std::string_view seen) {
    return fail(ErrorCode::Interrupted,
                "the agent ended in the middle of " + call.command.verb + "; " + std::string(seen),
                "repeat the same command with a new id: it completes what was begun");
}

Result<Json> settleNotDone(VerbCall& call) {
    return notDone(call, "its goal does not count as reached");
}

}  // namespace swb::agent
