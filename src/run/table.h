// The life of a run as a table: every change of state the engine may make, with the sentence it logs.
// The engine asserts that each change it makes is a row; test/… shows that from every state there is a way to an end
// (I5); `swingd inspect run-table` prints it as text or Mermaid.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "run/run.h"

namespace swb::run {

struct StateRow {
    RunState from;
    std::string_view cause;
    RunState to;
    std::string_view sentence;
};

std::span<const StateRow> stateTable();
bool isRow(RunState from, std::string_view cause, RunState to);
std::string stateTableMermaid();

}  // namespace swb::run
