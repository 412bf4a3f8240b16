// swing event tail
#include "base/limits.h"
#include "swing/context.h"
#include "swing/format.h"
#include "swing/interrupt.h"

namespace swb::swing {
namespace {

constexpr int64_t lastEvents = 20;
constexpr int64_t reconnectPauseMs = 1000;

std::string eventLine(const Json& event) {
    std::string line = cell(event, "sequence") + "  " + shortTime(textAt(event, "at")) + "  " + cell(event, "type") +
                       "  " + cell(event, "subject");
    if (const std::string actor = cell(event, "actor"); actor != "-") line += "  by " + actor;
    if (const Json* detail = memberAt(event, "detail"); detail && !detail->is_null() && *detail != Json(JsonObject{}))
        line += "  " + (detail->is_string() ? printable(detail->as_string()) : printable(toText(*detail)));
    return line;
}

// Only these events, as the controller filters them.
struct Filter {
    std::string type, subject;

    bool empty() const { return type.empty() && subject.empty(); }
    Path on(Path path) const { return std::move(path).with("type", type).with("subject", subject); }
};

// Every event after that one, page by page, at most `limit` (0: all); moves `after` on.
Result<JsonArray> readEvents(ApiClient& api, const Filter& filter, int64_t& after, int64_t limit) {
    JsonArray all;
    for (;;) {
        const int64_t left =
            limit > 0 ? limit - static_cast<int64_t>(all.size()) : static_cast<int64_t>(limits::eventPage);
        const int64_t page = std::min<int64_t>(left, limits::eventPage);
        if (page <= 0) return all;
        const Json answer = TRY(api.get(
            filter.on(Path("events").with("after", std::to_string(after)).with("limit", std::to_string(page)))));
        const JsonArray& events = arrayOf(answer, "events");
        for (const Json& event : events) {
            all.push_back(event);
            after = std::max(after, integerAt(event, "sequence", after));
        }
        if (static_cast<int64_t>(events.size()) < page) return all;
    }
}

// The newest events, oldest first. A filter may leave few of many: then it looks further and further back.
Result<JsonArray> readNewest(ApiClient& api, const Filter& filter, int64_t& after, int64_t count) {
    const int64_t latest = integerAt(TRY(api.get(Path("events").with("limit", "1"))), "latest");
    for (int64_t window = count;; window *= 16) {
        after = std::max<int64_t>(0, latest - window);
        const bool whole = after == 0 || filter.empty();
        JsonArray events = TRY(readEvents(api, filter, after, filter.empty() ? count : 0));
        if (!whole && static_cast<int64_t>(events.size()) < count) continue;
        if (static_cast<int64_t>(events.size()) > count) events.erase(events.begin(), events.end() - count);
        return events;
    }
}

void print(Output& output, const Json& event) {
    if (output.json())
        output.documentLine(event);
    else
        output.line(eventLine(event));
}

// Follows the stream for ever; a stream that breaks is taken up again after the last event seen.
Result<int> follow(Context& context, ApiClient& api, const Filter& filter, int64_t after) {
    InterruptGuard interrupt;
    const auto onEvent = [&](const ServerEvent& received) {
        const auto event = parseJson(received.data);
        if (!event || integerAt(*event, "sequence", after + 1) <= after) return;
        after = integerAt(*event, "sequence", after);
        print(context.output(), *event);
    };
    bool away = false;
    while (!interrupt.requested()) {
        const auto ended =
            api.stream(filter.on((Path("events") / "stream").with("after", std::to_string(after))), onEvent);
        if (interrupt.requested()) break;
        if (!ended && ended.error().code != ErrorCode::Unreachable) return fail(ended.error());
        if (!ended && !away) context.output().note("swing: " + ended.error().message + "; trying again");
        away = !ended;
        if (interrupt.waitFor(reconnectPauseMs)) break;
    }
    return 0;
}

Result<int> tailEvents(Context& context, const Arguments& arguments) {
    ApiClient& api = *TRY(context.api());
    const Filter filter{arguments.text("--type"), arguments.text("--subject")};
    int64_t after = arguments.number("--after", 0);
    const JsonArray events = arguments.has("--after")
                                 ? TRY(readEvents(api, filter, after, arguments.number("--limit", 0)))
                                 : TRY(readNewest(api, filter, after, arguments.number("--limit", lastEvents)));
    if (!arguments.has("--follow")) context.output().document(JsonObject{{"events", events}, {"latest", after}});
    if (arguments.has("--follow") || !context.output().json())
        for (const Json& event : events) print(context.output(), event);
    return arguments.has("--follow") ? follow(context, api, filter, after) : 0;
}

}  // namespace

std::vector<Command> eventCommands() {
    using enum ArgumentKind;
    return {{"event tail",
             "show the newest events, and those to come",
             "With --follow --json every line is one event as a JSON document; without --follow the answer is one "
             "document.",
             "swing event tail --follow\nswing event tail --type run. --subject group/shop\nswing event tail --after "
             "1200 --json",
             {{"--follow", flag, "go on with new events until Ctrl-C"},
              {"--after", number, "begin after this sequence number", "N", false, 0, int64_t{1} << 53},
              {"--type", value, "only events whose type begins so: run.step.done, run., server", "TYPE"},
              {"--subject", value, "only events about this: group/shop, run/ID, application/NAME", "SUBJECT"},
              {"--limit", number, "at most so many at first; default 20, with --after all", "N", false, 1, 100'000}},
             tailEvents}};
}

}  // namespace swb::swing
