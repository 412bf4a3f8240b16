#include "publication/address_report.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "dns/exchange.h"
#include "dns/resolve.h"
#include "publication/authority.h"

namespace swb::publication {
namespace {

constexpr uint16_t typeHttps = 65;
constexpr uint16_t ipv4Hint = 4, ipv6Hint = 6;
constexpr size_t chainMax = 16;
constexpr uint32_t aliasTtlMax = 3600;
constexpr size_t linksAskedMax = 4;  // of a chain, at their own zones: the team's are the first ones
constexpr size_t otherResolversMax = 2;

std::string withoutDot(std::string text) {
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::string lowered(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return text;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
    return out.empty() ? "nothing" : out;
}

struct Asker {
    dns::Endpoint server;
    dns::Transport transport;
    dns::Recursion recursion;
    int64_t timeoutMs;

    Result<dns::Response> ask(const std::string& name, uint16_t type) const {
        const dns::Name parsed = TRY(dns::Name::fromText(name));
        dns::Response response = TRY(dns::ask(server, parsed, type, timeoutMs, transport, recursion));
        if (response.rcode != dns::rcode::noError && response.rcode != dns::rcode::nameError)
            return fail(ErrorCode::VerificationFailed, "it answers RCODE " + std::to_string(response.rcode));
        return response;
    }
};

void fillAnswer(const AddressQuestion& question, const Asker& asker, AddressAnswer& answer) {
    for (const uint16_t type : {dns::type::a, dns::type::aaaa}) {
        const auto response = asker.ask(question.name, type);
        if (!response) {
            answer.problem = response.error().message;
            return;
        }
        if (answer.own && !response->isAuthoritative()) answer.problem = "it is not authoritative for the name";
        for (const dns::ReceivedRecord& record : response->answers) {
            if (record.type != type) continue;
            answer.addresses.push_back(dns::rdataToText(type, record.data));
            answer.ttlSeconds = record.ttlSeconds;
        }
    }
    std::sort(answer.addresses.begin(), answer.addresses.end());
    if (const auto text = asker.ask("_swingbridge." + question.name, dns::type::txt))
        for (const dns::ReceivedRecord& record : text->answers)
            if (record.type == dns::type::txt)
                answer.epoch = epochInText(dns::rdataToText(dns::type::txt, record.data));
    if (const auto soa = asker.ask(question.zone, dns::type::soa))
        for (const dns::ReceivedRecord& record : soa->answers) {
            if (record.type != dns::type::soa) continue;
            dns::WireReader reader({reinterpret_cast<const uint8_t*>(record.data.data()), record.data.size()});
            reader.plainName();
            reader.plainName();
            answer.serial = reader.u32();
        }
}

// By the first resolver that answers at all.
template <typename Use>
std::string byResolver(const AddressQuestion& question, const std::string& name, uint16_t type, const Use& use) {
    std::string problem = "no resolver is configured";
    for (const dns::Endpoint& resolver : question.resolvers) {
        const Asker asker{resolver, dns::Transport::udp, dns::Recursion::desired, question.timeoutMs};
        if (const auto response = asker.ask(name, type)) {
            use(*response);
            return "";
        } else {
            problem = response.error().message;
        }
    }
    return problem;
}

// The CNAME records of an answer, from this name on.
std::vector<DomainAnswer::Link> chainFrom(const std::string& domain, const dns::Response& response) {
    std::vector<DomainAnswer::Link> chain;
    std::string end = lowered(domain);
    while (chain.size() < chainMax) {
        const auto next = std::find_if(response.answers.begin(), response.answers.end(), [&](const auto& record) {
            return record.type == dns::type::cname && lowered(withoutDot(record.name.toText())) == end;
        });
        if (next == response.answers.end()) break;
        end = lowered(withoutDot(dns::nameInRdata(next->data).toText()));
        chain.push_back({end, next->ttlSeconds});
    }
    return chain;
}

// From what is left in the first resolver's cache to what the zones say; where they cannot be asked, to the most that
// any resolver has.
void findWholeTtls(const AddressQuestion& question, DomainAnswer& answer) {
    SurveySettings settings;
    settings.resolvers = question.resolvers;
    settings.timeoutMs = question.timeoutMs;
    bool isWhole = true;
    std::string owner = answer.name;
    for (size_t i = 0; i < answer.chain.size(); ++i) {
        DomainAnswer::Link& link = answer.chain[i];
        const auto name = dns::Name::fromText(owner);
        if (const auto ttl = i < linksAskedMax && name ? aliasTtl(*name, settings, question.authorityPort)
                                                       : Result<uint32_t>(fail(ErrorCode::NotFound, ""))) {
            link.ttlSeconds = *ttl;
            link.isExact = true;
        }
        isWhole &= link.isExact;
        owner = link.to;
    }
    for (size_t i = 1; !isWhole && i < std::min(question.resolvers.size(), otherResolversMax + 1); ++i) {
        const Asker asker{question.resolvers[i], dns::Transport::udp, dns::Recursion::desired, question.timeoutMs};
        const auto response = asker.ask(answer.name, dns::type::a);
        if (!response) continue;
        const auto other = chainFrom(answer.name, *response);
        for (size_t at = 0; at < std::min(other.size(), answer.chain.size()) && other[at].to == answer.chain[at].to;
             ++at)
            if (!answer.chain[at].isExact)
                answer.chain[at].ttlSeconds = std::max(answer.chain[at].ttlSeconds, other[at].ttlSeconds);
    }
}

DomainAnswer askDomain(const AddressQuestion& question, const std::string& domain) {
    DomainAnswer answer;
    answer.name = domain;
    answer.problem = byResolver(question, domain, dns::type::a, [&](const dns::Response& response) {
        answer.chain = chainFrom(domain, response);
        for (const dns::ReceivedRecord& record : response.answers)
            if (record.type == dns::type::a) answer.addresses.push_back(dns::rdataToText(dns::type::a, record.data));
        std::sort(answer.addresses.begin(), answer.addresses.end());
        if (answer.addresses.empty() && answer.chain.empty()) answer.problem = "it does not resolve";
    });
    if (!answer.problem.empty()) return answer;
    if (answer.addresses.empty() && answer.chain.empty()) answer.problem = "it does not resolve";
    findWholeTtls(question, answer);
    byResolver(question, domain, typeHttps, [&](const dns::Response& response) {
        for (const dns::ReceivedRecord& record : response.answers) {
            if (record.type != typeHttps) continue;
            for (std::string& hint : hintsIn(record.data)) answer.hints.push_back(std::move(hint));
        }
    });
    return answer;
}

void warnOfServers(const AddressQuestion& question, const AddressReport& report, std::vector<AddressWarning>& out) {
    for (const AddressAnswer& answer : report.answers) {
        if (!answer.own) continue;
        const std::string subject = answer.server.name + " at " + answer.server.endpoint.toText() +
                                    (answer.transport == dns::Transport::tcp ? " (TCP)" : " (UDP)");
        if (!answer.problem.empty())
            out.push_back({"own-server", subject, answer.problem, "is its service running, and is port 53 open?"});
        else if (answer.addresses != question.expected)
            out.push_back({"own-server", subject,
                           "it answers " + joined(answer.addresses) + ", not " + joined(question.expected),
                           "does it follow the zone? compare the serials"});
        if (answer.epoch && *answer.epoch < question.epoch)
            out.push_back({"old-epoch", subject,
                           "its answer is of epoch " + std::to_string(*answer.epoch) + ", the group is at " +
                               std::to_string(question.epoch),
                           "does it follow the zone? compare the serials"});
    }
}

void warnOfDomain(const AddressQuestion& question, const DomainAnswer& domain, std::vector<AddressWarning>& out) {
    const auto& published = question.published;
    if (!domain.problem.empty()) {
        out.push_back({"domain", domain.name, domain.problem, "create it: CNAME " + question.name + "."});
        return;
    }
    const bool leads = std::any_of(domain.chain.begin(), domain.chain.end(),
                                   [&](const DomainAnswer::Link& link) { return link.to == lowered(question.name); });
    const bool follows = std::find(published.begin(), published.end(), domain.name) != published.end();
    if (!leads && !follows) {
        const bool same = !domain.addresses.empty() && domain.addresses == question.expected;
        out.push_back({domain.chain.empty() ? "apex-bypass" : "domain-elsewhere", domain.name,
                       same ? "it has the group's addresses of its own: it will stay there at a switch"
                            : "it leads to " + joined(domain.addresses) + ", not to the group",
                       "point a CNAME at " + question.name + ".; where none is possible: `swing publication add`"});
    }
    for (const DomainAnswer::Link& link : domain.chain)
        if (link.ttlSeconds > aliasTtlMax)
            out.push_back({"cname-ttl", domain.name,
                           "its CNAME to " + link.to + " is kept for " + (link.isExact ? "" : "at least ") +
                               std::to_string(link.ttlSeconds) + " s",
                           "3600 s or less lets you point it elsewhere within an hour"});
    for (const std::string& hint : domain.hints)
        if (std::find(question.expected.begin(), question.expected.end(), hint) == question.expected.end())
            out.push_back({"hint-left-behind", domain.name,
                           "its HTTPS record hints at " + hint + ", which is not where the group is",
                           "remove ipv4hint and ipv6hint: browsers may go there without asking for the address"});
}

}  // namespace

std::optional<int64_t> epochInText(std::string_view text) {
    const size_t at = text.find("epoch=");
    if (at == std::string_view::npos) return std::nullopt;
    int64_t epoch = 0;
    const char* start = text.data() + at + 6;
    const auto [end, problem] = std::from_chars(start, text.data() + text.size(), epoch);
    if (problem != std::errc() || end == start || epoch < 0) return std::nullopt;
    return epoch;
}

std::vector<std::string> hintsIn(const dns::Rdata& data) {
    dns::WireReader reader({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    reader.u16();
    reader.plainName();
    std::vector<std::string> out;
    while (reader.ok() && !reader.atEnd()) {
        const uint16_t key = reader.u16();
        const auto value = reader.bytes(reader.u16());
        const size_t size = key == ipv4Hint ? 4 : key == ipv6Hint ? 16 : 0;
        if (!reader.ok() || (size && (value.empty() || value.size() % size))) return {};
        for (size_t at = 0; size && at < value.size(); at += size)
            out.push_back(dns::rdataToText(key == ipv4Hint ? dns::type::a : dns::type::aaaa,
                                           {reinterpret_cast<const char*>(value.data()) + at, size}));
    }
    return reader.ok() ? out : std::vector<std::string>();
}

std::vector<AddressWarning> warningsOf(const AddressQuestion& question, const AddressReport& report) {
    std::vector<AddressWarning> out;
    warnOfServers(question, report, out);
    if (report.delegation) {
        const auto& seen = *report.delegation;
        const bool ours = std::any_of(question.ownServers.begin(), question.ownServers.end(), [&](const auto& server) {
            return std::find(seen.begin(), seen.end(), lowered(server.name)) != seen.end();
        });
        if (!ours)
            out.push_back({"not-delegated", question.zone,
                           seen.empty() ? "the world knows no name server of the zone"
                                        : "the world asks " + joined(seen) + " for the zone",
                           "delegate it at the parent zone: NS records for every name server of this controller"});
    } else if (!report.delegationProblem.empty() && !question.resolvers.empty()) {
        out.push_back({"resolvers", question.zone, report.delegationProblem, "check `resolvers:` in swingd.yaml"});
    }
    for (const DomainAnswer& domain : report.domains) warnOfDomain(question, domain, out);
    return out;
}

AddressReport askAddress(const AddressQuestion& question) {
    AddressReport report;
    for (const NameServerAddress& server : question.ownServers)
        for (const dns::Transport transport : {dns::Transport::udp, dns::Transport::tcp})
            report.answers.push_back({.own = true, .server = server, .transport = transport});
    for (const dns::Endpoint& resolver : question.resolvers)
        report.answers.push_back({.server = {resolver.address.toText(), resolver}});
    report.domains.resize(question.domains.size());
    std::vector<std::thread> threads;
    for (AddressAnswer& answer : report.answers)
        threads.emplace_back([&question, &answer] {
            fillAnswer(question,
                       {answer.server.endpoint, answer.transport,
                        answer.own ? dns::Recursion::no : dns::Recursion::desired, question.timeoutMs},
                       answer);
        });
    for (size_t i = 0; i < question.domains.size(); ++i)
        threads.emplace_back([&, i] { report.domains[i] = askDomain(question, question.domains[i]); });
    report.delegationProblem = byResolver(question, question.zone, dns::type::ns, [&](const dns::Response& response) {
        report.delegation.emplace();
        for (const dns::ReceivedRecord& record : response.answers)
            if (record.type == dns::type::ns)
                report.delegation->push_back(lowered(withoutDot(dns::nameInRdata(record.data).toText())));
    });
    for (std::thread& thread : threads) thread.join();
    report.warnings = warningsOf(question, report);
    return report;
}

Json toJson(const AddressReport& report) {
    JsonArray servers, resolvers, domains, warnings;
    for (const AddressAnswer& answer : report.answers) {
        const bool good = answer.problem.empty();
        JsonObject entry{{"server", answer.server.name},
                         {"address", answer.server.endpoint.toText()},
                         {"transport", answer.transport == dns::Transport::tcp ? "tcp" : "udp"},
                         {"addresses", JsonArray(answer.addresses.begin(), answer.addresses.end())},
                         {"ttl", good && !answer.addresses.empty() ? Json(answer.ttlSeconds) : Json(nullptr)},
                         {"serial", answer.serial ? Json(*answer.serial) : Json(nullptr)},
                         {"epoch", answer.epoch ? Json(*answer.epoch) : Json(nullptr)},
                         {"problem", answer.problem}};
        (answer.own ? servers : resolvers).push_back(std::move(entry));
    }
    for (const DomainAnswer& domain : report.domains) {
        JsonArray chain;
        for (const auto& link : domain.chain)
            chain.push_back(JsonObject{{"to", link.to}, {"ttl", link.ttlSeconds}, {"exact", link.isExact}});
        domains.push_back(JsonObject{{"name", domain.name},
                                     {"chain", chain},
                                     {"addresses", JsonArray(domain.addresses.begin(), domain.addresses.end())},
                                     {"hints", JsonArray(domain.hints.begin(), domain.hints.end())},
                                     {"problem", domain.problem}});
    }
    for (const AddressWarning& warning : report.warnings)
        warnings.push_back(JsonObject{{"name", warning.name},
                                      {"subject", warning.subject},
                                      {"sentence", warning.sentence},
                                      {"hint", warning.hint}});
    JsonObject out{{"nameServers", servers},
                   {"resolvers", resolvers},
                   {"domains", domains},
                   {"delegation", nullptr},
                   {"warnings", warnings}};
    if (report.delegation) out["delegation"] = JsonArray(report.delegation->begin(), report.delegation->end());
    return out;
}

}  // namespace swb::publication
