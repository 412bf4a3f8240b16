// What the engine needs to know of a kind of step. Pure: computed from the run alone, so that a restarted controller
// computes the same. Implementations are in src/step, one file each.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "run/run.h"

namespace swb::run {

class StepKind {
  public:
    virtual ~StepKind() = default;
    virtual std::string_view name() const = 0;
    // The commands that do it; all are sent at once. None: the step is judged by verify alone.
    virtual std::vector<CommandSpec> act(const Run& run, const Step& step) const = 0;
    // All commands were done: does their result prove what the step promises? The value becomes the step's result,
    // its member "detail" the sentence people read.
    virtual Result<Json> verify(const Run& run, const Step& step) const = 0;
    // The commands that take it back; sent also when the act failed or its outcome was not known.
    virtual std::vector<CommandSpec> undo(const Run& run, const Step& step) const = 0;
};

class StepCatalogue {
  public:
    void add(std::unique_ptr<StepKind> kind);
    const StepKind& at(std::string_view name) const;  // asserts that it is there
    bool has(std::string_view name) const;

  private:
    std::map<std::string, std::unique_ptr<StepKind>, std::less<>> kinds_;
};

// The newest finished result of a step's act for a command key; null when there is none.
const Json* resultOf(const Step& step, std::string_view key);

}  // namespace swb::run
