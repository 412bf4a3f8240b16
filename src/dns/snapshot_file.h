// The zone file: the last zone that was answered, on disk before it was answered (I11).
//
// After a restart with the store gone or broken, this file is what the name server goes on with. save() is called
// before publish(); a crash between the two leaves a file that is newer than the last answer, never older.
// One object per file and process; safe to use from several threads.
#pragma once

#include <mutex>

#include "dns/zone.h"

namespace swb::dns {

class SnapshotFile {
  public:
    // Reads the file. A file that is not there is an empty start; one that cannot be understood is moved aside to
    // PATH.damaged and logged, because refusing to start would take the address away from everyone.
    static Result<std::unique_ptr<SnapshotFile>> open(std::string path);

    // The last zone saved or read; null when there is none.
    ZonePointer latest() const;
    // Writes the zone so that it survives a power cut. Refused (and nothing written) when checkSuccessor refuses.
    Result<void> save(const ZonePointer& zone);

  private:
    explicit SnapshotFile(std::string path) : path_(std::move(path)) {}

    const std::string path_;
    mutable std::mutex mutex_;
    ZonePointer latest_;
};

// The file's text, and back; limits and checks included.
std::string zoneFileText(const ZoneSnapshot& zone);
Result<ZonePointer> zoneFromFileText(std::string_view text);

}  // namespace swb::dns
