// TSIG keys in files: as `tsig-keygen NAME` writes them, or one a line as ALGORITHM:NAME:BASE64 (the form of dig -y).
// A file that others may read is refused, and no error ever quotes what stands in it.
#pragma once

#include <string>
#include <vector>

#include "dns/tsig.h"

namespace swb::dns::transfer {

constexpr size_t keyFileBytesMax = 64 << 10;
constexpr size_t keysPerFileMax = 100;

Result<std::vector<TsigKey>> readKeyFile(const std::string& path);
Result<std::vector<TsigKey>> keysFromText(std::string_view text);

}  // namespace swb::dns::transfer
