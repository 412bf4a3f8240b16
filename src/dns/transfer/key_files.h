// The TSIG keys of all key files together, some of which may not be there yet.
//
//     read() ─▶ keys() ─▶ PeerDesk, Notifier, Follower
//
// A file that cannot be read keeps nobody from answering (I11): it is logged, and read() tries again each time until
// every file could be read and every key that the settings name is there. What needs a missing key is not done without
// it. Safe from any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "dns/transfer/key_file.h"

namespace swb::dns::transfer {

using TsigKeyringPointer = std::shared_ptr<const TsigKeyring>;

class KeyFiles {
  public:
    // needed: the keys that the settings name.
    KeyFiles(std::vector<std::string> paths, std::vector<Name> needed);

    // Does nothing once it is complete: keys change with a restart. True: there are keys that were not there before.
    bool read();
    // Whether every file could be read and every needed key is there.
    bool isComplete() const;
    TsigKeyringPointer keys() const;
    // Null when it is not there.
    TsigKeyPointer find(NameView name) const { return keys()->find(name); }

  private:
    struct File {
        std::string path;
        std::vector<TsigKey> keys;  // as they were read last
        std::string problem;        // said once, not every time
    };
    bool readFile(File& file) const;

    const std::vector<Name> needed_;
    mutable std::mutex mutex_;
    std::vector<File> files_;
    TsigKeyringPointer keys_;
    bool complete_ = false;
    bool hasSaidWhatIsMissing_ = false;
};

}  // namespace swb::dns::transfer
