#include "dns/transfer/zone_copy.h"

namespace swb::dns::transfer {

Result<std::unique_ptr<ZoneCopy>> ZoneCopy::open(const std::string& directory, const Name& origin) {
    std::string folder = origin.toText();
    for (char& character : folder)
        if (character == '/') character = '_';
    std::unique_ptr<ZoneCopy> copy(new ZoneCopy(origin));
    copy->journal_ = TRY(ZoneJournal::open(directory + "/" + folder, origin));
    return copy;
}

std::optional<uint32_t> ZoneCopy::serialToAskFrom() const {
    const ZonePointer here = zone();
    if (!here || mustFetchWhole_) return {};
    return here->serial();
}

Result<bool> ZoneCopy::apply(ReceivedTransfer received) {
    mustFetchWhole_ = false;
    if (const auto* upToDate = std::get_if<UpToDate>(&received)) return confirm(upToDate->serial);
    if (auto* whole = std::get_if<ReceivedZone>(&received)) return takeWhole(std::move(*whole));
    return takeSteps(std::get<ReceivedSteps>(received));
}

Result<bool> ZoneCopy::confirm(uint32_t theirs) const {
    const ZonePointer here = zone();
    if (here && theirs != here->serial())
        return fail(ErrorCode::Conflict, "the primary is at serial " + std::to_string(theirs) + " of " +
                                             origin_.toText() + ", older than " + std::to_string(here->serial()) +
                                             " here, which goes on being answered");
    return false;
}

Result<bool> ZoneCopy::takeWhole(ReceivedZone received) {
    const ZonePointer here = zone();
    if (here && received.serial == here->serial()) return false;
    const ZonePointer next = TRY(ZoneSnapshot::fromSets(origin_, TRY(setsOf(std::move(received.records)))));
    TRY_VOID(journal_->replace(next));
    return true;
}

Result<bool> ZoneCopy::takeSteps(const ReceivedSteps& received) {
    for (const ReceivedStep& step : received.steps) {
        const ZonePointer here = zone();
        auto change = changeOf(*here, step);
        if (!change) {
            mustFetchWhole_ = change.error().code == ErrorCode::Conflict;
            return fail(std::move(change).error());
        }
        const ZonePointer next = TRY(here->with(*change));
        TRY_VOID(journal_->append(std::make_shared<const ZoneChange>(*std::move(change)), next));
    }
    return true;
}

}  // namespace swb::dns::transfer
