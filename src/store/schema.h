// The tables of the SQLite backend and how older files become newer ones.
#pragma once

#include <span>
#include <string>

#include "store/sqlite.h"

namespace swb::store {

// migrations()[n] takes a file of schema version n to n + 1; version 0 is an empty file.
std::span<const std::string> migrations();

// Reads only. The schema version of the file; errors when it is another program's file (StorageFailed) or was written
// by a newer swingd (Unsupported).
Result<int64_t> checkSchema(const Connection& connection, std::span<const std::string> steps);

// Each step is one transaction, together with its version number.
Result<void> migrate(const Connection& connection, int64_t from, std::span<const std::string> steps);

}  // namespace swb::store
