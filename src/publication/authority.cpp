#include "publication/authority.h"

#include "dns/rdata.h"
#include "dns/resolve.h"

namespace swb::publication {
namespace {

constexpr size_t serversAsked = 3;  // of one zone

// The zone that a CNAME of this name is in. It lies above the name: a zone's top cannot be a CNAME.
Result<dns::Name> zoneAbove(const dns::Name& name, const SurveySettings& settings) {
    for (dns::NameView view = name; !view.isRoot();) {
        view = view.parent();
        const dns::Name above(view);
        const dns::Response response = TRY(askResolvers(above, dns::type::soa, settings));
        // In the answer when `above` is a zone's top, otherwise in what says that it is none.
        for (const auto* section : {&response.answers, &response.authorities})
            for (const dns::ReceivedRecord& record : *section)
                if (record.type == dns::type::soa && above.view().isAtOrBelow(record.name)) return record.name;
    }
    return fail(ErrorCode::NotFound, "the resolvers know no zone that " + name.toText() + " is in");
}

Result<uint32_t> aliasTtlAt(const dns::Endpoint& server, const dns::Name& name, const SurveySettings& settings) {
    const dns::Response response = TRY(dns::ask(server, name, dns::type::cname, settings.timeoutMs));
    if (!response.isAuthoritative())
        return fail(ErrorCode::VerificationFailed, server.toText() + " is not authoritative for " + name.toText());
    for (const dns::ReceivedRecord& record : response.answers)
        if (record.type == dns::type::cname && record.name == name) return record.ttlSeconds;
    return fail(ErrorCode::NotFound, server.toText() + " has no CNAME record of " + name.toText());
}

}  // namespace

Result<uint32_t> aliasTtl(const dns::Name& name, const SurveySettings& settings, uint16_t port) {
    const dns::Name zone = TRY(zoneAbove(name, settings));
    const dns::Response servers = TRY(askResolvers(zone, dns::type::ns, settings));
    Result<uint32_t> last = fail(ErrorCode::NotFound, "the resolvers know no name server of " + zone.toText());
    size_t asked = 0;
    for (const dns::ReceivedRecord& record : servers.answers) {
        if (record.type != dns::type::ns || record.name != zone || asked == serversAsked) continue;
        const auto addresses = resolveHost(dns::nameInRdata(record.data).toText(), settings);
        if (!addresses) continue;
        ++asked;
        last = aliasTtlAt({addresses->front(), port}, name, settings);
        if (last) return last;
    }
    return last;
}

}  // namespace swb::publication
