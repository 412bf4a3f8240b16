#include <charconv>

#include "api/route.h"
#include "model/copy.h"

namespace swb::api {
namespace {

struct Asked {
    std::string from, to, database, reason;
    std::vector<std::string> consent;
    plan::Loss loss = plan::Loss::refused;
};

// A loss of data is accepted with a reason: it stays in the run and in the event log.
Result<plan::Loss> lossFrom(JsonReader& reader, const std::string& reason) {
    if (!reader.boolean("acceptDataLoss", false)) return plan::Loss::refused;
    if (reason.empty())
        return fail(ErrorCode::InvalidInput, "a loss of data is accepted with a reason",
                    "Say why (--reason): it stays in the run and in the event log.");
    return plan::Loss::accepted;
}

Result<Asked> read(const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    Asked asked;
    asked.from = reader.string("from");
    asked.to = reader.string("to");
    asked.database = reader.string("database", "");
    asked.reason = reader.string("reason", "");
    asked.consent = reader.strings("consent");
    asked.loss = TRY(lossFrom(reader, asked.reason));
    TRY_VOID(reader.finish());
    return asked;
}

// No run holds the group that it concerns: its own, or that of the application it is inside.
Result<void> requireFree(const plan::Snapshot& snapshot) {
    for (const Group& group : snapshot.groups) {
        const bool concerned =
            snapshot.group.name == group.name ||
            (snapshot.owner && (group.primary == snapshot.owner->name || group.secondary == snapshot.owner->name));
        if (concerned && !group.busy.empty())
            return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy,
                        "wait for it: `swing run watch " + group.busy + "`");
    }
    return {};
}

Result<Response> seed(Context& context, const Call& call, bool resync) {
    const Asked asked = TRY(read(call));
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications(asked.from, asked.to, true));
    TRY_VOID(requireFree(snapshot));
    std::vector<std::string> databases = plan::commonDatabases(*snapshot.from, *snapshot.to);
    if (!asked.database.empty()) databases = {asked.database};
    return beginRun(context, TRY(plan::planReplication(snapshot, databases, resync, asked.consent,
                                                       intentOf(context, call, asked.reason), asked.loss)));
}

std::vector<std::string> linkedDatabases(const plan::Snapshot& snapshot, const Asked& asked) {
    std::vector<std::string> databases;
    for (const Link& link : snapshot.links)
        if (link.from == asked.from && link.to == asked.to &&
            (asked.database.empty() || link.database == asked.database))
            databases.push_back(link.database);
    return databases;
}

// Milliseconds since 1970, or seconds before now ("-3600").
Result<UnixMs> timeParameter(const Call& call, std::string_view name, UnixMs now, UnixMs fallback) {
    const std::string text = call.request.parameter(name);
    if (text.empty()) return fallback;
    int64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    constexpr int64_t most = 1LL << 53;
    if (problem != std::errc() || end != text.data() + text.size() || value > most || value < -most / 1000)
        return fail(ErrorCode::InvalidInput, std::string(name) + " must be a time in milliseconds since 1970",
                    "or seconds before now: -3600");
    return value < 0 ? now + value * 1000 : value;
}

Json sampleJson(const dispatch::LinkHistory::Point& point, bool isReversed) {
    const auto known = [](int64_t value) { return value < 0 ? Json(nullptr) : Json(value); };
    const health::Sample& sample = point.sample;
    return JsonObject{{"at", isoTime(point.at)},
                      {"state", nameOf(sample.state)},
                      {"lagBytes", known(sample.bytes)},
                      {"lagSeconds", sample.lagMs < 0 ? Json(nullptr) : Json(static_cast<double>(sample.lagMs) / 1000)},
                      {"writeRate", known(sample.writeRate)},
                      {"applyRate", known(sample.applyRate)},
                      {"reversed", sample.isReversed != isReversed}};
}

}  // namespace

Result<Response> listReplication(Context& context, const Call&) {
    return Response{200, JsonObject{{"links", TRY(context.links.all())}}};
}

Result<Response> replicationHistory(Context& context, const Call& call) {
    constexpr int64_t usualMs = 1800'000;
    const Link link{call.parts[0], call.parts[1], call.parts[2], "", 0};
    const UnixMs now = context.clock.now();
    const UnixMs to = TRY(timeParameter(call, "until", now, now));
    const UnixMs from = TRY(timeParameter(call, "since", now, to - usualMs));
    if (from > to) return fail(ErrorCode::InvalidInput, "since must not be after until");
    const std::string resolution = call.request.parameter("resolution");
    const health::Tier* tier = resolution.empty() ? &health::tierFor(from, now) : health::tierNamed(resolution);
    if (!tier)
        return fail(ErrorCode::InvalidInput, "resolution must be one of seconds, minutes, hours",
                    "without it the finest that reaches back so far is taken");
    const bool reversed = health::isReversed(link);
    JsonArray samples;
    for (const auto& point : TRY(context.links.history().read(health::pairOf(link), *tier, from, to)))
        samples.push_back(sampleJson(point, reversed));
    return Response{200, JsonObject{{"from", link.from},
                                    {"to", link.to},
                                    {"database", link.database},
                                    {"resolution", tier->name},
                                    {"resolutionSeconds", tier->slotMs / 1000},
                                    {"samples", samples}}};
}

Result<Response> enableReplication(Context& context, const Call& call) {
    return seed(context, call, false);
}
Result<Response> resyncReplication(Context& context, const Call& call) {
    return seed(context, call, true);
}

Result<Response> renewReplication(Context& context, const Call& call) {
    const Asked asked = TRY(read(call));
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications(asked.from, asked.to, false));
    return beginRun(context, TRY(plan::planRenewal(snapshot, linkedDatabases(snapshot, asked),
                                                   intentOf(context, call, asked.reason))));
}

Result<Response> disableReplication(Context& context, const Call& call) {
    const Asked asked = TRY(read(call));
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications(asked.from, asked.to, false));
    TRY_VOID(requireFree(snapshot));
    const std::vector<std::string> databases = linkedDatabases(snapshot, asked);
    return beginRun(context, TRY(plan::planDisable(snapshot, databases, intentOf(context, call, asked.reason))));
}

Result<Response> promoteDatabase(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string reason = reader.string("reason", "");
    const plan::Loss loss = TRY(lossFrom(reader, reason));
    TRY_VOID(reader.finish());
    const std::string &application = call.parts[0], &database = call.parts[1];
    std::string from;
    for (const store::Document& document : TRY(context.store.list("link"))) {
        const Link link = TRY(linkFromJson(document.body));
        if (link.to == application && link.database == database) from = link.from;
    }
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications(from, application, true));
    if (from.empty()) snapshot.from.reset();
    return beginRun(context, TRY(plan::planPromotion(snapshot, database, loss, intentOf(context, call, reason))));
}

}  // namespace swb::api
