#include "plan/plan_builder.h"

namespace swb::plan {

Result<run::Run> planRenewal(const Snapshot& snapshot, const std::vector<std::string>& databases,
                             const Intent& intent) {
    const Application& from = *snapshot.from;
    const Application& to = *snapshot.to;
    if (databases.empty())
        return fail(ErrorCode::NotFound, to.name + " does not replicate from " + from.name,
                    "`swing replication status` lists what does");
    for (const std::string& name : databases)
        if (!from.databases.count(name) || !to.databases.count(name))
            return fail(ErrorCode::NotFound,
                        "the database " + name + " is not in both " + from.name + " and " + to.name,
                        "`swing app show` lists what each has");
    PlanBuilder plan("renew-certificates", snapshot, intent);
    plan.subject()["databases"] = JsonArray(databases.begin(), databases.end());
    const std::string source = joined(databaseServers(from, databases)),
                      target = joined(databaseServers(to, databases)), both = source + ", " + target;
    plan.step("request-certificates", "request-certificates", "certificate requests for the keys that are there", both,
              "keys never leave their servers", "requests are there", "nothing");
    plan.step("sign-certificates", "sign-certificates", "the controller's CA signs them", "controller",
              "the old ones end", "signed", "nothing");
    plan.step("install-certificates", "install-certificates", "certificates in place, taken up by a reload", both,
              "no server is restarted for it", "the server shows a good certificate", "nothing: the old keys go on");
    plan.step("test-source", "test-source", to.name + " → " + from.name + ": a real replication connection", target,
              "a replica that reconnects must get in", "the source's identity is read", "nothing");
    plan.step("test-reverse", "test-reverse", from.name + " → " + to.name + ": a real replication connection", source,
              "going back must go on working", "the target's identity is read", "nothing");
    return plan.take();
}

}  // namespace swb::plan
