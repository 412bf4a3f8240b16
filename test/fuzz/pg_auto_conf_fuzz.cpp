// postgresql.auto.conf and pg_hba.conf are edited in place around what administrators wrote there.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "driver/postgresql/auto_conf.h"
#include "driver/postgresql/hba_block.h"

using namespace swb::driver::postgresql;

namespace {

std::string withoutControlCharacters(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    return text;
}

void autoConf(const std::string& text, const std::string& value) {
    constexpr std::string_view name = "primary_conninfo";
    const auto other = autoConfValue(text, "port");
    const std::string with = withAutoConfValue(text, name, value);
    SWB_ASSERT(autoConfValue(with, name) == withoutControlCharacters(value), "a value is read back as it was written");
    SWB_ASSERT(autoConfValue(with, "port") == other, "another setting stays");
    const std::string without = withAutoConfValue(with, name, std::nullopt);
    SWB_ASSERT(!autoConfValue(without, name), "a removed setting is gone");
    SWB_ASSERT(withAutoConfValue(without, name, std::nullopt) == without, "removing twice is removing once");
}

void hba(const std::string& text, const std::string& slot) {
    const std::vector<HbaEntry> wanted = {
        {withoutControlCharacters(slot), "hostssl replication swingbridge_repl ::1/128 cert"}};
    const std::string with = withHbaEntries(text, wanted);
    SWB_ASSERT(hbaEntries(with) == wanted, "entries are read back");
    SWB_ASSERT(withHbaEntries(with, wanted) == with, "writing twice is writing once");
    const std::string without = withHbaEntries(with, {});
    SWB_ASSERT(hbaEntries(without).empty(), "no entries, no block");
    SWB_ASSERT(text.size() >= without.size() && text.substr(text.size() - without.size()) == without,
               "what stands below the block stays");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::string half = text.substr(0, text.size() / 2), rest = text.substr(text.size() / 2);
    autoConf(half, rest);
    hba(text, half);
    hba(half, rest);
    return 0;
}
