#include "lab/read_back.h"

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
Result<Json> page(FailoverResolver& resolver, HttpConnection& connection, const World& world, const std::string& path) {
    const double deadline = preciseMs() + static_cast<double>(patienceMs);
    const std::string text = requestText("GET", path, world.failoverName());
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

Result<TagCounts> readByHttp(const World& world, FailoverResolver& resolver, const LabEngine& engine,
                             const std::string& prefix, int64_t firstId) {
    TagCounts counts;
    HttpConnection connection;
    for (int64_t after = std::max<int64_t>(0, firstId - idSlack);;) {
        const Json answer = TRY(page(resolver, connection, world,
                                     "/orders?engine=" + engine.name() + "&after=" + std::to_string(after) +
                                         "&limit=" + std::to_string(pageRows)));
        const Json* orders = memberAt(answer, "orders");
        if (!orders || !orders->is_array()) return fail(ErrorCode::ProtocolViolation, "the shop's list has no orders");
        for (const Json& order : orders->as_array())
            if (const std::string tag = textAt(order, "tag"); tag.starts_with(prefix)) ++counts[tag];
        if (orders->as_array().empty()) return counts;
        after = integerAt(answer, "next");
    }
}

Result<TagCounts> readAtPrimary(const World& world, const LabEngine& engine, const std::string& prefix) {
    const double deadline = preciseMs() + static_cast<double>(patienceMs);
    std::string last;
    while (preciseMs() < deadline) {
        const Site* primary = nullptr;
        size_t primaries = 0;
        for (const Site& site : world.sites) {
            const auto role = engine.role(world, site);
            if (!role) last = role.error().message;
            if (!role || *role != "primary") continue;
            primary = &site;
            ++primaries;
        }
        // Two are one too many: in the middle of a switch it is not told yet which of them it is.
        if (primaries > 1) last = "two servers say that they are";
        auto counts =
            primaries == 1 ? engine.tags(world, *primary, prefix) : Result<TagCounts>(fail(ErrorCode::NotReady, last));
        if (counts) return counts;
        last = counts.error().message;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fail(ErrorCode::DatabaseFailed,
                "the orders cannot be read from the primary of " + engine.name() + ": " + last);
}

}  // namespace swb::lab
