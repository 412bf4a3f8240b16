// Secrets at rest. A sealed text is safe in the store, its backups and logs; only who has the key file can open it.
// The name it was sealed for is bound in: a sealed value copied to another object does not open there.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace swb::crypto {

class Sealer {
  public:
    // Reads the 32-byte key file, creating it (mode 0600) when it is not there. A file that others may read or of
    // another length is refused.
    static Result<Sealer> load(const std::string& path);
    Sealer(Sealer&&) noexcept;
    Sealer& operator=(Sealer&&) noexcept;
    ~Sealer();

    // name: what the secret belongs to, "database/shop-fra/main".
    std::string seal(const Secret& secret, std::string_view name) const;
    Result<Secret> unseal(std::string_view sealed, std::string_view name) const;

  private:
    Sealer() = default;
    std::array<unsigned char, 32> key_{};
};

}  // namespace swb::crypto
