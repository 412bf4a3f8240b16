// Named fault points. A scenario test sets SWINGBRIDGE_FAULT=point to make the program kill itself (SIGKILL) the first
// time that point is passed, as if its machine had lost power there; SWINGBRIDGE_FAULT_ONCE names a file that is
// created first, so that the restarted program passes. Without the variable a point costs a look into the environment.
#pragma once

#include <string_view>

namespace swb {

// point: dotted, e.g. "run.fence.acted", "verb.database.fence.started".
void faultPoint(std::string_view area, std::string_view subject, std::string_view moment);

}  // namespace swb
