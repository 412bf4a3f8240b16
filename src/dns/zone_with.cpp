// ZoneSnapshot::with: applies one change. Where all touched names keep having record sets and no delegation comes or
// goes, the index is shared and only the touched blocks are copied; otherwise old and new names are merged.
#include <algorithm>
#include <map>

#include "dns/epoch_mark.h"
#include "dns/soa.h"
#include "dns/zone.h"
#include "dns/zone_check.h"
#include "dns/zone_rules.h"

namespace swb::dns {
namespace {

// The record sets a touched name will have.
struct NodeChange {
    NameView name;  // into the change
    uint32_t position = ZoneIndex::none;
    NodeSets sets;  // null: the name goes
};

tl::unexpected<Error> notWhatIsHere(const SetChange& change) {
    return fail(
        ErrorCode::Conflict,
        "the " + typeToText(change.type) + " record of " + change.name.toText() + " is not what the change expects",
        "the zone changed meanwhile; draft the change again");
}

bool sameSet(const std::optional<RecordSet>& expected, const RecordSet* present) {
    return expected ? present && *expected == *present : !present;
}

}  // namespace

class ZoneChanger {
  public:
    ZoneChanger(const ZoneSnapshot& zone, const ZoneChange& change) : zone_(zone), change_(change) {}

    Result<ZonePointer> apply() {
        TRY_VOID(checkHeader());
        TRY_VOID(checkEpochs());
        TRY_VOID(collectNodes());
        std::shared_ptr<ZoneSnapshot> next(new ZoneSnapshot);
        next->origin_ = zone_.origin_;
        next->madeFrom_ = zone_.identity_;
        next->services_ = ServiceIndex::after(zone_.services_, change_);
        if (isStructural_) {
            TRY_VOID(mergeInto(*next));
        } else {
            if (const NodeSets& apex = nodes_.empty() ? zone_.apexSets_ : nodes_.front().sets;
                nodes_.empty() || nodes_.front().position != 0 || !hasType(*apex, type::soa))
                return fail(ErrorCode::InvalidInput, "the change does not have the zone's new SOA record");
            std::vector<ZoneContents::Replacement> replacements;
            for (NodeChange& node : nodes_) replacements.push_back({node.position, std::move(node.sets)});
            next->adopt(zone_.index_, zone_.contents_.with(replacements));
        }
        TRY_VOID(checkResult(*next));
        return ZonePointer(std::move(next));
    }

  private:
    Result<void> checkHeader() const {
        if (change_.origin != zone_.origin())
            return fail(ErrorCode::Conflict,
                        "the change is of " + change_.origin.toText() + ", not of " + zone_.origin().toText());
        if (change_.fromSerial != zone_.serial())
            return fail(ErrorCode::Conflict,
                        "the change starts at serial " + std::to_string(change_.fromSerial) + "; the zone " +
                            zone_.origin().toText() + " is at " + std::to_string(zone_.serial()),
                        "the zone changed meanwhile; draft the change again");
        if (!isNewerSerial(change_.toSerial, change_.fromSerial))
            return fail(ErrorCode::Conflict, "serial " + std::to_string(change_.toSerial) + " is not newer than " +
                                                 std::to_string(change_.fromSerial));
        for (size_t i = 1; i < change_.sets.size(); ++i)
            if (!sortsBefore(change_.sets[i - 1], change_.sets[i]))
                return fail(ErrorCode::InvalidInput, "the change is not in canonical order, or names a set twice");
        return {};
    }

    // A group may move to another name within one change; what it was and what it becomes is compared by group.
    Result<void> checkEpochs() const {
        std::map<std::string_view, int64_t> known;
        for (const SetChange& set : change_.sets) {
            if (!isEpochMarkName(set.name) || !set.before) continue;
            if (const auto mark = epochMarkOf(*set.before)) {
                int64_t& epoch = known[mark->group];
                epoch = std::max(epoch, mark->epoch);
            }
        }
        for (const SetChange& set : change_.sets) {
            if (!isEpochMarkName(set.name) || !set.after) continue;
            const auto mark = epochMarkOf(*set.after);
            const auto before = mark ? known.find(mark->group) : known.end();
            if (before != known.end() && mark->epoch < before->second)
                return fail(epochOld(mark->group, before->second, mark->epoch));
        }
        return {};
    }

