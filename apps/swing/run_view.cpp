#include "swing/run_view.h"

#include <fmt/format.h>

#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

std::string_view signOf(std::string_view state, const Style& style) {
    if (state == "done") return style.sign("✓", "+");
    if (state == "failed") return style.sign("✗", "!");
    if (state == "running") return style.sign("▸", ">");
    if (state == "undoing") return style.sign("◂", "<");
    if (state == "undone") return style.sign("↺", "<");
    if (state == "skipped") return style.sign("–", "-");
    return style.sign("·", ".");
}

std::string milliseconds(const Json& step) {
    const Json* value = memberAt(step, "milliseconds");
    return value && value->is_int64() ? humanMilliseconds(value->as_int64()) : "";
}

std::string titleOf(const Json& step) {
    const std::string title = printable(textAt(step, "title"));
    return title.empty() ? printable(textAt(step, "name")) : title;
}

std::string errorText(const Json& step) {
    const Json* error = memberAt(step, "error");
    if (!error || !error->is_object()) return "";
    return printable(textAt(*error, "code") + ": " + textAt(*error, "message"));
}

std::string fromTo(const Json& run, const Style& style) {
    const std::string from = printable(textAt(run, "from")), to = printable(textAt(run, "to"));
    if (from.empty() || to.empty()) return from + to;
    return from + std::string(style.sign(" → ", " -> ")) + to;
}

std::string fact(std::string_view name, const std::string& value) {
    return "  " + padded(name, 20) + value + "\n";
}

std::string factsOf(const Json& run, const Style& style) {
    std::string out;
    out += fact("run", printable(textAt(run, "id")));
    if (integerAt(run, "epoch") > 0) out += fact("epoch", std::to_string(integerAt(run, "epoch")));
    if (const Json* outage = memberAt(run, "writeOutageMs"); outage && outage->is_int64()) {
        const int64_t budget = integerAt(run, "outageBudgetMs");
        const std::string of = budget > 0 ? " (budget " + humanMilliseconds(budget) + ")" : "";
        out += fact("write outage", style.paint(Colour::bold, humanMilliseconds(outage->as_int64())) + of);
    }
    if (const std::string at = textAt(run, "pointOfNoReturnAt"); !at.empty())
        out += fact("point of no return", printable(at));
    const int64_t took = millisecondsBetween(textAt(run, "startedAt"), textAt(run, "finishedAt"));
    if (took >= 0) out += fact("took", humanMilliseconds(took));
    if (const std::string actor = printable(textAt(run, "actor")); !actor.empty()) out += fact("by", actor);
    if (const std::string reason = printable(textAt(run, "reason")); !reason.empty()) out += fact("reason", reason);
    if (const Json* lost = memberAt(run, "lost"); lost && !lost->is_null())
        out += fact("lost", style.paint(Colour::red, printable(toText(*lost))));
    return out;
}

std::string verifiedOf(const Json& run, const Style& style) {
    std::string out;
    for (const Json& step : arrayOf(run, "steps")) {
        const std::string proof = printable(textAt(step, "verify"));
        if (textAt(step, "state") != "done" || proof.empty() || proof == "-") continue;
        out += "    " + std::string(style.sign("•", "*")) + " " + printable(textAt(step, "name")) + ": " + proof + "\n";
    }
    return out.empty() ? "" : "  verified\n" + out;
}

std::string commandsText(const Json& step) {
    std::string out;
    for (const Json& command : arrayOf(step, "commands")) {
        if (booleanAt(command, "undo")) continue;
        const Json* args = memberAt(command, "args");
        out += "        " + printable(textAt(command, "server")) + ": " + printable(textAt(command, "verb")) +
               (args && !args->is_null() ? " " + printable(toText(*args)) : "") + "\n";
    }
    return out;
}

Colour colourOfVerdict(std::string_view verdict) {
    if (verdict == "ok") return Colour::green;
    return verdict == "warning" ? Colour::yellow : Colour::red;
}

}  // namespace

bool isFinished(const Json& run) {
    const std::string state = textAt(run, "state");
    return state == "done" || state == "failed" || state == "aborted";
}

Colour colourOfState(std::string_view state) {
    if (state == "done") return Colour::green;
    if (state == "failed" || state == "aborted") return Colour::red;
    if (state == "waiting" || state == "paused" || state == "undoing" || state == "undone") return Colour::yellow;
    if (state == "running") return Colour::blue;
    return Colour::grey;
}

