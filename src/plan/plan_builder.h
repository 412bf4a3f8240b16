// Shared by the planners: an empty run with its subject, steps by name.
#pragma once

#include "plan/planner.h"

namespace swb::plan {

class PlanBuilder {
  public:
    PlanBuilder(std::string kind, const Snapshot& snapshot, const Intent& intent);

    // Texts: what people read before they say yes.
    run::Step& step(std::string name, std::string kind, std::string title, std::string server, std::string reason,
                    std::string verify, std::string undo);
    JsonObject& subject() { return subject_; }
    run::Run& run() { return run_; }
    run::Run take();

  private:
    run::Run run_;
    JsonObject subject_;
};

std::string joined(const std::vector<std::string>& words);
// Servers of the application's databases, processes, or web fronts.
std::vector<std::string> databaseServers(const Application& application, const std::vector<std::string>& databases);
std::vector<std::string> webServers(const Application& application);
std::vector<std::string> processServers(const Application& application);
// F21: processes are told where the databases and their replicas are; the last step of what changed the replicas.
struct Told {
    const Application* application;
    std::map<std::string, std::string> replicas;
};
void addEnvironment(PlanBuilder& plan, const std::vector<Told>& told);
// Fails with NotReady naming the first refusal.
Result<void> requireReady(const Readiness& readiness, std::string_view what);

}  // namespace swb::plan
