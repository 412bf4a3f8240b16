// The controller's own verbs: what a step changes in the store and the zone. Each is idempotent and one commit.
#pragma once

#include "crypto/certificate.h"
#include "crypto/seal.h"
#include "dispatch/alarms.h"
#include "dispatch/conductor.h"
#include "dispatch/publications.h"
#include "dispatch/publisher.h"
#include "plan/environment.h"

namespace swb::dispatch {

class ControllerVerbs final : public LocalVerbs {
  public:
    ControllerVerbs(store::Store& store, Publisher& publisher, const crypto::CertificateAuthority& authority,
                    const crypto::Sealer& sealer, const Clock& clock, Publications* publications = nullptr)
        : store_(store),
          publisher_(publisher),
          authority_(authority),
          sealer_(sealer),
          clock_(clock),
          publications_(publications),
          alarms_(clock) {}

    Result<Json> perform(std::string_view verb, const run::Run& run, const Json& args) override;
    bool performLater(std::string_view verb, const run::Run& run, const Json& args, const std::string& commandId,
                      const Done& done) override;
    void cancel(const std::string& commandId) override;
    Result<JsonObject> secretsOf(const std::string& application) override;
    Json variablesOf(const run::Run& run, const std::string& application, const Fleet& fleet) override;
    // The replicas that variablesOf() named last; nothing: none since the start.
    std::optional<plan::ReplicaAddresses> told(const std::string& application) const;

    // Name that a secret is sealed for, and the id of its document.
    static std::string secretId(const std::string& application, const std::string& name) {
        return application + "/" + name;
    }

  private:
    Result<Json> lock(const run::Run& run, const Json& args);
    Result<Json> publish(const run::Run& run, const Json& args);
    Result<Json> publishElsewhere(const run::Run& run, const Json& args);
    Result<Json> lowerTtl(const run::Run& run, const Json& args);
    Result<Json> restoreTtl(const run::Run& run, const Json& args);
    Result<Json> setTtlLowered(const run::Run& run, bool lowered);
    void waitTtl(const run::Run& run, const std::string& commandId, const Done& done);
    Result<Json> report(const run::Run& run, const Json& args);
    Result<Json> signCertificates(const run::Run& run, const Json& args);
    Result<Json> link(const run::Run& run, const Json& args);
    Result<Json> unlink(const run::Run& run, const Json& args);
    Result<Json> forget(const run::Run& run, const Json& args);

    store::Store& store_;
    Publisher& publisher_;
    const crypto::CertificateAuthority& authority_;
    const crypto::Sealer& sealer_;
    const Clock& clock_;
    Publications* publications_;  // null where nothing is published elsewhere
    mutable std::mutex toldMutex_;
    std::map<std::string, plan::ReplicaAddresses> told_;
    std::mutex waitingMutex_;
    std::map<std::string, Done> waiting_;  // by command id: TTLs that are waited out
    Alarms alarms_;                        // last: its thread ends before the rest goes
};

}  // namespace swb::dispatch
