// The terminal, if there is one: what it can show, and questions to the person in front of it. Questions go to stderr,
// so that they never mix with a result.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace swb::swing {

bool isTerminal(FILE* stream);
// Somebody can be asked: stdin and stderr are terminals.
bool canAsk();
bool coloursWanted(FILE* stream);  // a terminal, NO_COLOR not set, TERM not dumb
bool unicodeWanted();              // by the locale's character set

struct TerminalSize {
    size_t columns = 80, rows = 24;
};
TerminalSize terminalSize(FILE* stream);

// One line without its end; empty at the end of input.
std::string askLine(std::string_view question);
bool askYesNo(std::string_view question);  // "[y/N]": anything but y or yes is no
// Without echo. Ctrl-C restores the terminal and ends the program as usual.
Result<Secret> askSecret(std::string_view question);
// All of stdin up to the limit.
Result<std::string> readStandardInput(size_t maxBytes);

}  // namespace swb::swing
