#include "lab/read_back.h"

#include <libpq-fe.h>

#include <memory>
#include <thread>

#include "base/clock.h"
#include "lab/http.h"

namespace swb::lab {
namespace {

constexpr int64_t pageRows = 5000;
constexpr int64_t idSlack = 10'000;  // writers do not get their ids in the order of their acknowledgements
constexpr size_t pageBytesMax = 16 << 20;
constexpr int64_t patienceMs = 30'000;
constexpr int64_t requestMs = 10'000;

// The site may be in the middle of a switch: what fails is asked again until the patience ends.
Result<Json> page(FailoverResolver& resolver, HttpConnection& connection, const World& world, int64_t after) {
    const double deadline = preciseMs() + static_cast<double>(patienceMs);
    const std::string text = requestText(
        "GET", "/orders?after=" + std::to_string(after) + "&limit=" + std::to_string(pageRows), world.failoverName());
    std::string last = "no answer";
    while (preciseMs() < deadline) {
        const auto peer = resolver.peer();
        if (peer) {
            const auto reply = connection.request(*peer, text, requestMs);
            if (reply && reply->status == 200) return parseJson(reply->body, pageBytesMax);
            if (reply) last = "status " + std::to_string(reply->status);
            resolver.distrust(*peer);
        } else {
            last = peer.error().message;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return fail(ErrorCode::Unreachable, "the orders cannot be read back through the failover address: " + last);
}

}  // namespace

Result<TagCounts> readByHttp(const World& world, FailoverResolver& resolver, const std::string& prefix,
                             int64_t firstId) {
    TagCounts counts;
    HttpConnection connection;
    for (int64_t after = std::max<int64_t>(0, firstId - idSlack);;) {
        const Json answer = TRY(page(resolver, connection, world, after));
        const Json* orders = memberAt(answer, "orders");
        if (!orders || !orders->is_array()) return fail(ErrorCode::ProtocolViolation, "the shop's list has no orders");
        for (const Json& order : orders->as_array())
            if (const std::string tag = textAt(order, "tag"); tag.starts_with(prefix)) ++counts[tag];
        if (orders->as_array().empty()) return counts;
        after = integerAt(answer, "next");
    }
}

Result<TagCounts> readBySql(const World& world, const std::string& prefix) {
    const Site &one = world.sites[0], &other = world.sites[1];
    const std::string hosts = one.address + "," + other.address;
    const std::string ports = std::to_string(one.databasePort) + "," + std::to_string(other.databasePort);
    const char* const names[] = {
        "host", "port", "dbname", "user", "password", "target_session_attrs", "connect_timeout", nullptr};
    const char* const values[] = {
        hosts.c_str(), ports.c_str(), databaseName, databaseUser, world.password.reveal().c_str(),
        "read-write",  "5",           nullptr};
    const double deadline = preciseMs() + static_cast<double>(patienceMs);
    std::string last;
    while (preciseMs() < deadline) {
        const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdbParams(names, values, 0), PQfinish);
        const char* const parameters[] = {prefix.c_str()};
        const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
            PQexecParams(connection.get(), "SELECT tag, count(*) FROM orders WHERE starts_with(tag, $1) GROUP BY tag",
                         1, nullptr, parameters, nullptr, nullptr, 0),
            PQclear);
        if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) {
            TagCounts counts;
            for (int row = 0; row < PQntuples(result.get()); ++row)
                counts[PQgetvalue(result.get(), row, 0)] = std::stoll(PQgetvalue(result.get(), row, 1));
            return counts;
        }
        last = PQerrorMessage(connection.get());
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fail(ErrorCode::DatabaseFailed, "the orders cannot be read from the current primary: " + last);
}

}  // namespace swb::lab
