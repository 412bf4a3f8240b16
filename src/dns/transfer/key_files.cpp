#include "dns/transfer/key_files.h"

#include <algorithm>

#include "base/log.h"

namespace swb::dns::transfer {

KeyFiles::KeyFiles(std::vector<std::string> paths, std::vector<Name> needed)
    : needed_(std::move(needed)), keys_(std::make_shared<const TsigKeyring>()) {
    for (std::string& path : paths) files_.push_back({std::move(path), {}, {}});
}

// Keys that were read stay when the file cannot be read any more.
bool KeyFiles::readFile(File& file) const {
    auto read = readKeyFile(file.path);
    if (!read) {
        const std::string problem = describe(read.error());
        if (problem != file.problem) logError("dns", "keys are missing: {}", problem);
        file.problem = problem;
        return false;
    }
    if (!file.problem.empty()) logInfo("dns", "{} has been read", file.path);
    file.problem.clear();
    file.keys = *std::move(read);
    return true;
}

bool KeyFiles::read() {
    const std::lock_guard lock(mutex_);
    if (complete_) return false;
    complete_ = true;
    auto keys = std::make_shared<TsigKeyring>();
    bool isNew = false;
    for (File& file : files_) {
        complete_ &= readFile(file);
        for (const TsigKey& key : file.keys) {
            isNew |= !keys_->find(key.name);
            if (const auto added = keys->add(key); !added)
                logError("dns", "{}: {}", file.path, describe(added.error()));
        }
    }
    keys_ = std::move(keys);
    for (const Name& name : needed_) {
        if (keys_->find(name)) continue;
        complete_ = false;
        if (!hasSaidWhatIsMissing_)
            logError("dns", "no key file holds the key {}: what needs it waits. Add the file that has it to key_files",
                     name.toText());
    }
    hasSaidWhatIsMissing_ = true;
    return isNew;
}

bool KeyFiles::isComplete() const {
    const std::lock_guard lock(mutex_);
    return complete_;
}

TsigKeyringPointer KeyFiles::keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
}

}  // namespace swb::dns::transfer
