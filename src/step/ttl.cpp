// The TTL as part of a plan (F51): lowered before users are held, the usual one waited out, put back afterwards.
#include "step/kind.h"

namespace swb::step {
namespace {

constexpr int64_t waitGraceMs = 60'000;

Commands lower(const Run&, const Step&) {
    return {{"controller", "", "controller.lower-ttl", JsonObject{}, 10'000}};
}

Commands restore(const Run&, const Step&) {
    return {{"controller", "", "controller.restore-ttl", JsonObject{}, 10'000}};
}

// What was lowered before this run began stays so when the run is undone.
Commands undoLower(const Run& run, const Step& step) {
    return booleanAt(step.params, "wasLowered") ? Commands{} : restore(run, step);
}

Commands wait(const Run& run, const Step&) {
    const Json* group = memberAt(run.subject, "group");
    const int64_t ttlMs = group ? integerAt(*group, "ttl") * 1000 : 0;
    return {{"controller", "", "controller.wait-ttl", JsonObject{}, ttlMs + waitGraceMs}};
}

}  // namespace

std::unique_ptr<run::StepKind> lowerTtlStep() {
    return kind("lower-ttl", lower, succeeded, undoLower);
}
std::unique_ptr<run::StepKind> waitTtlStep() {
    return kind("wait-ttl", wait);
}
std::unique_ptr<run::StepKind> restoreTtlStep() {
    return kind("restore-ttl", restore);
}

}  // namespace swb::step
