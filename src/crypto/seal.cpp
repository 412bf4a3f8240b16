#include "crypto/seal.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/fd.h"
#include "base/file.h"

namespace swb::crypto {
namespace {

// "s1:" + base64url(nonce ‖ XChaCha20-Poly1305(secret)), the name being the associated data.
constexpr std::string_view prefix = "s1:";
constexpr size_t nonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t tagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t sealedBytesMax = 1 << 20;
constexpr int base64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32);

const unsigned char* bytesOf(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

tl::unexpected<Error> cannotOpen(std::string_view name) {
    return fail(
        ErrorCode::StorageFailed, "the sealed secret of " + std::string(name) + " does not open",
        "Its text was altered or belongs to another object, or the key file is not the one it was sealed with.");
}

Result<void> checkKeyFile(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return fail(ErrorCode::StorageFailed, "cannot inspect the key file " + path + ": " + std::strerror(errno));
    if ((status.st_mode & 077) != 0)
        return fail(ErrorCode::StorageFailed, "others may read the key file " + path, "Set its mode to 0600.");
    return {};
}

}  // namespace

Result<Sealer> Sealer::load(const std::string& path) {
    const int ready = sodium_init();
    SWB_ASSERT(ready >= 0, "libsodium needs the kernel's random source");
    Sealer sealer;
    if (!fileExists(path)) {
        std::string fresh(sealer.key_.size(), '\0');
        randombytes_buf(fresh.data(), fresh.size());
        const auto written = writeFileAtomically(path, fresh, 0600);
        sodium_memzero(fresh.data(), fresh.size());
        TRY_VOID(written);
    }
    TRY_VOID(checkKeyFile(path));
    std::string content = TRY(readFile(path, 4096));
    if (content.size() != sealer.key_.size())
        return fail(ErrorCode::StorageFailed,
                    "the key file " + path + " has " + std::to_string(content.size()) + " bytes instead of 32",
                    "Restore it from a backup; without it the sealed secrets are lost.");
    std::memcpy(sealer.key_.data(), content.data(), content.size());
    sodium_memzero(content.data(), content.size());
    return sealer;
}

Sealer::Sealer(Sealer&& other) noexcept : key_(other.key_) {
    sodium_memzero(other.key_.data(), other.key_.size());
}

Sealer& Sealer::operator=(Sealer&& other) noexcept {
    std::swap(key_, other.key_);
    return *this;
}

Sealer::~Sealer() {
    sodium_memzero(key_.data(), key_.size());
}

std::string Sealer::seal(const Secret& secret, std::string_view name) const {
    const std::string& plain = secret.reveal();
    std::string box(nonceBytes + plain.size() + tagBytes, '\0');
    auto* nonce = reinterpret_cast<unsigned char*>(box.data());
    randombytes_buf(nonce, nonceBytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + nonceBytes, nullptr, bytesOf(plain), plain.size(), bytesOf(name),
                                               name.size(), nullptr, nonce, key_.data());
    std::string text(sodium_base64_encoded_len(box.size(), base64), '\0');
    sodium_bin2base64(text.data(), text.size(), nonce, box.size(), base64);
    text.pop_back();  // the terminating zero
    return std::string(prefix) + text;
}

Result<Secret> Sealer::unseal(std::string_view sealed, std::string_view name) const {
    if (!sealed.starts_with(prefix) || sealed.size() > sealedBytesMax) return cannotOpen(name);
    const std::string_view text = sealed.substr(prefix.size());
    std::string box(text.size(), '\0');
    size_t length = 0;
    const int decoded = sodium_base642bin(reinterpret_cast<unsigned char*>(box.data()), box.size(), text.data(),
                                          text.size(), nullptr, &length, nullptr, base64);
    if (decoded != 0 || length < nonceBytes + tagBytes) return cannotOpen(name);
    std::string plain(length - nonceBytes - tagBytes, '\0');
    const auto* nonce = bytesOf(box);
    const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
        reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, nonce + nonceBytes, length - nonceBytes,
        bytesOf(name), name.size(), nonce, key_.data());
    if (opened != 0) return cannotOpen(name);
    return Secret(std::move(plain));
}

}  // namespace swb::crypto
