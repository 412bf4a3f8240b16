#include "step/catalogue.h"

#include "step/kind.h"

namespace swb::step {

run::StepCatalogue makeCatalogue() {
    run::StepCatalogue catalogue;
    for (auto* make : {lockStep,
                       catchUpStep,
                       maintenanceOnStep,
                       maintenanceOffStep,
                       fenceStep,
                       bootGuardStep,
                       takeOverStep,
                       activateStep,
                       publishAddressStep,
                       lowerTtlStep,
                       waitTtlStep,
                       restoreTtlStep,
                       publishElsewhereStep,
                       confirmElsewhereStep,
                       reverseLinkStep,
                       rejoinStep,
                       settleStep,
                       reportStep,
                       requestCertificatesStep,
                       signCertificatesStep,
                       installCertificatesStep,
                       prepareSourceStep,
                       prepareTargetStep,
                       testSourceStep,
                       testReverseStep,
                       seedStep,
                       linkStep,
                       unlinkStep,
                       promoteStandaloneStep,
                       releaseSourceStep,
                       configureStep,
                       prepareWebStep,
                       applyProcessesStep,
                       removeStep,
                       forgetStep,
                       configureReplicasStep,
                       prepareFollowersStep,
                       environmentStep})
        catalogue.add(make());
    return catalogue;
}

std::vector<std::string> agentVerbs() {
    return {"application.activate",
            "application.configure",
            "application.deactivate",
            "application.refresh",
            "application.remove",
            "database.certificate-request",
            "database.end-switch",
            "database.fence",
            "database.inspect",
            "database.install-certificates",
            "database.prepare-source",
            "database.prepare-switch",
            "database.promote-standalone",
            "database.rejoin",
            "database.release-source",
            "database.seed",
            "database.take-over",
            "database.test-source",
            "database.unfence",
            "maintenance.inspect",
            "maintenance.off",
            "maintenance.on",
            "process.apply",
            "server.inspect",
            "web.prepare"};
}

std::vector<std::string> controllerVerbs() {
    return {"controller.confirm-elsewhere",
            "controller.forget",
            "controller.link",
            "controller.lock",
            "controller.lower-ttl",
            "controller.publish",
            "controller.publish-elsewhere",
            "controller.report",
            "controller.restore-ttl",
            "controller.sign-certificates",
            "controller.unlink",
            "controller.wait-ttl"};
}

}  // namespace swb::step
