#include "model/group.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ids.h"
#include "crypto/digest.h"
#include "model/copy.h"
#include "model/names.h"

namespace swb {
namespace {

constexpr NameTable<Role, 3> roles = {
    {{"viewer", Role::viewer}, {"operator", Role::operator_}, {"admin", Role::admin}}};
constexpr NameTable<LinkState, 7> linkStates = {{{"none", LinkState::none},
                                                 {"seeding", LinkState::seeding},
                                                 {"streaming", LinkState::streaming},
                                                 {"behind", LinkState::behind},
                                                 {"broken", LinkState::broken},
                                                 {"diverged", LinkState::diverged},
                                                 {"stopped", LinkState::stopped}}};

}  // namespace

std::string_view nameOf(Role role) {
    return nameIn(roles, role);
}
std::optional<Role> roleFromName(std::string_view name) {
    return valueIn(roles, name);
}
std::string_view nameOf(LinkState state) {
    return nameIn(linkStates, state);
}

std::string Link::slotFor(std::string_view application) {
    // PostgreSQL slot names: a-z, 0-9 and '_', at most 63 bytes. What must be cut, and what has a dot, gets its
    // hash: one name, one slot.
    constexpr size_t bytesMax = 63, hashBytes = 12;
    std::string slot = "swb_";
    for (const char c : application) slot += c == '-' || c == '.' ? '_' : c;
    if (slot.size() <= bytesMax && !isInside(application)) return slot;
    return slot.substr(0, bytesMax - hashBytes - 1) + "_" + crypto::sha256Hex(application).substr(0, hashBytes);
}

std::string randomLabel() {
    return fmt::format("{:03}-{:03}-{:03}", randomBelow(1000), randomBelow(1000), randomBelow(1000));
}

Json toJson(const Site& site) {
    return JsonObject{{"name", site.name}, {"title", site.title}};
}

Result<Site> siteFromJson(const Json& value) {
    JsonReader reader(value, "site");
    Site site{reader.string("name"), reader.string("title", "")};
    TRY_VOID(reader.finish());
    return site;
}

Json toJson(const Server& server) {
    return JsonObject{{"name", server.name},
                      {"site", server.site},
                      {"joinedAt", server.joinedAt},
                      {"certificateFingerprint", server.certificateFingerprint}};
}

Result<Server> serverFromJson(const Json& value) {
    JsonReader reader(value, "server");
    Server server{reader.string("name"), reader.string("site"), reader.integer("joinedAt", 0),
                  reader.string("certificateFingerprint", "")};
    TRY_VOID(reader.finish());
    return server;
}

Json toJson(const JoinToken& token) {
    return JsonObject{{"hash", token.hash},
                      {"server", token.server},
                      {"site", token.site},
                      {"expiresAt", token.expiresAt},
                      {"usedAt", token.usedAt}};
}

Result<JoinToken> joinTokenFromJson(const Json& value) {
    JsonReader reader(value, "joinToken");
    JoinToken token{reader.string("hash"), reader.string("server"), reader.string("site"), reader.integer("expiresAt"),
                    reader.integer("usedAt", 0)};
    TRY_VOID(reader.finish());
    return token;
}

Json toJson(const ApiToken& token) {
    return JsonObject{{"id", token.id},
                      {"hash", token.hash},
                      {"name", token.name},
                      {"role", nameOf(token.role)},
                      {"expiresAt", token.expiresAt}};
}

Result<ApiToken> apiTokenFromJson(const Json& value) {
    JsonReader reader(value, "apiToken");
    ApiToken token;
    token.id = reader.string("id");
    token.hash = reader.string("hash");
    token.name = reader.string("name", "");
    token.role = readEnum(reader, "role", roles, Role::viewer);
    token.expiresAt = reader.integer("expiresAt", 0);
    TRY_VOID(reader.finish());
    return token;
}

std::vector<std::string> answeredAddresses(const Group& group, const Application& application) {
    const auto all = application.frontAddresses();
    const auto chosen = group.fronts.find(application.name);
    if (chosen == group.fronts.end()) return all;
    std::vector<std::string> kept;
    for (const std::string& address : all)
        if (std::find(chosen->second.begin(), chosen->second.end(), address) != chosen->second.end())
            kept.push_back(address);
    // A front that was chosen and is gone must not leave the address empty.
    return kept.empty() ? all : kept;
}

Json toJson(const Group& group) {
    JsonObject fronts;
    for (const auto& [application, addresses] : group.fronts)
        fronts[application] = JsonArray(addresses.begin(), addresses.end());
    JsonArray publications;
    for (const Publication& publication : group.publications) publications.push_back(toJson(publication));
    return JsonObject{{"id", group.id},
                      {"name", group.name},
                      {"primary", group.primary},
                      {"secondary", group.secondary},
                      {"current", group.current},
                      {"label", group.label},
                      {"address", group.address},
                      {"ttl", group.ttl},
                      {"epoch", group.epoch},
                      {"busy", group.busy},
                      {"outageBudgetMs", group.outageBudgetMs},
                      {"protected", group.isProtected},
                      {"fronts", fronts},
                      {"domains", JsonArray(group.domains.begin(), group.domains.end())},
                      {"lowTtl", group.lowTtl},
                      {"ttlLoweredAt", group.ttlLoweredAt},
                      {"publications", publications},
                      {"lagAlertBytes", group.lagAlertBytes},
                      {"lagAlertSeconds", group.lagAlertSeconds},
                      {"createdAt", group.createdAt},
                      {"updatedAt", group.updatedAt}};
}

const Publication* findPublication(const Group& group, std::string_view key) {
    for (const Publication& publication : group.publications)
        if (publication.key() == key) return &publication;
    return nullptr;
}

Result<std::map<std::string, std::vector<std::string>>> groupFrontsFromJson(JsonReader& reader) {
    std::map<std::string, std::vector<std::string>> fronts;
    const JsonObject* object = reader.object("fronts");
    if (!object) return fronts;
    const Json value(*object);
    JsonReader inner(value, reader.pathOf("fronts"));
    for (const auto& member : *object) fronts[std::string(member.key())] = inner.strings(member.key());
    TRY_VOID(inner.finish());
    return fronts;
}

Result<Group> groupFromJson(const Json& value) {
    JsonReader reader(value, "group");
    Group group;
    group.id = reader.string("id");
    group.name = reader.string("name");
    group.primary = reader.string("primary", "");
    group.secondary = reader.string("secondary", "");
    group.current = reader.string("current", "");
    group.label = reader.string("label");
    group.address = reader.string("address");
    group.ttl = reader.integer("ttl", 300);
    group.epoch = reader.integer("epoch", 0);
    group.busy = reader.string("busy", "");
    group.outageBudgetMs = reader.integer("outageBudgetMs", limits::outageBudgetMs);
    group.isProtected = reader.boolean("protected", false);
    group.fronts = TRY(groupFrontsFromJson(reader));
    group.domains = reader.strings("domains");
    group.lowTtl = reader.integer("lowTtl", group.lowTtl);
    group.ttlLoweredAt = reader.integer("ttlLoweredAt", 0);
    if (const JsonArray* publications = reader.array("publications"))
        for (const Json& publication : *publications)
            group.publications.push_back(TRY(publicationFromJson(publication, "group.publications")));
    group.lagAlertBytes = reader.integer("lagAlertBytes", group.lagAlertBytes);
    group.lagAlertSeconds = reader.integer("lagAlertSeconds", group.lagAlertSeconds);
    group.createdAt = reader.integer("createdAt", 0);
    group.updatedAt = reader.integer("updatedAt", 0);
    TRY_VOID(reader.finish());
    return group;
}

Json toJson(const Link& link) {
    return JsonObject{{"from", link.from},
                      {"to", link.to},
                      {"database", link.database},
                      {"engine", link.engine},
                      {"since", link.since}};
}

Result<Link> linkFromJson(const Json& value) {
    JsonReader reader(value, "link");
    Link link{reader.string("from"), reader.string("to"), reader.string("database"), reader.string("engine"),
              reader.integer("since", 0)};
    TRY_VOID(reader.finish());
    return link;
}

}  // namespace swb
