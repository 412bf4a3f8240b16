// How the program is told to end.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace swb {

// SIGTERM and SIGINT arrive at this descriptor instead of anywhere; SIGPIPE is ignored. Before any thread starts.
Result<Fd> blockSignals();

}  // namespace swb
