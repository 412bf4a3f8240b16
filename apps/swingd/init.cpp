#include "init.h"

#include "api/api.h"
#include "base/file.h"
#include "store/sqlite_store.h"

namespace swb {
namespace {

constexpr int authorityDays = 3650;

}  // namespace

Result<InitResult> initialise(const InitRequest& request) {
    const DataPaths paths(request.directory);
    for (const std::string& path : {paths.config, paths.authority, paths.store})
        if (fileExists(path))
            return fail(ErrorCode::AlreadyExists, path + " is there already: the directory was initialised before",
                        "choose another --data, or run `swingd run --data " + request.directory + "`");
    TRY_VOID(makeDirectories(request.directory, 0700));
    const crypto::KeyAndCertificate authority =
        TRY(crypto::createAuthority("Swingbridge CA of " + request.config.zone.zone, authorityDays));
    TRY_VOID(writeFileAtomically(paths.authorityKey, authority.keyPem.reveal(), 0600));
    TRY_VOID(writeFileAtomically(paths.authority, authority.certificatePem, 0644));
    TRY(crypto::Sealer::load(paths.sealKey));
    const SystemClock clock;
    auto store = TRY(store::SqliteStore::open(paths.store, clock));
    const api::CreatedToken token = TRY(api::createToken(*store, "admin", Role::admin, 0, "swingd init"));
    TRY_VOID(writeFileAtomically(paths.adminToken, token.secret.reveal() + "\n", 0600));
    // Last: a directory with a configuration is complete.
    TRY_VOID(writeFileAtomically(paths.config, configText(request.config), 0644));
    return InitResult{TRY(crypto::fingerprint(authority.certificatePem)), paths.adminToken, paths.authority,
                      paths.config};
}

}  // namespace swb
