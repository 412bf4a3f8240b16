#include "swing/output.h"

#include <algorithm>

#include "swing/format.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

std::string_view sequenceOf(Colour colour) {
    switch (colour) {
        case Colour::red:
            return "\x1b[31m";
        case Colour::green:
            return "\x1b[32m";
        case Colour::yellow:
            return "\x1b[33m";
        case Colour::blue:
            return "\x1b[36m";
        case Colour::grey:
            return "\x1b[2m";
        case Colour::bold:
            return "\x1b[1m";
        case Colour::none:
            break;
    }
    return "";
}

void write(FILE* stream, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
    std::fflush(stream);
}

}  // namespace

std::string Style::paint(Colour which, std::string_view text) const {
    if (!colour || which == Colour::none || text.empty()) return std::string(text);
    return std::string(sequenceOf(which)) + std::string(text) + "\x1b[0m";
}

std::string Table::text(const Style& style) const {
    std::vector<size_t> widths;
    for (const std::string& head : heads_) widths.push_back(textWidth(head));
    for (const auto& cells : rows_)
        for (size_t i = 0; i < cells.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], textWidth(cells[i]));
    const auto lineOf = [&](const std::vector<std::string>& cells) {
        std::string line;
        for (size_t i = 0; i < cells.size() && i < widths.size(); ++i)
            line += i + 1 < cells.size() ? padded(cells[i], widths[i] + 2) : cells[i];
        line.erase(line.find_last_not_of(' ') + 1);
        return line;
    };
    std::string out = style.paint(Colour::bold, lineOf(heads_)) + "\n";
    for (const auto& cells : rows_) out += lineOf(cells) + "\n";
    return out;
}

Output::Output(bool json)
    : json_(json),
      outStyle_{coloursWanted(stdout), unicodeWanted()},
      errorStyle_{coloursWanted(stderr), unicodeWanted()} {}

void Output::document(const Json& value) {
    if (!json_ || documentPrinted_) return;
    documentPrinted_ = true;
    write(stdout, toPrettyText(value) + "\n");
}

void Output::documentLine(const Json& value) {
    documentPrinted_ = true;
    write(stdout, toText(value) + "\n");
}

void Output::text(std::string_view text) {
    if (!json_) write(stdout, text);
}

void Output::table(const Table& table, std::string_view whenEmpty) {
    if (table.empty())
        line(whenEmpty);
    else
        text(table.text(outStyle_));
}

void Output::note(std::string_view text) {
    write(stderr, std::string(text) + "\n");
}

int Output::error(const Error& error) {
    const std::string message =
        error.message.empty() ? std::string(codeSentence(error.code)) : printable(error.message);
    note("swing: " + errorStyle_.paint(Colour::red, codeName(error.code)) + ": " + message);
    if (!error.hint.empty()) note("       hint: " + printable(error.hint));
    document(JsonObject{{"error", errorToJson(error)}});
    return exitCode(error.code);
}

}  // namespace swb::swing
