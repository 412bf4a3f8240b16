#include "step/kind.h"

namespace swb::step {
namespace {

// The lock was taken in the commit that stored the plan, and is given back in the one that stores the end.
Commands act(const Run&, const Step&) {
    return {{"controller", "", "controller.lock", JsonObject{}, 10'000}};
}

}  // namespace

std::unique_ptr<run::StepKind> lockStep() {
    return kind("lock", act);
}

}  // namespace swb::step
