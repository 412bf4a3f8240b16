#include "plan/certificate_age.h"

#include <algorithm>

namespace swb::plan {

int64_t CertificateAge::retryMs() const {
    constexpr int64_t leastMs = 10'000, mostMs = 3600'000;
    return std::clamp(lifeMs() / 100, leastMs, mostMs);
}

std::optional<CertificateAge> certificateAge(const Json& facts) {
    const Json* certificate = memberAt(facts, "certificate");
    if (!certificate || !certificate->is_object()) return std::nullopt;
    const CertificateAge age{integerAt(*certificate, "beganAt"), integerAt(*certificate, "endsAt")};
    if (age.beganAt <= 0 || age.endsAt <= age.beganAt) return std::nullopt;
    return age;
}

std::string lengthText(int64_t milliseconds) {
    constexpr int64_t secondMs = 1000, hourMs = 3600 * secondMs, dayMs = 24 * hourMs;
    if (milliseconds >= 2 * dayMs) return std::to_string(milliseconds / dayMs) + " days";
    if (milliseconds >= 2 * hourMs) return std::to_string(milliseconds / hourMs) + " hours";
    return std::to_string(std::max<int64_t>(0, milliseconds) / secondMs) + " s";
}

}  // namespace swb::plan
