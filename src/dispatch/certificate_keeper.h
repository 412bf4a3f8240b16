// Renews certificates between sites before they end, each time by a run that anybody can see. It looks at what agents
// say of their servers' certificates, begins a run when one is due (plan/certificate_age.h) and nothing else works on
// the applications, and gives up a run that does not get through, so that it never stands in the way of a switch: the
// old certificates serve on, and it is tried again.
#pragma once

#include "dispatch/conductor.h"
#include "dispatch/inspector.h"

namespace swb::dispatch {

class CertificateKeeper {
  public:
    CertificateKeeper(store::Store& store, Fleet& fleet, Conductor& conductor, Inspector& inspector,
                      const Clock& clock);

    // Call about twice a second.
    void tick();

    static constexpr int64_t lookEveryMs = 30'000;
    static constexpr int64_t patienceMs = 60'000;  // of a run that renews; it takes a second or two

  private:
    using Pair = std::pair<std::string, std::string>;
    // Databases whose certificates are due, by link's ends.
    Result<std::map<Pair, std::vector<std::string>>> due();
    bool isDue(const std::string& copy, const std::string& database, int64_t& retryMs) const;
    void begin(const Pair& pair, const std::vector<std::string>& databases);
    void giveUpLate();

    store::Store& store_;
    Fleet& fleet_;
    Conductor& conductor_;
    Inspector& inspector_;
    const Clock& clock_;
    MonotonicMs lookAt_ = 0;
    std::map<Pair, MonotonicMs> triedUntil_;  // not before then again
};

}  // namespace swb::dispatch
