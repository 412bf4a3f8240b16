// A run (RUN of the API) as text, and what its end means for an exit code. Pure.
#pragma once

#include <string>

#include "swing/output.h"

namespace swb::swing {

bool isFinished(const Json& run);
// "switch of shop: shop-fra → shop-nyc"
std::string runTitle(const Json& run, const Style& style);
Colour colourOfState(std::string_view state);

// "✓ every database fenced  87 ms  detail"
std::string stepLine(const Json& step, const Style& style);
// Where it came from and went, epoch, write outage, point of no return, every step with its time, what was verified.
std::string runReport(const Json& run, const Style& style);
// The plan of a dry run: every step with its reason, proof, undo and commands.
std::string planText(const Json& run, const Style& style);

// checks: the readiness result {verdict, checkedAt, checks: […]}.
std::string checksSummary(const Json& checks,
                          const Style& style);  // "31 checks: 29 ok, 2 warnings", then what is not ok
std::string checksTable(const Json& checks, const Style& style);

// Why a run that is not done did not get there.
Error failureOf(const Json& run);
// Of a finished run: done 0, aborted 1, failed: by the class of the failed step's error.
int exitCodeOf(const Json& run);

}  // namespace swb::swing
