// Where a seed works: the copy is made beside the data directory and becomes it by renames; the old data stays until
// the copy serves.
#pragma once

#include "driver/support/database_home.h"

namespace swb::driver {

struct SeedPlaces {
    std::string data, fresh, old, parent;

    static SeedPlaces of(const DatabaseHome& home);
    // Found out before hours of copying, not after. seedBegun: `old` was left by a seed of ours.
    Result<void> check(bool seedBegun) const;
    // Refused when the file system that holds them has less room.
    Result<void> requireRoom(int64_t wantedBytes) const;
    // An empty directory of the user's beside the data.
    Result<void> make(const std::string& path, const OsUser& user) const;
    // The copy becomes the data directory; the server is down. The names say how far an interrupted swap went: each
    // state has one successor.
    Result<void> swap(std::string_view database) const;
    // The data directory under the name of a copy, where nobody starts a server, and back. Both may be repeated.
    Result<void> setAside() const;
    Result<void> putBack() const;

  private:
    Result<void> rename(const std::string& from, const std::string& to) const;
};

}  // namespace swb::driver
