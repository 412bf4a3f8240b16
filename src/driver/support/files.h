// Small file helpers that the drivers share; all of them flush what must survive a power cut.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "driver/support/os_user.h"

namespace swb::driver {

// writeFileAtomically() acting as the user: the file belongs to the user and permissions are checked as the user's.
Result<void> writeFileAs(const OsUser& user, const std::string& path, std::string_view content, mode_t mode);
// Replaces a file in a directory of ours and gives it to the user. Not flushed, for the outage path: it survives the
// end of this process, and a power cut only after flushFile().
Result<void> replaceFileFor(const OsUser& user, const std::string& path, std::string_view content, mode_t mode);
Result<void> flushFile(const std::string& path);
Result<void> flushDirectory(const std::string& path);
// One flush of everything on the file system instead of one for each of thousands of files.
Result<void> flushFileSystem(const std::string& path);
// An empty directory of the user's, mode 0700, in a directory of ours; what was there is removed.
Result<void> makeDirectoryFor(const OsUser& user, const std::string& path);
// Removes a directory and everything in it, following no symbolic link; nothing there is success.
Result<void> removeTree(const std::string& path);
// Bytes in regular files below (du), following no symbolic link.
int64_t treeBytes(const std::string& path);
// Free bytes for an unprivileged user on the file system of the path; -1 when unknown.
int64_t freeBytes(const std::string& path);
// Lets the user walk to the path, for files of ours that its service reads. Directories of ours on the way get the
// search bit, never the read bit; a directory of somebody else is not touched.
Result<void> openTheWay(const std::string& path, const OsUser& user);
bool directoryExists(const std::string& path);
// Names in a directory but "." and "..", sorted; empty when it cannot be read.
std::vector<std::string> directoryEntries(const std::string& path);

}  // namespace swb::driver
