// The test of a failover address (F14): what is answered, by whom.
#include <algorithm>

#include "api/route.h"
#include "publication/address_report.h"

namespace swb::api {
namespace {

using publication::AddressQuestion;

// The name server's own sockets, and what the zone's NS records name: at the port of the socket with that address.
std::vector<publication::NameServerAddress> ownServers(const Context& context) {
    const auto endpoints = context.publisher.server().endpoints();
    std::vector<publication::NameServerAddress> out;
    if (context.publications)
        for (const publication::NameServerAddress& named : context.publications->settings().ownServers) {
            out.push_back(named);
            for (const dns::Endpoint& endpoint : endpoints)
                if (endpoint.address == named.endpoint.address) out.back().endpoint = endpoint;
        }
    for (const dns::Endpoint& endpoint : endpoints) {
        const bool listed =
            std::any_of(out.begin(), out.end(), [&](const auto& server) { return server.endpoint == endpoint; });
        if (!listed && !endpoint.address.isUnspecified()) out.push_back({"this controller", endpoint});
    }
    return out;
}

Result<AddressQuestion> questionOf(const Context& context, const Group& group) {
    AddressQuestion question;
    question.group = group.name;
    question.groupId = group.id;
    question.name = group.address;
    question.zone = context.zone;
    question.epoch = group.epoch;
    question.ttl = group.answeredTtl();
    question.ownServers = ownServers(context);
    if (context.publications) question.resolvers = context.publications->settings().resolvers;
    question.domains = group.domains;
    for (const Publication& publication : group.publications) question.published.push_back(publication.name);
    if (!group.current.empty())
        question.expected = answeredAddresses(group, TRY(loadApplication(context, group.current)));
    std::sort(question.expected.begin(), question.expected.end());
    return question;
}

}  // namespace

Result<Response> testAddress(Context& context, const Call& call) {
    const Group group = TRY(groupFromJson(TRY(store::getOrFail(context.store, "group", call.parts[0])).body));
    const AddressQuestion question = TRY(questionOf(context, group));
    const publication::AddressReport report = publication::askAddress(question);
    Json out = publication::toJson(report);
    JsonObject& object = out.as_object();
    object["group"] = group.name;
    object["address"] = group.address;
    object["epoch"] = group.epoch;
    object["ttl"] = question.ttl;
    object["expected"] = JsonArray(question.expected.begin(), question.expected.end());
    object["at"] = isoTime(context.clock.now());
    // Kept for readiness, which says how old it is; what cannot be kept is still an answer.
    store::Commit commit;
    commit.puts.push_back({"address-test", group.name, store::anyVersion,
                           JsonObject{{"at", context.clock.now()}, {"warnings", object.at("warnings")}}});
    if (auto kept = context.store.commit(commit); !kept) return Response{200, JsonObject{{"address", out}}};
    return Response{200, JsonObject{{"address", out}}};
}

}  // namespace swb::api
