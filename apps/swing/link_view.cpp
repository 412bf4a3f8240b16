#include "swing/link_view.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "swing/context.h"
#include "swing/format.h"

namespace swb::swing {
namespace {

constexpr size_t chartColumns = 60;

std::string bytesCell(const Json& value, std::string_view key, std::string_view unit = "") {
    const Json* bytes = memberAt(value, key);
    return bytes && bytes->is_int64() ? humanBytes(bytes->get_int64()) + std::string(unit) : "-";
}

std::string secondsCell(const Json& value, std::string_view key) {
    const Json* seconds = memberAt(value, key);
    if (!seconds || !seconds->is_number()) return "-";
    return humanMilliseconds(static_cast<int64_t>(seconds->to_number<double>() * 1000));
}

struct Column {
    double seconds = -1;
    std::string state;
};

// Samples by their place in time, the worst of each column.
std::vector<Column> columnsOf(const JsonArray& samples) {
    std::vector<Column> columns(std::min(chartColumns, samples.size()));
    for (size_t i = 0; i < samples.size(); ++i) {
        Column& column = columns[i * columns.size() / samples.size()];
        if (const Json* seconds = memberAt(samples[i], "lagSeconds"); seconds && seconds->is_number())
            column.seconds = std::max(column.seconds, seconds->to_number<double>());
        const std::string state = textAt(samples[i], "state");
        if (column.state.empty() || state != "streaming") column.state = state;
    }
    return columns;
}

std::string bar(double part, const Style& style) {
    static constexpr std::array<std::string_view, 9> blocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static constexpr std::array<std::string_view, 9> plain = {" ", "_", "_", ".", "-", "-", "=", "#", "#"};
    const auto index = static_cast<size_t>(std::clamp(part, 0.0, 1.0) * 8 + 0.999);
    return std::string(style.sign(blocks[std::min<size_t>(index, 8)], plain[std::min<size_t>(index, 8)]));
}

}  // namespace

std::vector<std::string> linkHeads() {
    return {"FROM", "TO", "DATABASE", "ENGINE", "STATE", "LAG", "BEHIND", "WRITES", "SINCE"};
}

std::vector<std::string> linkRow(const Json& link) {
    const Json* exact = memberAt(link, "lagExact");
    std::string behind = secondsCell(link, "lagSeconds");
    if (behind != "-" && exact && !booleanAt(link, "lagExact")) behind = "<" + behind;
    return {cell(link, "from"),
            cell(link, "to"),
            cell(link, "database"),
            cell(link, "engine"),
            cell(link, "state"),
            bytesCell(link, "lagBytes"),
            behind,
            bytesCell(link, "writeRate", "/s"),
            shortTime(textAt(link, "since"))};
}

std::string linkRemark(const Json& link) {
    const std::string hint = textAt(link, "hint");
    if (hint.empty()) return {};
    std::string text = "\n" + cell(link, "from") + " → " + cell(link, "to") + " " + cell(link, "database") + ": " +
                       printable(textAt(link, "sentence")) + "\n  " + printable(hint) + "\n";
    const Json* alarms = memberAt(link, "alarms");
    if (alarms && (booleanAt(*alarms, "lag") || booleanAt(*alarms, "broken") || booleanAt(*alarms, "synchronous")))
        text += "  an alarm is raised: swing event tail --type link.alarm\n";
    return text;
}

Result<int64_t> secondsOf(std::string_view text) {
    int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    constexpr int64_t daySeconds = 86'400;
    for (const auto& [name, seconds] :
         {std::pair{"s", int64_t{1}}, {"m", int64_t{60}}, {"h", int64_t{3600}}, {"d", daySeconds}})
        if (problem == std::errc() && unit == name && number > 0 && number <= 366 * daySeconds / seconds)
            return number * seconds;
    return fail(ErrorCode::InvalidInput, "'" + std::string(text.substr(0, 40)) + "' is not a length of time",
                "for example 90s, 30m, 6h or 7d");
}

std::string historyText(const Json& answer, const Style& style) {
    const JsonArray& samples = arrayOf(answer, "samples");
    if (samples.empty()) return "no samples in that time\n";
    const std::vector<Column> columns = columnsOf(samples);
    double most = 0;
    for (const Column& column : columns) most = std::max(most, column.seconds);
    std::string chart, states;
    for (const Column& column : columns) {
        chart += column.seconds < 0 ? std::string("?") : bar(most > 0 ? column.seconds / most : 0, style);
        states += column.state.empty() || column.state == "streaming" ? std::string(style.sign("·", "."))
                                                                      : column.state.substr(0, 1);
    }
    const auto most10 = humanMilliseconds(static_cast<int64_t>(most * 1000));
    std::string text = "behind, at most " + most10 + ", a sample every " + cell(answer, "resolutionSeconds") + " s\n";
    text += "  " + chart + "\n  " + states + "\n";
    text += "  " + shortTime(textAt(samples.front(), "at")) + " to " + shortTime(textAt(samples.back(), "at")) + "\n";
    const Json& last = samples.back();
    text += "  now: " + cell(last, "state") + ", lag " + bytesCell(last, "lagBytes") + ", behind " +
            secondsCell(last, "lagSeconds") + ", written " + bytesCell(last, "writeRate", "/s") + ", applied " +
            bytesCell(last, "applyRate", "/s") + "\n";
    text += "  b behind or broken, d diverged, n none, s seeding or stopped, ? not known\n";
    return text;
}

}  // namespace swb::swing
