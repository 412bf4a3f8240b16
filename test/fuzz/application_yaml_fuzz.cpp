// Definition files come from people and their tools. What is accepted survives the way to the store and back unchanged.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/ids.h"
#include "model/application.h"
#include "model/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto application = swb::applicationFromYaml(text);
    if (!application) {
        SWB_ASSERT(!application.error().message.empty(), "every refusal says why");
        return 0;
    }
    SWB_ASSERT(swb::isName(application->name) && swb::isName(application->site), "names are checked");
    for (const auto& [key, spec] : application->databases) SWB_ASSERT(key == spec.name, "a database has one name");
    for (const auto& [key, spec] : application->processes) SWB_ASSERT(key == spec.name, "a process has one name");
    const swb::Json stored = swb::applicationToJson(*application);
    const auto again = swb::applicationFromJson(stored);
    SWB_ASSERT(again.has_value(), "what was accepted is accepted again");
    SWB_ASSERT(swb::applicationToJson(*again) == stored, "and means the same");
    return 0;
}
