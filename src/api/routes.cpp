#include <array>

#include "api/route.h"

namespace swb::api {
namespace {

using enum Access;

constexpr std::array table = {
    Route{"GET", "/v1/health", open, "ask whether the controller is up", health},
    Route{"POST", "/v1/join", open, "enrol a server with a join token", join},
    Route{"GET", "/v1/status", viewer, "see the controller's status", status},
    Route{"GET", "/v1/sites", viewer, "list sites", listSites},
    Route{"POST", "/v1/sites", admin, "add a site", addSite},
    Route{"DELETE", "/v1/sites/{site}", admin, "delete a site", deleteSite},
    Route{"GET", "/v1/servers", viewer, "list servers", listServers},
    Route{"POST", "/v1/servers/token", admin, "create a join token", createJoinToken},
    Route{"DELETE", "/v1/servers/{server}", admin, "delete a server", deleteServer},
    Route{"GET", "/v1/applications", viewer, "list applications", listApplications},
    Route{"PUT", "/v1/applications", admin, "apply an application's definition", putApplication},
    Route{"GET", "/v1/applications/{application}", viewer, "show an application", showApplication},
    Route{"DELETE", "/v1/applications/{application}", admin, "delete an application", deleteApplication},
    Route{"PUT", "/v1/applications/{application}/secrets/{name}", admin, "set a secret", putSecret},
    Route{"DELETE", "/v1/applications/{application}/secrets/{name}", admin, "delete a secret", deleteSecret},
    Route{"POST", "/v1/applications/{application}/maintenance", operator_, "turn maintenance on or off",
          setMaintenance},
    Route{"POST", "/v1/applications/{application}/databases/{database}/promote", operator_, "promote a replica",
          promoteDatabase},
    Route{"GET", "/v1/replication", viewer, "list replication links", listReplication},
    Route{"GET", "/v1/replication/{from}/{to}/{database}/history", viewer, "read how far behind a link was",
          replicationHistory},
    Route{"POST", "/v1/replication", operator_, "enable replication", enableReplication},
    Route{"POST", "/v1/replication/resync", operator_, "seed a replica again", resyncReplication},
    Route{"POST", "/v1/replication/renew", operator_, "renew the certificates of both ends", renewReplication},
    Route{"POST", "/v1/replication/disable", operator_, "disable replication", disableReplication},
    Route{"GET", "/v1/groups", viewer, "list failover groups", listGroups},
    Route{"POST", "/v1/groups", admin, "create a failover group", createGroup},
    Route{"GET", "/v1/groups/{group}", viewer, "show a failover group", showGroup},
    Route{"PATCH", "/v1/groups/{group}", admin, "change a failover group", updateGroup},
    Route{"DELETE", "/v1/groups/{group}", admin, "delete a failover group", deleteGroup},
    Route{"POST", "/v1/groups/{group}/check", viewer, "check a group's readiness", checkGroup},
    Route{"POST", "/v1/groups/{group}/prepare", operator_, "lower the TTL before a switch, or put it back",
          prepareGroup},
    Route{"POST", "/v1/groups/{group}/switch", operator_, "switch a group", switchGroup},
    Route{"GET", "/v1/zones/{zone}/dnssec", viewer, "show a zone's keys and their stage", showDnssec},
    Route{"POST", "/v1/zones/{zone}/dnssec", admin, "sign a zone", enableDnssec},
    Route{"DELETE", "/v1/zones/{zone}/dnssec", admin, "stop signing a zone", disableDnssec},
    Route{"POST", "/v1/zones/{zone}/dnssec/roll", admin, "replace a zone's key", rollDnssec},
    Route{"POST", "/v1/zones/{zone}/dnssec/cancel", admin, "take back what has begun", cancelDnssec},
    Route{"POST", "/v1/zones/{zone}/dnssec/parent-done", admin, "say that the parent's DS is as asked",
          parentDoneDnssec},
    Route{"GET", "/v1/zones", viewer, "list zones", listZones},
    Route{"GET", "/v1/zones/{zone}", viewer, "show a zone and its own records", showZone},
    Route{"PUT", "/v1/zones/{zone}/records", admin, "set the records of one name and type", putRecords},
    Route{"DELETE", "/v1/zones/{zone}/records/{name}/{type}", admin, "delete the records of one name and type",
          deleteRecords},
    Route{"GET", "/v1/zones/{zone}/file", viewer, "read a zone as a master file", exportZone},
    Route{"POST", "/v1/zones/{zone}/import", admin, "take a zone's records from a master file", importZone},
    Route{"GET", "/v1/groups/{group}/address", viewer, "see what is answered for a group's address, and where",
          testAddress},
    Route{"GET", "/v1/publications", viewer, "list publications at other providers", listPublications},
    Route{"POST", "/v1/groups/{group}/publications", admin, "publish a group's address at another provider",
          addPublication},
    Route{"DELETE", "/v1/groups/{group}/publications/{name}/{type}", admin, "remove a publication", removePublication},
    Route{"POST", "/v1/groups/{group}/publications/{name}/{type}/check", operator_,
          "look at a publication's provider and name servers", checkPublication},
    Route{"POST", "/v1/groups/{group}/publications/{name}/{type}/adopt", admin, "take a published name over",
          adoptPublication},
    Route{"GET", "/v1/credentials", admin, "list credentials for providers", listCredentials},
    Route{"PUT", "/v1/credentials/{name}", admin, "set a credential", putCredential},
    Route{"DELETE", "/v1/credentials/{name}", admin, "delete a credential", deleteCredential},
    Route{"GET", "/v1/runs", viewer, "list runs", listRuns},
    Route{"GET", "/v1/runs/{run}", viewer, "show a run", showRun},
    Route{"POST", "/v1/runs/{run}/pause", operator_, "pause a run", pauseRun},
    Route{"POST", "/v1/runs/{run}/resume", operator_, "resume a run", resumeRun},
    Route{"POST", "/v1/runs/{run}/retry", operator_, "retry a run's failed step", retryRun},
    Route{"POST", "/v1/runs/{run}/skip", operator_, "skip a run's failed step", skipRun},
    Route{"POST", "/v1/runs/{run}/abort", operator_, "abort a run", abortRun},
    Route{"GET", "/v1/events", viewer, "read the event log", listEvents},
    Route{"GET", "/v1/tokens", admin, "list API tokens", listTokens},
    Route{"POST", "/v1/tokens", admin, "create an API token", addToken},
    Route{"DELETE", "/v1/tokens/{token}", admin, "delete an API token", deleteToken},
    Route{"GET", "/v1/schema/application", viewer, "read the schema of definition files", applicationSchemaRoute},
    Route{"GET", "/v1/inspect/run-table", viewer, "see the life of a run as a table", runTable},
    Route{"GET", "/v1/openapi.json", viewer, "read the API's description", openApiRoute},
};

std::string_view roleText(Access access) {
    switch (access) {
        case open:
            return "anyone";
        case viewer:
            return "viewer";
        case operator_:
            return "operator";
        case admin:
            return "admin";
    }
    return "";
}

}  // namespace

std::span<const Route> routes() {
    return table;
}

Json openApi(std::string_view version) {
    JsonObject paths;
    for (const Route& route : table) {
        JsonArray parameters;
        std::string_view rest = route.pattern;
        for (size_t start; (start = rest.find('{')) != std::string_view::npos;) {
            const size_t end = rest.find('}', start);
            parameters.push_back(JsonObject{{"name", rest.substr(start + 1, end - start - 1)},
                                            {"in", "path"},
                                            {"required", true},
                                            {"schema", JsonObject{{"type", "string"}}}});
            rest.remove_prefix(end + 1);
        }
        std::string method(route.method);
        for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        JsonObject operation{
            {"summary", route.summary},
            {"x-role", roleText(route.access)},
            {"parameters", parameters},
            {"responses",
             JsonObject{{"default", JsonObject{{"description", "JSON; errors as {error: {code, message, hint}}"}}}}}};
        if (route.access == open) operation["security"] = JsonArray{};
        Json& path = paths[route.pattern];
        if (!path.is_object()) path = JsonObject{};
        path.as_object()[method] = operation;
    }
    return JsonObject{
        {"openapi", "3.1.0"},
        {"info", JsonObject{{"title", "Swingbridge"}, {"version", version}}},
        {"components",
         JsonObject{{"securitySchemes", JsonObject{{"bearer", JsonObject{{"type", "http"}, {"scheme", "bearer"}}}}}}},
        {"security", JsonArray{JsonObject{{"bearer", JsonArray{}}}}},
        {"paths", paths}};
}

}  // namespace swb::api
