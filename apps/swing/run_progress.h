// Shows a run while it goes on, on stderr. On a terminal: one line for each step, redrawn in place. Elsewhere: one line
// for each step that ended and for each change of the run's state, so that a log reads well.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "swing/output.h"

namespace swb::swing {

class RunProgress {
  public:
    explicit RunProgress(const Style& style);

    void show(const Json& run, int64_t elapsedMs);
    // A remark below the steps (terminal) or as a line, once as long as it does not change; empty: none.
    void remark(const std::string& text);
    // Takes the drawn lines away (the report repeats them) or leaves them.
    void finish(bool erase);

    // The lines of a terminal of that size, without line ends: all steps, or those around the first unfinished one.
    static std::vector<std::string> lines(const Json& run, int64_t elapsedMs, const std::string& remark, size_t rows,
                                          const Style& style);

  private:
    void redraw(const std::vector<std::string>& lines);
    void printChanges(const Json& run);

    Style style_;
    bool terminal_;
    size_t drawn_ = 0;
    std::string remark_, runState_;
    std::map<std::string, std::string> stepStates_;
};

// Cuts to the width of a terminal, leaving colour sequences whole.
std::string clippedLine(const std::string& line, size_t columns);

}  // namespace swb::swing
