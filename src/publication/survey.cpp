#include "publication/survey.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "dns/exchange.h"
#include "dns/resolve.h"
#include "model/address.h"

namespace swb::publication {
namespace {

constexpr size_t serversMax = 26;  // 13 name servers with two addresses each
constexpr size_t resolversMax = 8;
constexpr size_t dissentersShown = 4;

uint16_t typeNumber(AddressType type) {
    return type == AddressType::a ? dns::type::a : dns::type::aaaa;
}

Result<void> addServer(const std::string& text, const SurveySettings& settings, std::vector<NameServerAddress>& out) {
    const HostPort host = TRY(parseHostPort(text, dns::defaultPort));
    if (isIpAddress(host.host)) {
        out.push_back({host.host, {TRY(dns::IpAddress::fromText(host.host)), host.port}});
        return {};
    }
    for (const dns::IpAddress& address : TRY(resolveHost(host.host, settings)))
        out.push_back({host.host, {address, host.port}});
    return {};
}

ServerAnswer askOne(const NameServerAddress& server, const Publication& publication, dns::Transport transport,
                    const SurveySettings& settings, dns::Recursion recursion = dns::Recursion::no) {
    ServerAnswer answer;
    answer.server = server;
    answer.transport = transport;
    if (!dns::hasRoute(server.endpoint)) {
        answer.asked = false;
        answer.problem = "there is no way to it from here";
        return answer;
    }
    const auto name = dns::Name::fromText(publication.name);
    const uint16_t type = typeNumber(publication.type);
    const auto response = name ? dns::ask(server.endpoint, *name, type, settings.timeoutMs, transport, recursion)
                               : Result<dns::Response>(fail(name.error()));
    if (!response) {
        answer.problem = response.error().message;
    } else if (response->rcode != dns::rcode::noError && response->rcode != dns::rcode::nameError) {
        answer.problem = "it answers RCODE " + std::to_string(response->rcode);
    } else if (recursion == dns::Recursion::no && !response->isAuthoritative()) {
        answer.problem = "it is not authoritative for the name";
    } else {
        RecordSet set;
        for (const dns::ReceivedRecord& record : response->answers) {
            if (record.name != *name || record.type != type) continue;
            set.ttlSeconds = record.ttlSeconds;
            set.values.push_back(dns::rdataToText(type, record.data));
        }
        std::sort(set.values.begin(), set.values.end());
        if (!set.values.empty()) answer.set = std::move(set);
    }
    return answer;
}

}  // namespace

Result<dns::Response> askResolvers(const dns::Name& name, uint16_t type, const SurveySettings& settings) {
    Result<dns::Response> last =
        fail(ErrorCode::InvalidInput, "no resolver is configured", "name some under `resolvers:` in swingd.yaml");
    for (const dns::Endpoint& resolver : settings.resolvers) {
        if (settings.stop && settings.stop->load()) break;
        last = dns::ask(resolver, name, type, settings.timeoutMs, dns::Transport::udp, dns::Recursion::desired);
        if (last && (last->rcode == dns::rcode::noError || last->rcode == dns::rcode::nameError)) return last;
        if (last)
            last = fail(ErrorCode::VerificationFailed,
                        "the resolver " + resolver.toText() + " answered RCODE " + std::to_string(last->rcode));
    }
    return last;
}

std::string ServerAnswer::where() const {
    const std::string address = server.endpoint.toText();
    return (server.name == server.endpoint.address.toText() ? address : server.name + " at " + address) +
           (transport == dns::Transport::tcp ? " (TCP)" : " (UDP)");
}

bool Survey::agrees(const RecordSet& wanted) const {
    bool any = false;
    for (const ServerAnswer& answer : answers) {
        if (!answer.asked) continue;
        if (!answer.set || answer.set->values != wanted.values) return false;
        any = true;
    }
    return any;
}

bool Survey::contradicts(const RecordSet& wanted) const {
    return std::any_of(answers.begin(), answers.end(), [&](const ServerAnswer& answer) {
        return answer.asked && answer.problem.empty() && (!answer.set || answer.set->values != wanted.values);
    });
}

std::string Survey::dissent(const RecordSet& wanted) const {
    std::string out;
    size_t shown = 0, more = 0, asked = 0;
    for (const ServerAnswer& answer : answers) {
        asked += answer.asked;
        if (!answer.asked || (answer.set && answer.set->values == wanted.values)) continue;
        if (shown++ >= dissentersShown) {
            ++more;
            continue;
        }
        out += (out.empty() ? "" : "; ") + answer.where() + ": ";
        if (!answer.problem.empty()) {
            out += answer.problem;
        } else if (!answer.set) {
            out += "answers no address";
        } else {
            out += "answers";
            for (const std::string& value : answer.set->values) out += " " + value;
        }
    }
    if (more) out += "; and " + std::to_string(more) + " more";
    if (asked == 0) out = "no name server of the zone could be asked";
    return out;
}

Json toJson(const Survey& survey) {
    JsonArray out;
    for (const ServerAnswer& answer : survey.answers) {
        JsonObject entry{{"server", answer.server.name},
                         {"address", answer.server.endpoint.toText()},
                         {"transport", answer.transport == dns::Transport::tcp ? "tcp" : "udp"},
                         {"asked", answer.asked},
                         {"values", JsonArray{}},
                         {"ttl", nullptr},
                         {"problem", answer.problem}};
        if (answer.set) {
            entry["values"] = JsonArray(answer.set->values.begin(), answer.set->values.end());
            entry["ttl"] = answer.set->ttlSeconds;
        }
        out.push_back(std::move(entry));
    }
    return out;
}

Result<std::vector<dns::IpAddress>> resolveHost(const std::string& hostName, const SurveySettings& settings) {
    const dns::Name host = TRY(dns::Name::fromText(hostName));
    std::vector<dns::IpAddress> out;
    for (const uint16_t type : {dns::type::a, dns::type::aaaa}) {
        const dns::Response response = TRY(askResolvers(host, type, settings));
        for (const dns::ReceivedRecord& record : response.answers)
            if (record.type == type) out.push_back(TRY(dns::IpAddress::fromText(dns::rdataToText(type, record.data))));
    }
    if (out.empty()) return fail(ErrorCode::NotFound, hostName + " has no address");
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

Result<std::vector<NameServerAddress>> findNameServers(const Publication& publication, const SurveySettings& settings) {
    std::vector<NameServerAddress> out;
    for (const std::string& server : publication.nameServers) TRY_VOID(addServer(server, settings, out));
    if (publication.nameServers.empty()) {
        const dns::Name zone = TRY(dns::Name::fromText(publication.zone));
        const dns::Response response = TRY(askResolvers(zone, dns::type::ns, settings));
        for (const dns::ReceivedRecord& record : response.answers) {
            if (record.type != dns::type::ns || record.name != zone) continue;
            std::string name = dns::nameInRdata(record.data).toText();
            name.pop_back();
            TRY_VOID(addServer(name, settings, out));
        }
        if (out.empty())
            return fail(ErrorCode::NotFound, "the resolvers know no name server of the zone " + publication.zone,
                        "is it delegated? or name its servers in the publication");
    }
    if (out.size() > serversMax) out.resize(serversMax);
    return out;
}

Survey surveyServers(const std::vector<NameServerAddress>& servers, const Publication& publication,
                     const SurveySettings& settings) {
    Survey survey;
    survey.answers.resize(servers.size() * 2);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < servers.size(); ++i)
        threads.emplace_back([&, i] {
            survey.answers[2 * i] = askOne(servers[i], publication, dns::Transport::udp, settings);
            survey.answers[2 * i + 1] = askOne(servers[i], publication, dns::Transport::tcp, settings);
        });
    for (std::thread& thread : threads) thread.join();
    return survey;
}

Survey surveyResolvers(const Publication& publication, const SurveySettings& settings) {
    Survey survey;
    survey.answers.resize(std::min(settings.resolvers.size(), resolversMax));
    std::vector<std::thread> threads;
    for (size_t i = 0; i < survey.answers.size(); ++i)
        threads.emplace_back([&, i] {
            const dns::Endpoint& resolver = settings.resolvers[i];
            survey.answers[i] = askOne({resolver.address.toText(), resolver}, publication, dns::Transport::udp,
                                       settings, dns::Recursion::desired);
        });
    for (std::thread& thread : threads) thread.join();
    return survey;
}

std::vector<dns::Endpoint> systemResolvers(const std::string& path) {
    std::vector<dns::Endpoint> out;
    const auto text = readFile(path, 64 << 10);
    std::istringstream lines(text ? *text : "");
    for (std::string line; std::getline(lines, line) && out.size() < resolversMax;) {
        std::istringstream words(line);
        std::string keyword, address;
        words >> keyword >> address;
        if (keyword != "nameserver") continue;
        if (const auto parsed = dns::IpAddress::fromText(address)) out.push_back({*parsed, dns::defaultPort});
    }
    return out;
}

}  // namespace swb::publication
