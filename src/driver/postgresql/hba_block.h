// Our lines in pg_hba.conf: one marked block at the very top, because the first line that matches a connection decides.
// Everything outside the block is the administrator's and stays byte for byte.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swb::driver::postgresql {

struct HbaEntry {
    std::string slot;  // whom it is for: the slot name of the peer's application
    std::string line;  // "hostssl replication swingbridge_repl 10.0.0.5/32 cert"
    bool operator==(const HbaEntry&) const = default;
};

std::vector<HbaEntry> hbaEntries(std::string_view text);
// The text with exactly these entries in the block; no block at all when there are none.
std::string withHbaEntries(std::string_view text, const std::vector<HbaEntry>& entries);

// The address column for a peer: 10.0.0.5/32, 2001:db8::1/128, 127.0.0.0/8 for loopback (where the source address is
// not the one that was bound), or the host name.
std::string hbaAddress(std::string_view host);

}  // namespace swb::driver::postgresql
