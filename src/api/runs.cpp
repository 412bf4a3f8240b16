#include <algorithm>

#include "api/route.h"

namespace swb::api {
namespace {

Result<std::string> reasonIn(const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    std::string reason = reader.string("reason", "");
    TRY_VOID(reader.finish());
    if (reason.size() > 500) return fail(ErrorCode::InvalidInput, "the reason is longer than 500 characters");
    return reason;
}

Result<Response> give(Context& context, const Call& call, run::Input input) {
    const run::Run run = TRY(context.conductor.give(call.parts[0], std::move(input), call.actorText()));
    return Response{200, JsonObject{{"run", run::toPublic(run)}}};
}

int64_t numberParameter(const Request& request, std::string_view name, int64_t fallback, int64_t most) {
    const std::string text = request.parameter(name);
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos) return fallback;
    return std::min<int64_t>(std::stoll(text), most);
}

}  // namespace

Result<Response> listRuns(Context& context, const Call& call) {
    const std::string group = call.request.parameter("group"), state = call.request.parameter("state");
    const auto limit = static_cast<size_t>(numberParameter(call.request, "limit", 50, 500));
    std::vector<run::Run> runs;
    for (const store::Document& document : TRY(context.store.list("run"))) {
        run::Run run = TRY(run::fromStored(document.body));
        if (!group.empty() && run.group != group) continue;
        if (!state.empty() && run::nameOf(run.state) != state) continue;
        runs.push_back(std::move(run));
    }
    std::sort(runs.begin(), runs.end(), [](const run::Run& a, const run::Run& b) { return a.createdAt > b.createdAt; });
    if (runs.size() > limit) runs.resize(limit);
    JsonArray out;
    for (const run::Run& run : runs) {
        Json json = run::toPublic(run);
        json.as_object().erase("checks");
        for (Json& step : json.as_object()["steps"].as_array()) step.as_object().erase("commands");
        out.push_back(std::move(json));
    }
    return Response{200, JsonObject{{"runs", out}}};
}

Result<Response> showRun(Context& context, const Call& call) {
    return Response{200, JsonObject{{"run", run::toPublic(TRY(context.conductor.find(call.parts[0])))}}};
}

Result<Response> pauseRun(Context& context, const Call& call) {
    TRY(reasonIn(call));
    return give(context, call, run::Pause{});
}
Result<Response> resumeRun(Context& context, const Call& call) {
    TRY(reasonIn(call));
    return give(context, call, run::Resume{});
}
Result<Response> retryRun(Context& context, const Call& call) {
    TRY(reasonIn(call));
    return give(context, call, run::Retry{});
}
Result<Response> skipRun(Context& context, const Call& call) {
    return give(context, call, run::Skip{TRY(reasonIn(call))});
}
Result<Response> abortRun(Context& context, const Call& call) {
    return give(context, call, run::Abort{TRY(reasonIn(call))});
}

Result<Response> listEvents(Context& context, const Call& call) {
    store::EventQuery query;
    query.after = numberParameter(call.request, "after", 0, INT64_MAX);
    query.limit = static_cast<size_t>(numberParameter(call.request, "limit", 100, limits::eventPage));
    query.typePrefix = call.request.parameter("type");
    query.subject = call.request.parameter("subject");
    JsonArray events;
    for (const store::Event& event : TRY(context.store.events(query)))
        events.push_back(JsonObject{{"sequence", event.sequence},
                                    {"at", isoTime(event.at)},
                                    {"type", event.type},
                                    {"subject", event.subject},
                                    {"actor", event.actor},
                                    {"detail", event.detail},
                                    {"previousHash", event.previousHash},
                                    {"hash", event.hash}});
    return Response{200, JsonObject{{"events", events},
                                    {"oldest", context.store.oldestSequence()},
                                    {"latest", context.store.latestSequence()}}};
}

}  // namespace swb::api
