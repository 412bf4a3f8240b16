#include "gap_client/postgresql_session.h"

#include <poll.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/clock.h"

namespace swb::bench {

namespace {

constexpr const char* insertSql = "INSERT INTO acknowledged(tag) VALUES ($1)";
constexpr const char* insertName = "insert_tag";

// False when the deadline came first.
bool waitFor(PGconn* session, short events, double deadlineMs) {
    pollfd descriptor{PQsocket(session), events, 0};
    const double left = deadlineMs - preciseMs();
    if (left <= 0) return false;
    return ::poll(&descriptor, 1, static_cast<int>(std::ceil(left))) > 0;
}

// libpq gives no SQLSTATE for a failed connection, only text (of a server that speaks English: lc_messages = C).
Trouble connectTrouble(const PGconn* session) {
    const std::string_view text = PQerrorMessage(session);
    const auto says = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
    if (says("shutting down")) return "connect:shutting-down";
    if (says("starting up") || says("not yet accepting") || says("recovery")) return "connect:starting-up";
    if (says("session is read-only")) return "connect:read-only";
    if (says("not currently accepting")) return "connect:not-accepting";
    if (says("pg_hba")) return "connect:rejected";
    if (says("too many")) return "connect:too-many";
    if (says("refused")) return "connect:refused";
    if (says("terminat")) return "connect:terminated";
    if (says("closed the connection") || says("reset")) return "connect:lost";
    return "connect:other";
}

std::vector<std::string> splitList(std::string_view list) {
    std::vector<std::string> parts;
    while (true) {
        const size_t comma = list.find(',');
        parts.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) return parts;
        list.remove_prefix(comma + 1);
    }
}

struct ResultClear {
    void operator()(PGresult* result) const { PQclear(result); }
};

}  // namespace

std::string PostgresqlTarget::parse(const std::string& conninfo) {
    char* problem = nullptr;
    PQconninfoOption* parsed = PQconninfoParse(conninfo.c_str(), &problem);
    if (parsed == nullptr) {
        const std::string text = problem != nullptr ? problem : "out of memory";
        PQfreemem(problem);
        return text;
    }
    std::vector<std::string> hosts, ports{"5432"};
    for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
        if (option->val == nullptr) continue;
        const std::string_view keyword = option->keyword;
        if (keyword == "host") {
            hosts = splitList(option->val);
        } else if (keyword == "port") {
            ports = splitList(option->val);
        } else {
            options_.emplace_back(option->keyword, option->val);
        }
    }
    PQconninfoFree(parsed);
    if (hosts.empty()) return "the conninfo names no host";
    if (ports.size() != 1 && ports.size() != hosts.size()) return "the conninfo has not one port for each host";
    for (size_t i = 0; i < hosts.size(); ++i) hosts_.emplace_back(hosts[i], ports.size() == 1 ? ports[0] : ports[i]);
    options_.emplace_back("target_session_attrs", "read-write");
    return {};
}

void PostgresqlTarget::rotate() {
    std::rotate(hosts_.begin(), hosts_.begin() + 1, hosts_.end());
}

std::pair<std::vector<const char*>, std::vector<const char*>> PostgresqlTarget::parameters() {
    hostList_.clear();
    portList_.clear();
    for (const auto& [host, port] : hosts_) {
        hostList_ += (hostList_.empty() ? "" : ",") + host;
        portList_ += (portList_.empty() ? "" : ",") + port;
    }
    std::vector<const char*> keywords{"host", "port"}, values{hostList_.c_str(), portList_.c_str()};
    for (const auto& [keyword, value] : options_) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return {std::move(keywords), std::move(values)};
}

PostgresqlSession::PostgresqlSession(const std::string& conninfo, Deadlines deadlines) : deadlines_(deadlines) {
    target_.parse(conninfo);
}

Trouble PostgresqlSession::connect() {
    const double deadline = preciseMs() + deadlines_.connectMs;
    const auto [keywords, values] = target_.parameters();
    session_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
    PGconn* session = session_.get();
    // A server that ends an idle session says so in a notice; the next insert counts it, stderr need not repeat it.
    if (session != nullptr)
        PQsetNoticeProcessor(
            session, [](void*, const char*) {}, nullptr);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    Trouble trouble;
    if (session == nullptr || PQstatus(session) == CONNECTION_BAD) {
        status = PGRES_POLLING_FAILED;
    }
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        if (!waitFor(session, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
            trouble = "connect:deadline";
            break;
        }
        status = PQconnectPoll(session);
    }
    if (status == PGRES_POLLING_FAILED) trouble = connectTrouble(session);
    if (trouble.empty()) trouble = prepare();
    if (!trouble.empty()) {
        session_.reset();
        target_.rotate();
    }
    return trouble;
}

Trouble PostgresqlSession::prepare() {
    if (PQsendPrepare(session_.get(), insertName, insertSql, 1, nullptr) == 0) return "lost";
    return finishStatement();
}

Trouble PostgresqlSession::insert(const std::string& tag) {
    const char* values[] = {tag.c_str()};
    const bool sent = PQsendQueryPrepared(session_.get(), insertName, 1, values, nullptr, nullptr, 0) != 0;
    const Trouble trouble = sent ? finishStatement() : "lost";
    if (!trouble.empty()) session_.reset();
    return trouble;
}

Trouble PostgresqlSession::finishStatement() {
    PGconn* session = session_.get();
    const double deadline = preciseMs() + deadlines_.statementMs;
    Trouble trouble;
    while (true) {
        while (PQisBusy(session) != 0) {
            if (!waitFor(session, POLLIN, deadline)) return "deadline";
            if (PQconsumeInput(session) == 0) return trouble.empty() ? "lost" : trouble;
        }
        const std::unique_ptr<PGresult, ResultClear> result(PQgetResult(session));
        if (!result) return trouble;
        if (PQresultStatus(result.get()) != PGRES_COMMAND_OK && trouble.empty()) {
            const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
            trouble = state != nullptr ? state : "lost";
        }
    }
}

}  // namespace swb::bench
