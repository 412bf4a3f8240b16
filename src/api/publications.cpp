// Publications elsewhere and the credentials they use.
#include <algorithm>

#include "api/route.h"
#include "base/ids.h"

namespace swb::api {
namespace {

constexpr size_t credentialBytesMax = 4096;

Result<dispatch::Publications*> service(const Context& context) {
    if (!context.publications) return fail(ErrorCode::Unsupported, "this controller publishes nothing elsewhere");
    return context.publications;
}

Result<Group> groupOf(const Context& context, const std::string& name) {
    return groupFromJson(TRY(store::getOrFail(context.store, "group", name)).body);
}

// {group}, {name}, {type}
Result<std::pair<Group, Publication>> namedIn(const Context& context, const Call& call) {
    Group group = TRY(groupOf(context, call.parts[0]));
    const Publication* found = findPublication(group, call.parts[1] + "/" + call.parts[2]);
    if (!found)
        return fail(ErrorCode::NotFound,
                    "the group " + group.name + " does not publish " + call.parts[1] + " (" + call.parts[2] + ")");
    return std::pair(group, *found);
}

// What the group's current application is reached at.
Result<std::vector<std::string>> currentAddresses(const Context& context, const Group& group) {
    if (group.current.empty())
        return fail(ErrorCode::NotReady, "the group " + group.name + " has no current application",
                    "`swing group update --primary APP` names one");
    return answeredAddresses(group, TRY(loadApplication(context, group.current)));
}

// One name belongs to one group of this controller.
Result<void> checkFree(const Context& context, const Publication& publication) {
    for (const store::Document& document : TRY(context.store.list("group"))) {
        const Group other = TRY(groupFromJson(document.body));
        for (const Publication& present : other.publications)
            if (present.name == publication.name && (present.key() == publication.key()))
                return fail(ErrorCode::AlreadyExists, publication.name + " (" + std::string(nameOf(publication.type)) +
                                                          ") is published by the group " + other.name);
    }
    return {};
}

Result<void> putGroup(Context& context, const Call& call, Group group, int64_t version, const char* event,
                      const std::string& key) {
    group.updatedAt = context.clock.now();
    store::Commit commit;
    commit.puts.push_back({"group", group.name, version, toJson(group)});
    commit.events.push_back({event, "group/" + group.name, call.actorText(), JsonObject{{"publication", key}}});
    TRY(context.store.commit(commit));
    return {};
}

}  // namespace

Result<Response> listPublications(Context& context, const Call& call) {
    dispatch::Publications& publications = *TRY(service(context));
    const std::string only = call.request.parameter("group");
    if (!only.empty()) TRY(store::getOrFail(context.store, "group", only));
    JsonArray out;
    for (const store::Document& document : TRY(context.store.list("group"))) {
        const Group group = TRY(groupFromJson(document.body));
        if (!only.empty() && group.name != only) continue;
        for (const Publication& publication : group.publications)
            out.push_back(publications.describe(group, publication));
    }
    return Response{200, JsonObject{{"publications", out}}};
}

Result<Response> addPublication(Context& context, const Call& call) {
    dispatch::Publications& publications = *TRY(service(context));
    const Publication publication = TRY(publicationFromJson(TRY(call.json())));
    const store::Document document = TRY(store::getOrFail(context.store, "group", call.parts[0]));
    Group group = TRY(groupFromJson(document.body));
    if (!group.busy.empty()) return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy);
    if (group.publications.size() >= limits::publicationsPerGroup)
        return fail(ErrorCode::TooLarge, group.name + " has its most publications");
    TRY_VOID(checkFree(context, publication));
    if (publication.zone == context.zone || publication.name.ends_with("." + context.zone))
        return fail(ErrorCode::InvalidInput, publication.name + " is in the zone that this controller serves itself",
                    "point a CNAME of your own domain at " + group.address);
    if (publication.credential.starts_with("secret:"))
        TRY(store::getOrFail(context.store, "credential", publication.credential.substr(7)));
    group.publications.push_back(publication);
    TRY_VOID(putGroup(context, call, group, document.version, "publication.added", publication.key()));
    publications.reconcile();
    return Response{201, JsonObject{{"publication", publications.describe(group, publication)}}};
}