    Result<void> collectNodes() {
        for (size_t first = 0, end = 0; first < change_.sets.size(); first = end) {
            for (end = first; end < change_.sets.size() && change_.sets[end].name == change_.sets[first].name;) ++end;
            TRY_VOID(collectNode({change_.sets.data() + first, end - first}));
        }
        return {};
    }

    Result<void> collectNode(std::span<const SetChange> changes) {
        const NameView name = changes.front().name;
        if (!name.isAtOrBelow(zone_.origin()))
            return fail(ErrorCode::InvalidInput, name.toText() + " is not inside the zone");
        const ZoneNode present = zone_.nodeOf(name);
        auto sets = std::make_shared<std::vector<RecordSet>>();
        sets->reserve(present.sets().size() + changes.size());
        auto kept = present.sets().begin();
        const auto keptEnd = present.sets().end();
        for (const SetChange& change : changes) {
            for (; kept != keptEnd && kept->type < change.type; ++kept) sets->push_back(*kept);
            const bool isHere = kept != keptEnd && kept->type == change.type;
            if (!sameSet(change.before, isHere ? &*kept : nullptr)) return notWhatIsHere(change);
            if (isHere) ++kept;
            if (!change.after) continue;
            if (change.after->type != change.type)
                return fail(ErrorCode::InvalidInput, "the change of " + name.toText() + " mixes record types");
            TRY_VOID(checkRecordSet(zone_.origin(), name, *change.after));
            addsAlias_ |= change.type == type::cname;
            changesServers_ |= change.type == type::ns;
            sets->push_back(*change.after);
        }
        sets->insert(sets->end(), kept, keptEnd);
        TRY_VOID(checkNodeSets(name, *sets));
        const bool cutsNow = present && present.find(type::ns), cutsThen = hasType(*sets, type::ns);
        isStructural_ |= present.sets().empty() || sets->empty() || cutsNow != cutsThen;
        nodes_.push_back({name, present.position(), sets->empty() ? nullptr : NodeSets(std::move(sets))});
        return {};
    }

    // Both lists are in canonical order; the names between others are found anew.
    Result<void> mergeInto(ZoneSnapshot& next) {
        ZoneIndexBuilder index(zone_.nodeCount() + nodes_.size());
        std::vector<NodeSets> contents;
        contents.reserve(zone_.nodeCount() + nodes_.size());
        const auto add = [&](NameView name, NodeSets sets) {
            if (!sets) return;
            const uint32_t position = index.add(name, !contents.empty() && hasType(*sets, type::ns));
            contents.resize(position);
            contents.push_back(std::move(sets));
        };
        uint32_t old = 0;
        for (NodeChange& node : nodes_) {
            const uint32_t upTo =
                node.position != ZoneIndex::none ? node.position : zone_.index_->countBefore(node.name);
            for (; old < upTo; ++old) add(zone_.index_->nameAt(old), zone_.contents_.at(old));
            add(node.name, std::move(node.sets));
            if (node.position != ZoneIndex::none) old = node.position + 1;
        }
        for (; old < zone_.nodeCount(); ++old) add(zone_.index_->nameAt(old), zone_.contents_.at(old));
        if (contents.empty() || !hasType(*contents.front(), type::soa) || !hasType(*contents.front(), type::ns))
            return fail(ErrorCode::InvalidInput, "the change takes the SOA or the NS record of the zone away");
        next.adopt(index.finish(), ZoneContents(std::move(contents)));
        return {};
    }

    Result<void> checkResult(const ZoneSnapshot& next) const {
        if (next.serial() != change_.toSerial)
            return fail(ErrorCode::InvalidInput, "the change's SOA record does not have its serial");
        if (addsAlias_ || changesServers_) TRY_VOID(checkNameServerTargets(next));
        for (const NodeChange& node : nodes_)
            TRY_VOID(checkMarkedName(next, isEpochMarkName(node.name) ? markedName(node.name) : node.name));
        return {};
    }

    const ZoneSnapshot& zone_;
    const ZoneChange& change_;
    std::vector<NodeChange> nodes_;
    bool isStructural_ = false;
    bool addsAlias_ = false;
    bool changesServers_ = false;
};

Result<ZonePointer> ZoneSnapshot::with(const ZoneChange& change) const {
    return ZoneChanger(*this, change).apply();
}

}  // namespace swb::dns
