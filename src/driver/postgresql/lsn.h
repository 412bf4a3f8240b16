// Log sequence numbers: byte positions in the write-ahead log, as PostgreSQL prints them ("0/302CF18").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace swb::driver::postgresql {

using Lsn = uint64_t;

std::optional<Lsn> parseLsn(std::string_view text);
std::string lsnText(Lsn position);

}  // namespace swb::driver::postgresql
