#include "step/kind.h"

namespace swb::step {
namespace {

Commands act(const Run&, const Step&) { return {{"controller", "", "controller.lock", JsonObject{}, 10'000}}; }
Commands undo(const Run&, const Step&) { return {{"controller", "", "controller.unlock", JsonObject{}, 10'000}}; }

}  // namespace

std::unique_ptr<run::StepKind> lockStep() { return kind("lock", act, succeeded, undo); }

}  // namespace swb::step