std::string runTitle(const Json& run, const Style& style) {
    std::string title = printable(textAt(run, "kind"));
    if (const std::string group = printable(textAt(run, "group")); !group.empty()) title += " of " + group;
    if (const std::string both = fromTo(run, style); !both.empty()) title += ": " + both;
    return title;
}

std::string stepLine(const Json& step, const Style& style) {
    const std::string state = textAt(step, "state");
    std::string line = style.paint(colourOfState(state), signOf(state, style)) + " " + titleOf(step);
    if (const std::string time = milliseconds(step); !time.empty()) line += "  " + style.paint(Colour::bold, time);
    if (integerAt(step, "attempts") > 1) line += fmt::format("  attempt {}", integerAt(step, "attempts"));
    if (booleanAt(step, "pointOfNoReturn")) line += "  [point of no return]";
    const std::string error = state == "done" ? "" : errorText(step);
    const std::string detail = error.empty() ? printable(textAt(step, "detail")) : error;
    if (!detail.empty()) line += "  " + style.paint(error.empty() ? Colour::grey : Colour::red, detail);
    return line;
}

std::string runReport(const Json& run, const Style& style) {
    const std::string state = textAt(run, "state");
    std::string out = runTitle(run, style) + "  " + style.paint(colourOfState(state), printable(state)) + "\n";
    if (const std::string detail = printable(textAt(run, "detail")); !detail.empty()) out += "  " + detail + "\n";
    out += factsOf(run, style);
    if (const JsonArray& steps = arrayOf(run, "steps"); !steps.empty()) {
        out += "  steps\n";
        for (const Json& step : steps) out += "    " + stepLine(step, style) + "\n";
    }
    return out + verifiedOf(run, style);
}

std::string planText(const Json& run, const Style& style) {
    std::string out = "plan: " + runTitle(run, style) + "\n";
    int number = 0;
    for (const Json& step : arrayOf(run, "steps")) {
        out += fmt::format("  {:>2}. {}", ++number, style.paint(Colour::bold, titleOf(step)));
        if (booleanAt(step, "pointOfNoReturn")) out += style.paint(Colour::yellow, "  [point of no return]");
        if (booleanAt(step, "inOutage")) out += style.paint(Colour::grey, "  [writes are away]");
        out += "\n";
        for (const auto& [name, label] :
             {std::pair{"server", "on"}, {"reason", "because"}, {"verify", "proof"}, {"undo", "undo"}})
            if (const std::string text = printable(textAt(step, name)); !text.empty())
                out += "      " + padded(label, 9) + text + "\n";
        out += commandsText(step);
    }
    return out;
}

std::string checksSummary(const Json& checks, const Style& style) {
    int ok = 0, warnings = 0, refused = 0;
    std::string remarks;
    for (const Json& check : arrayOf(checks, "checks")) {
        const std::string verdict = textAt(check, "verdict");
        (verdict == "ok" ? ok : verdict == "warning" ? warnings : refused) += 1;
        if (verdict == "ok") continue;
        remarks += "  " + style.paint(colourOfVerdict(verdict), printable(verdict)) + "  " +
                   printable(textAt(check, "subject")) + ": " + printable(textAt(check, "sentence")) + "\n";
        if (const std::string hint = printable(textAt(check, "hint")); !hint.empty())
            remarks += "           hint: " + hint + "\n";
    }
    return fmt::format("{} checks: {} ok, {} {}, {} refused\n", ok + warnings + refused, ok, warnings,
                       warnings == 1 ? "warning" : "warnings", refused) +
           remarks;
}

std::string checksTable(const Json& checks, const Style& style) {
    Table table({"CHECK", "SUBJECT", "VERDICT", "WHAT WAS SEEN"});
    for (const Json& check : arrayOf(checks, "checks"))
        table.row({cell(check, "name"), cell(check, "subject"), cell(check, "verdict"), cell(check, "sentence")});
    return table.text(style);
}

Error failureOf(const Json& run) {
    for (const Json& step : arrayOf(run, "steps")) {
        const Json* error = memberAt(step, "error");
        if (!error || !error->is_object() || textAt(step, "state") == "done") continue;
        return errorFromJson(*error).within("step " + textAt(step, "name"));
    }
    const std::string detail = textAt(run, "detail");
    return Error(ErrorCode::CommandFailed,
                 "run " + textAt(run, "id") + " " + textAt(run, "state") + (detail.empty() ? "" : ": " + detail));
}

int exitCodeOf(const Json& run) {
    const std::string state = textAt(run, "state");
    if (state == "done") return 0;
    return state == "failed" ? exitCode(failureOf(run).code) : 1;
}

}  // namespace swb::swing
