#include "swing/run_progress.h"

#include <algorithm>

#include "swing/context.h"
#include "swing/format.h"
#include "swing/run_view.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

bool stepEnded(std::string_view state) {
    return state == "done" || state == "failed" || state == "undone" || state == "skipped";
}

std::string stateRemark(const Json& run) {
    const std::string id = printable(textAt(run, "id"));
    if (textAt(run, "state") == "waiting")
        return "it waits; to steer it: swing run retry " + id + ", swing run skip " + id +
               " --reason WHY, swing run abort " + id;
    if (textAt(run, "state") == "paused") return "it is paused; to go on: swing run resume " + id;
    return "";
}

}  // namespace

std::string clippedLine(const std::string& line, size_t columns) {
    std::string out;
    size_t width = 0;
    for (size_t i = 0; i < line.size();) {
        if (line[i] == '\x1b') {
            const size_t end = line.find('m', i);
            if (end == std::string::npos) break;
            out += line.substr(i, end + 1 - i);
            i = end + 1;
            continue;
        }
        size_t next = i + 1;
        while (next < line.size() && (static_cast<unsigned char>(line[next]) & 0xC0) == 0x80) ++next;
        if (width < columns) out += line.substr(i, next - i);
        ++width;
        i = next;
    }
    return out;
}

RunProgress::RunProgress(const Style& style) : style_(style), terminal_(isTerminal(stderr)) {}

std::vector<std::string> RunProgress::lines(const Json& run, int64_t elapsedMs, const std::string& remark, size_t rows,
                                            const Style& style) {
    const std::string state = textAt(run, "state");
    std::vector<std::string> out = {runTitle(run, style) + "  " + style.paint(colourOfState(state), printable(state)) +
                                    "  " + humanMilliseconds(elapsedMs) + "  " + printable(textAt(run, "id"))};
    std::vector<std::string> below;
    if (const std::string detail = printable(textAt(run, "detail")); !detail.empty()) below.push_back("  " + detail);
    if (const std::string text = stateRemark(run); !text.empty()) below.push_back("  " + text);
    if (!remark.empty()) below.push_back("  " + remark);

    const JsonArray& steps = arrayOf(run, "steps");
    const size_t room = std::max<size_t>(rows, 6) - 2 - below.size();  // one line stays free for the cursor
    const auto unfinished =
        std::find_if(steps.begin(), steps.end(), [](const Json& step) { return !stepEnded(textAt(step, "state")); });
    size_t first = 0;
    if (steps.size() > room) {
        const auto active = static_cast<size_t>(unfinished - steps.begin());
        first = std::min(active > room / 2 ? active - room / 2 : 0, steps.size() - room);
    }
    for (size_t i = first; i < std::min(steps.size(), first + room); ++i)
        out.push_back("  " + stepLine(steps[i], style));
    out.insert(out.end(), below.begin(), below.end());
    return out;
}

void RunProgress::show(const Json& run, int64_t elapsedMs) {
    if (terminal_)
        redraw(lines(run, elapsedMs, remark_, terminalSize(stderr).rows, style_));
    else
        printChanges(run);
}

void RunProgress::redraw(const std::vector<std::string>& lines) {
    const size_t columns = terminalSize(stderr).columns;
    std::string out;
    if (drawn_ > 0) out += "\x1b[" + std::to_string(drawn_) + "A";
    for (const std::string& line : lines) out += "\r" + clippedLine(line, columns - 1) + "\x1b[K\n";
    out += "\x1b[J";
    drawn_ = lines.size();
    std::fwrite(out.data(), 1, out.size(), stderr);
    std::fflush(stderr);
}

void RunProgress::printChanges(const Json& run) {
    std::string out;
    const std::string state = textAt(run, "state");
    if (state != runState_ && (state == "waiting" || state == "paused")) {
        const std::string detail = printable(textAt(run, "detail"));
        out += "run " + printable(textAt(run, "id")) + " " + state + (detail.empty() ? "" : ": " + detail) + "; " +
               stateRemark(run) + "\n";
    }
    runState_ = state;
    for (const Json& step : arrayOf(run, "steps")) {
        const std::string now = textAt(step, "state");
        std::string& before = stepStates_[textAt(step, "name")];
        if (now != before && stepEnded(now)) out += padded(now, 8) + stepLine(step, style_) + "\n";
        before = now;
    }
    std::fwrite(out.data(), 1, out.size(), stderr);
    std::fflush(stderr);
}

void RunProgress::remark(const std::string& text) {
    if (text == remark_) return;
    remark_ = text;
    if (!terminal_ && !text.empty()) std::fprintf(stderr, "%s\n", text.c_str());
}

void RunProgress::finish(bool erase) {
    if (!terminal_ || drawn_ == 0) return;
    if (erase) std::fprintf(stderr, "\x1b[%zuA\r\x1b[J", drawn_);
    std::fflush(stderr);
    drawn_ = 0;
}

}  // namespace swb::swing
