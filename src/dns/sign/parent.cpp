#include "dns/sign/parent.h"

#include <algorithm>
#include <optional>

#include "dns/resolve.h"

namespace swb::dns::sign {

Result<ParentView> parentViewOf(const Response& response, const Name& zone) {
    if (response.rcode != rcode::noError)
        return fail(ErrorCode::VerificationFailed,
                    "the look-up of the DS of " + zone.toText() + " ended with RCODE " + std::to_string(response.rcode),
                    "is the zone delegated, and does the resolver reach its parent?");
    ParentView view;
    for (const ReceivedRecord& record : response.answers) {
        if (record.type != type::ds || !(record.name == zone)) continue;
        view.ttlSeconds = view.ds.empty() ? record.ttlSeconds : std::min(view.ttlSeconds, record.ttlSeconds);
        view.ds.push_back(record.data);
    }
    // "None" is an answer only of the parent: the zone's own servers would say so too, from the wrong side.
    const bool isOfZone =
        std::any_of(response.authorities.begin(), response.authorities.end(),
                    [&](const auto& record) { return record.type == type::soa && record.name == zone; });
    if (view.ds.empty() && isOfZone)
        return fail(ErrorCode::VerificationFailed, "the DS of " + zone.toText() + " was answered by the zone itself",
                    "name others under `resolvers:` in swingd.yaml");
    std::sort(view.ds.begin(), view.ds.end());
    return view;
}

Result<ParentView> askParent(const std::vector<Endpoint>& resolvers, const Name& zone, int64_t timeoutMs) {
    std::optional<ParentView> agreed;
    for (const Endpoint& resolver : resolvers) {
        const Response response = TRY(ask(resolver, zone, type::ds, timeoutMs, Transport::udp, Recursion::desired));
        ParentView view = TRY(parentViewOf(response, zone));
        if (agreed && agreed->ds != view.ds)
            return fail(ErrorCode::VerificationFailed, "the resolvers do not agree on the DS of " + zone.toText());
        // Caches count down; the longest is nearest to what the parent says.
        if (agreed) view.ttlSeconds = std::max(view.ttlSeconds, agreed->ttlSeconds);
        agreed = std::move(view);
    }
    if (!agreed)
        return fail(ErrorCode::InvalidInput, "no resolver is configured",
                    "name some under `resolvers:` in swingd.yaml");
    return *std::move(agreed);
}

}  // namespace swb::dns::sign
