#include "step/kind.h"

namespace swb::step {
namespace {

Commands publish(const Run&, const Step&) {
    return {{"controller", "", "controller.publish", JsonObject{}, 10'000}};
}

Commands report(const Run&, const Step&) {
    return {{"controller", "", "controller.report", JsonObject{}, 10'000}};
}

}  // namespace

std::unique_ptr<run::StepKind> publishAddressStep() {
    return kind("publish-address", publish);
}
std::unique_ptr<run::StepKind> reportStep() {
    return kind("report", report);
}

}  // namespace swb::step
