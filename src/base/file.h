// Files that must survive a power cut: written whole to a temporary name, flushed, renamed, directory flushed.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace swb {

Result<std::string> readFile(const std::string& path, size_t maxBytes = 16 << 20);
// Its parts, for several files at once. The content is on disk when it returns; the name is, after flushDirectoryOf().
Result<void> writeFlushed(const std::string& path, std::string_view content, mode_t mode = 0600);
Result<void> replaceFile(const std::string& from, const std::string& path);
Result<void> flushDirectoryOf(const std::string& path);
Result<void> writeFileAtomically(const std::string& path, std::string_view content, mode_t mode = 0600);
Result<void> appendAndFlush(const std::string& path, std::string_view content, mode_t mode = 0600);
Result<void> makeDirectories(const std::string& path, mode_t mode = 0700);
// Removes the file and flushes the directory; a file that is not there is not an error.
Result<void> removeFile(const std::string& path);
bool fileExists(const std::string& path);

}  // namespace swb
