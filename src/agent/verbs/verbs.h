// The handlers that verb_table.cpp puts into rows; one file per family.
#pragma once

#include "agent/verb.h"

namespace swb::agent {

Result<Json> serverInspect(VerbCall& call);

Result<Json> applicationConfigure(VerbCall& call);
Result<Json> applicationRemove(VerbCall& call);
Result<Json> processApply(VerbCall& call);
Result<Json> processRestart(VerbCall& call);
Result<Json> applicationActivate(VerbCall& call);
Result<Json> applicationDeactivate(VerbCall& call);
Result<Json> applicationRefresh(VerbCall& call);

Result<Json> webPrepare(VerbCall& call);
Result<Json> maintenanceOn(VerbCall& call);
Result<Json> settleMaintenanceOn(VerbCall& call);
Result<Json> maintenanceOff(VerbCall& call);
Result<Json> settleMaintenanceOff(VerbCall& call);
Result<Json> maintenanceInspect(VerbCall& call);

Result<Json> databaseInspect(VerbCall& call);
Result<Json> databaseCertificateRequest(VerbCall& call);
Result<Json> databaseInstallCertificates(VerbCall& call);
Result<Json> databasePrepareSource(VerbCall& call);
Result<Json> databaseTestSource(VerbCall& call);
Result<Json> databaseSeed(VerbCall& call);
Result<Json> settleSeed(VerbCall& call);
Result<Json> databaseReleaseSource(VerbCall& call);
Result<Json> databasePromoteStandalone(VerbCall& call);
Result<Json> settlePromoteStandalone(VerbCall& call);
Result<Json> databasePrepareSwitch(VerbCall& call);
Result<Json> databaseEndSwitch(VerbCall& call);
Result<Json> guardRead(VerbCall& call);

Result<Json> databaseFence(VerbCall& call);
Result<Json> settleFence(VerbCall& call);
Result<Json> databaseUnfence(VerbCall& call);
Result<Json> settleUnfence(VerbCall& call);
Result<Json> databaseTakeOver(VerbCall& call);
Result<Json> settleTakeOver(VerbCall& call);
Result<Json> databaseRejoin(VerbCall& call);
Result<Json> settleRejoin(VerbCall& call);

}  // namespace swb::agent
