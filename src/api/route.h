// The route table's rows. Internal to src/api.
#pragma once

#include <span>

#include "api/api.h"
#include "plan/planner.h"

namespace swb::api {

enum class Access { open, viewer, operator_, admin };

using Handler = Result<Response> (*)(Context&, const Call&);

struct Route {
    std::string_view method;
    std::string_view pattern;  // "/v1/groups/{group}": each {…} takes one segment
    Access access;
    std::string_view summary;
    Handler handle;
};

std::span<const Route> routes();
Json openApi(std::string_view version);

// Handlers by family: sites.cpp, servers.cpp, applications.cpp, replication.cpp, groups.cpp, zones.cpp, runs.cpp,
// system.cpp
Result<Response> health(Context&, const Call&);
Result<Response> status(Context&, const Call&);
Result<Response> join(Context&, const Call&);
Result<Response> listSites(Context&, const Call&);
Result<Response> addSite(Context&, const Call&);
Result<Response> deleteSite(Context&, const Call&);
Result<Response> listServers(Context&, const Call&);
Result<Response> createJoinToken(Context&, const Call&);
Result<Response> deleteServer(Context&, const Call&);
Result<Response> listApplications(Context&, const Call&);
Result<Response> putApplication(Context&, const Call&);
Result<Response> showApplication(Context&, const Call&);
Result<Response> deleteApplication(Context&, const Call&);
Result<Response> putSecret(Context&, const Call&);
Result<Response> deleteSecret(Context&, const Call&);
Result<Response> setMaintenance(Context&, const Call&);
Result<Response> promoteDatabase(Context&, const Call&);
Result<Response> listReplication(Context&, const Call&);
Result<Response> replicationHistory(Context&, const Call&);
Result<Response> enableReplication(Context&, const Call&);
Result<Response> resyncReplication(Context&, const Call&);
Result<Response> renewReplication(Context&, const Call&);
Result<Response> disableReplication(Context&, const Call&);
Result<Response> listGroups(Context&, const Call&);
Result<Response> createGroup(Context&, const Call&);
Result<Response> showGroup(Context&, const Call&);
Result<Response> updateGroup(Context&, const Call&);
Result<Response> deleteGroup(Context&, const Call&);
Result<Response> checkGroup(Context&, const Call&);
Result<Response> prepareGroup(Context&, const Call&);
Result<Response> switchGroup(Context&, const Call&);
Result<Response> showDnssec(Context&, const Call&);
Result<Response> enableDnssec(Context&, const Call&);
Result<Response> disableDnssec(Context&, const Call&);
Result<Response> rollDnssec(Context&, const Call&);
Result<Response> cancelDnssec(Context&, const Call&);
Result<Response> parentDoneDnssec(Context&, const Call&);
Result<Response> listZones(Context&, const Call&);
Result<Response> showZone(Context&, const Call&);
Result<Response> putRecords(Context&, const Call&);
Result<Response> deleteRecords(Context&, const Call&);
Result<Response> importZone(Context&, const Call&);
Result<Response> exportZone(Context&, const Call&);
Result<Response> testAddress(Context&, const Call&);
Result<Response> listPublications(Context&, const Call&);
Result<Response> addPublication(Context&, const Call&);
Result<Response> removePublication(Context&, const Call&);
Result<Response> checkPublication(Context&, const Call&);
Result<Response> adoptPublication(Context&, const Call&);
Result<Response> listCredentials(Context&, const Call&);
Result<Response> putCredential(Context&, const Call&);
Result<Response> deleteCredential(Context&, const Call&);
Result<Response> listRuns(Context&, const Call&);
Result<Response> showRun(Context&, const Call&);
Result<Response> pauseRun(Context&, const Call&);
Result<Response> resumeRun(Context&, const Call&);
Result<Response> retryRun(Context&, const Call&);
Result<Response> skipRun(Context&, const Call&);
Result<Response> abortRun(Context&, const Call&);
Result<Response> listEvents(Context&, const Call&);
Result<Response> listTokens(Context&, const Call&);
Result<Response> addToken(Context&, const Call&);
Result<Response> deleteToken(Context&, const Call&);
Result<Response> applicationSchemaRoute(Context&, const Call&);
Result<Response> runTable(Context&, const Call&);
Result<Response> openApiRoute(Context&, const Call&);

// Shared by the handlers.
plan::Intent intentOf(const Context& context, const Call& call, const std::string& reason);
// Commits the run with locks on the applications it touches; Busy applications are refused with the run that holds
// them.
Result<Response> beginRun(Context& context, run::Run run, store::Commit extra = {});
Result<Application> loadApplication(const Context& context, const std::string& name);
// Begins an `apply` of an application as it is stored: its environment or standing has changed. The answer is the run's
// id, or a sentence why it could not begin now (the application is busy).
std::string applyAgain(Context& context, const Call& call, const std::string& application, const std::string& reason);
// What the application's fronts last reported: "page" when any of them shows the maintenance page, "off" when none
// does, "unknown" while one has not reported or its agent is away; "none" without a web front.
std::string maintenanceOf(const Context& context, const Application& application);
// The replicas inside an application: their links' status, with name, server and address; without a link, `none`.
JsonArray replicasInside(const Context& context, const Application& application);

}  // namespace swb::api
