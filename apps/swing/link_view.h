// Links and their history as people read them. Pure.
#pragma once

#include "base/result.h"
#include "swing/output.h"

namespace swb::swing {

std::vector<std::string> linkHeads();
std::vector<std::string> linkRow(const Json& link);
// Sentence and hint of a link that wants attention, and what it does about it; empty for one that is well.
std::string linkRemark(const Json& link);
// "90s", "30m", "6h", "7d"
Result<int64_t> secondsOf(std::string_view text);
// The answer of the history's route: a chart of the lag with its extremes, one line of states.
std::string historyText(const Json& answer, const Style& style);

}  // namespace swb::swing
