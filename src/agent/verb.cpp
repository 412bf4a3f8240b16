#include "agent/verb.h"

#include <algorithm>

namespace swb::agent {

driver::Context VerbCall::context(std::string stateDirectory) const {
    driver::Context context;
    context.deadline = deadline;
    context.cancelled = cancelled;
    context.progress = progress;
    context.stateDirectory = std::move(stateDirectory);
    return context;
}

driver::Context VerbCall::contextFor(const DatabaseSpec& spec) const {
    return context(services.databaseState(spec));
}

driver::Context VerbCall::contextFor(const DatabaseSpec& spec, MonotonicMs earlier) const {
    driver::Context context = contextFor(spec);
    context.deadline = std::min(context.deadline, earlier);
    return context;
}

driver::Context VerbCall::contextFor(const WebSpec& web) const {
    return context(services.webState(web));
}
driver::Context VerbCall::processContext() const {
    return context(services.processState());
}

std::string Services::databaseState(const DatabaseSpec& spec) const {
    return directory.drivers() + "/" + std::string(nameOf(spec.engine));
}

std::string Services::webState(const WebSpec& web) const {
    return directory.drivers() + "/" + std::string(nameOf(web.front));
}

std::string Services::processState() const {
    return directory.drivers() + "/process";
}

std::vector<std::string> Services::diskPaths() const {
    std::vector<std::string> paths = {directory.root};
    for (const auto& application : applications.all())
        for (const auto& [name, spec] : application.databases)
            if (!spec.service.data.empty()) paths.push_back(spec.service.data);
    return paths;
}

}  // namespace swb::agent
