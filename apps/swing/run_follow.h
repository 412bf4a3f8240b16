// The common end of every command that starts or watches a run: wait or not, report, exit code.
#pragma once

#include "swing/context.h"

namespace swb::swing {

enum class WaitDefault { always, onTerminal };

// run: as the API answered it. enclosing: the rest of the JSON document that has the run as its member `run`; null when
// the run itself is the document. defaultTimeoutMs holds without --timeout.
Result<int> followRun(Context& context, const Arguments& arguments, const Json& run, WaitDefault waitDefault,
                      const Json& enclosing = nullptr, int64_t defaultTimeoutMs = 600'000);
// Waits without asking whether to.
Result<int> watchRun(Context& context, const Arguments& arguments, const Json& run, const Json& enclosing = nullptr,
                     int64_t defaultTimeoutMs = 600'000);

}  // namespace swb::swing
