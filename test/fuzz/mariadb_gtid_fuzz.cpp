// Positions come from servers and tokens as text; comparing them decides whether a server may be promoted.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "driver/mariadb/divergence.h"
#include "driver/mariadb/dump.h"
#include "driver/mariadb/gtid.h"
#include "driver/mariadb/option_file.h"

using namespace swb::driver::mariadb;

namespace {

Relation mirrored(Relation relation) {
    if (relation == Relation::ahead) return Relation::behind;
    if (relation == Relation::behind) return Relation::ahead;
    return relation;
}

template <typename Position>
void compare(std::string_view first, std::string_view second) {
    const auto here = Position::parse(first), there = Position::parse(second);
    if (here) {
        const auto again = Position::parse(here->text());
        SWB_ASSERT(again && *again == *here, "a position is read back as it was written");
        SWB_ASSERT(here->relationTo(*here) == Relation::equal, "a position is equal to itself");
    }
    if (!here || !there) return;
    const Relation relation = here->relationTo(*there);
    SWB_ASSERT(there->relationTo(*here) == mirrored(relation), "the other way round is the mirror");
    SWB_ASSERT((relation == Relation::equal) == (*here == *there), "equal positions are the same");
}

void subtract(std::string_view first, std::string_view second) {
    const auto here = GtidSet::parse(first), there = GtidSet::parse(second);
    if (!here || !there) return;
    const GtidSet rest = here->without(*there);
    SWB_ASSERT(here->contains(rest), "what is left was there");
    SWB_ASSERT(rest.without(*there) == rest, "nothing of the other is left");
}

void join(std::string_view first, std::string_view second) {
    const auto here = GtidPosition::parse(first), there = GtidPosition::parse(second);
    if (!here || !there) return;
    const GtidPosition joined = here->joinedWith(*there);
    for (const auto& [domain, last] : joined.domains()) {
        const auto match = here->domains().find(domain);
        SWB_ASSERT(match == here->domains().end() || match->second.sequence <= last.sequence, "joining loses nothing");
    }
}

void options(const std::string& text, const std::string& value) {
    // Writing makes one line of every value; from then on it is the same.
    const auto read = optionsOf(optionText(optionsOf(text)));
    SWB_ASSERT(optionsOf(optionText(read)) == read, "options are read back as they were written");
    const std::string with = withInclude(text, "/a/" + value);
    SWB_ASSERT(includes(with, "/a/" + value), "the include is there");
    SWB_ASSERT(withInclude(with, "/a/" + value) == with, "including twice is including once");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const size_t middle = text.find('|') == std::string::npos ? size / 2 : text.find('|');
    const std::string first = text.substr(0, middle), second = text.substr(std::min(size, middle + 1));
    compare<GtidPosition>(first, second);
    compare<GtidSet>(first, second);
    subtract(first, second);
    join(first, second);
    if (const auto state = GtidState::parse(first))
        SWB_ASSERT(state->beyond(*state).empty(), "nothing is beyond itself");
    (void)positionAtEndOfDump(text);
    (void)positionAtBeginOfDump(text);
    (void)gtidsInMysqlLogText(text);
    (void)isCompleteDump(text);
    (void)gtidsInLogText(text);
    options(first, second);
    return 0;
}
