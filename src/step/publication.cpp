// Publication elsewhere in two steps: begun as soon as the own name servers answer, judged at the end. What another
// provider takes its time for never keeps the old site from becoming the new standby.
#include "step/kind.h"

namespace swb::step {
namespace {

// The controller waits for the name servers of the providers, and gives up before this.
constexpr int64_t confirmMs = 90'000;

Commands begin(const Run&, const Step&) {
    return {{"controller", "", "controller.publish-elsewhere", JsonObject{}, 10'000}};
}

Commands confirm(const Run&, const Step&) {
    return {{"controller", "", "controller.confirm-elsewhere", JsonObject{}, confirmMs}};
}

}  // namespace

std::unique_ptr<run::StepKind> publishElsewhereStep() {
    return kind("publish-elsewhere", begin);
}
std::unique_ptr<run::StepKind> confirmElsewhereStep() {
    return kind("confirm-elsewhere", confirm);
}

}  // namespace swb::step