Result<Response> removePublication(Context& context, const Call& call) {
    dispatch::Publications& publications = *TRY(service(context));
    const store::Document document = TRY(store::getOrFail(context.store, "group", call.parts[0]));
    auto [group, publication] = TRY(namedIn(context, call));
    if (!group.busy.empty()) return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy);
    const bool withdrawing = call.request.parameter("withdraw") == "true";
    if (withdrawing) TRY_VOID(publications.withdraw(group, publication.key()));
    std::erase(group.publications, publication);
    TRY_VOID(putGroup(context, call, group, document.version,
                      withdrawing ? "publication.withdrawn" : "publication.removed", publication.key()));
    publications.reconcile();
    return Response{200, JsonObject{{"withdrawn", withdrawing}}};
}

Result<Response> checkPublication(Context& context, const Call& call) {
    dispatch::Publications& publications = *TRY(service(context));
    const auto [group, publication] = TRY(namedIn(context, call));
    return Response{200, JsonObject{{"publication", TRY(publications.look(group, publication.key()))}}};
}

Result<Response> adoptPublication(Context& context, const Call& call) {
    dispatch::Publications& publications = *TRY(service(context));
    const Json body = TRY(call.json());
    JsonReader reader(body);
    dispatch::Publications::Adoption adoption;
    adoption.replace = reader.boolean("replace", false);
    adoption.takeOver = reader.string("takeOver", "");
    TRY_VOID(reader.finish());
    const auto [group, publication] = TRY(namedIn(context, call));
    if (!group.busy.empty()) return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy);
    TRY_VOID(publications.adopt(group, publication.key(), TRY(currentAddresses(context, group)), adoption));
    store::Commit commit;
    commit.events.push_back({"publication.adopted", "group/" + group.name, call.actorText(),
                             JsonObject{{"publication", publication.key()}}});
    TRY(context.store.commit(commit));
    return Response{202, JsonObject{{"publication", publications.describe(group, publication)}}};
}

Result<Response> listCredentials(Context& context, const Call&) {
    JsonArray out;
    for (const store::Document& document : TRY(context.store.list("credential")))
        out.push_back(JsonObject{{"name", document.id}, {"updatedAt", isoTime(integerAt(document.body, "updatedAt"))}});
    return Response{200, JsonObject{{"credentials", out}}};
}

Result<Response> putCredential(Context& context, const Call& call) {
    const std::string name = TRY(checkedName("credential", call.parts[0]));
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const Secret value(reader.string("value"));
    TRY_VOID(reader.finish());
    const std::string& text = value.reveal();
    const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
    if (text.empty() || text.size() > credentialBytesMax || !plain)
        return fail(ErrorCode::InvalidInput, "a credential is one line of at most 4096 characters");
    store::Commit commit;
    commit.puts.push_back(
        {"credential", name, store::anyVersion,
         JsonObject{{"sealed", context.sealer.seal(value, dispatch::Publications::credentialId(name))},
                    {"updatedAt", context.clock.now()}}});
    commit.events.push_back({"credential.changed", "credential/" + name, call.actorText(), JsonObject{}});
    TRY(context.store.commit(commit));
    return Response{200, JsonObject{{"name", name}}};
}

Result<Response> deleteCredential(Context& context, const Call& call) {
    const store::Document document = TRY(store::getOrFail(context.store, "credential", call.parts[0]));
    for (const store::Document& other : TRY(context.store.list("group")))
        for (const Group group = TRY(groupFromJson(other.body)); const Publication& publication : group.publications)
            if (publication.credential == "secret:" + document.id)
                return fail(ErrorCode::InUse, "the group " + other.id + " publishes " + publication.name + " with it",
                            "remove that publication first");
    store::Commit commit;
    commit.removes.push_back({"credential", document.id, document.version});
    commit.events.push_back({"credential.deleted", "credential/" + document.id, call.actorText(), JsonObject{}});
    TRY(context.store.commit(commit));
    return Response{200, JsonObject{}};
}

}  // namespace swb::api
