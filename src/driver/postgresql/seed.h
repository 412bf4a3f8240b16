// Copies a primary to this site. The old data directory serves until a complete, verified copy stands beside it:
//
//     DATA.swingbridge-new   copying ─▶ verified, site configuration put in ─▶ (record: ready)
//     server stopped ─▶ DATA renamed DATA.swingbridge-old ─▶ new renamed DATA ─▶ started ─▶ streaming seen ─▶ old
//     removed
//
// The record in the state directory and the three names say where a killed seed stood; the next call goes on from
// there, or begins the copy again. The source is never restarted.
#pragma once

#include "driver/postgresql/instance.h"

namespace swb::driver::postgresql {

// What an attempt that failed or was killed has copied so far is of no use: the next one begins anew. Not while a seed
// runs. A copy that is complete stays, for the next attempt to finish.
Result<void> discardHalfCopy(const Instance& instance);
Result<Json> seed(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context);

// "12345/67890 kB (18%), 0/1 tablespace" of pg_basebackup: done and total in bytes; nothing for other text.
struct BackupProgress {
    int64_t doneBytes = 0, totalBytes = 0;
};
std::optional<BackupProgress> parseBackupProgress(std::string_view line);

}  // namespace swb::driver::postgresql
