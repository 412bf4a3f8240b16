#include "run/step_kind.h"

#include "base/assert.h"

namespace swb::run {

void StepCatalogue::add(std::unique_ptr<StepKind> kind) {
    std::string name(kind->name());
    const bool inserted = kinds_.emplace(std::move(name), std::move(kind)).second;
    SWB_ASSERT(inserted, "two step kinds have one name");
}

const StepKind& StepCatalogue::at(std::string_view name) const {
    const auto found = kinds_.find(name);
    SWB_ASSERT(found != kinds_.end(), "a plan names a step kind that does not exist");
    return *found->second;
}

bool StepCatalogue::has(std::string_view name) const {
    return kinds_.find(name) != kinds_.end();
}

const Json* resultOf(const Step& step, std::string_view key) {
    for (auto record = step.commands.rbegin(); record != step.commands.rend(); ++record)
        if (!record->undo && record->key == key && record->state == CommandState::done) return &record->result;
    return nullptr;
}

}  // namespace swb::run
