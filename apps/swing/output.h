// Everything `swing` prints. Results go to stdout, everything about them (progress, notes, errors) to stderr. With
// --json stdout carries exactly one JSON document for a command, errors included; text for people is left out then.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace swb::swing {

enum class Colour { none, red, green, yellow, blue, grey, bold };

// How text may look at one of the two ends.
struct Style {
    bool colour = false;
    bool unicode = false;

    std::string paint(Colour colour, std::string_view text) const;
    std::string_view sign(std::string_view unicodeSign, std::string_view asciiSign) const {
        return unicode ? unicodeSign : asciiSign;
    }
};

class Table {
  public:
    explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const { return rows_.empty(); }
    // Columns aligned, two spaces between; no trailing spaces.
    std::string text(const Style& style) const;

  private:
    std::vector<std::string> heads_;
    std::vector<std::vector<std::string>> rows_;
};

class Output {
  public:
    explicit Output(bool json);

    bool json() const { return json_; }
    // The command's one document; printed only with --json.
    void document(const Json& value);
    // One line of a stream of documents (`event tail --follow --json`).
    void documentLine(const Json& value);
    // Text for people on stdout; not printed with --json.
    void text(std::string_view text);
    void line(std::string_view text) { this->text(std::string(text) + "\n"); }
    // The table, or `whenEmpty` when it has no rows.
    void table(const Table& table, std::string_view whenEmpty);
    // A remark on stderr.
    void note(std::string_view text);
    // Code, sentence and hint on stderr, and the document when none was printed yet. Returns the exit code.
    int error(const Error& error);

    const Style& outStyle() const { return outStyle_; }
    const Style& errorStyle() const { return errorStyle_; }

  private:
    bool json_;
    bool documentPrinted_ = false;
    Style outStyle_, errorStyle_;
};

}  // namespace swb::swing
