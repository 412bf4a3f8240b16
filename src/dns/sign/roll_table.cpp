#include "dns/sign/roll_table.h"

#include <array>

#include "base/assert.h"

namespace swb::dns::sign {
namespace {

using enum Stage;

constexpr KeyUsage unused{};
constexpr KeyUsage publishedOnly{true, false, false};
constexpr KeyUsage everything{true, true, true};
constexpr KeyUsage keysOnly{true, true, false};  // of a CSK: published and signing the set of keys
constexpr KeyUsage hiddenSigner{false, false, true};
constexpr std::optional<Stage> never = std::nullopt;

constexpr std::array table = {
    StageRow{unsignedZone, "unsigned", Rolled::nothing, unused, unused, Delegation::nothing, Wait::forever,
             unsignedZone, KeyAction::nothing, never, "the zone is not signed"},

    StageRow{firstSignatures, "first-signatures", Rolled::nothing, unused, unused, Delegation::nothing, Wait::zoneTtl,
             firstDelegation, KeyAction::nothing, unsignedZone,
             "the zone is signed; caches still hold answers without signatures, so the parent is not asked yet"},
    StageRow{firstDelegation, "first-delegation", Rolled::nothing, unused, unused, Delegation::toCurrent, Wait::parent,
             steady, KeyAction::nothing, never, "the parent is asked to publish the DS of the key"},
    StageRow{steady, "steady", Rolled::nothing, unused, unused, Delegation::toCurrent, Wait::forever, steady,
             KeyAction::nothing, never, "the zone is signed and validated from its parent"},

    StageRow{zskPublication, "zsk-publication", Rolled::zsk, everything, publishedOnly, Delegation::toCurrent,
             Wait::keysTtl, zskReplacement, KeyAction::nothing, steady,
             "the new ZSK is published and spreads; the old one signs"},
    StageRow{zskReplacement, "zsk-replacement", Rolled::zsk, publishedOnly, everything, Delegation::toCurrent,
             Wait::zoneTtl, steady, KeyAction::promoteSuccessors, never,
             "the new ZSK signs; the old one stays published until no cache holds its signatures"},

    StageRow{kskPublication, "ksk-publication", Rolled::ksk, everything, everything, Delegation::toCurrent,
             Wait::keysTtl, kskDelegation, KeyAction::nothing, steady, "both KSKs sign the set of keys, which spreads"},
    StageRow{kskDelegation, "ksk-delegation", Rolled::ksk, everything, everything, Delegation::toSuccessor,
             Wait::parent, kskRetirement, KeyAction::nothing, never,
             "the parent is asked to publish the DS of the new KSK instead of the old one"},
    StageRow{kskRetirement, "ksk-retirement", Rolled::ksk, everything, everything, Delegation::toSuccessor,
             Wait::parentTtl, steady, KeyAction::promoteSuccessors, never,
             "the parent has the new DS; the old KSK stays until no cache holds the old DS"},

    StageRow{cskPublication, "csk-publication", Rolled::csk, everything, keysOnly, Delegation::toCurrent, Wait::keysTtl,
             cskReplacement, KeyAction::nothing, steady,
             "the new CSK is published and spreads; the old one signs the zone"},
    StageRow{cskReplacement, "csk-replacement", Rolled::csk, keysOnly, everything, Delegation::toCurrent, Wait::zoneTtl,
             cskDelegation, KeyAction::nothing, never,
             "the new CSK signs the zone; caches still hold the old one's signatures"},
    StageRow{cskDelegation, "csk-delegation", Rolled::csk, keysOnly, everything, Delegation::toSuccessor, Wait::parent,
             cskRetirement, KeyAction::nothing, never,
             "the parent is asked to publish the DS of the new CSK instead of the old one"},
    StageRow{cskRetirement, "csk-retirement", Rolled::csk, keysOnly, everything, Delegation::toSuccessor,
             Wait::parentTtl, steady, KeyAction::promoteSuccessors, never,
             "the parent has the new DS; the old CSK stays until no cache holds the old DS"},

    StageRow{algorithmSignatures, "algorithm-signatures", Rolled::every, everything, hiddenSigner,
             Delegation::toCurrent, Wait::zoneTtl, algorithmPublication, KeyAction::nothing, steady,
             "every set is signed by both algorithms before a key says that they all are (RFC 4035 §2.2)"},
    StageRow{algorithmPublication, "algorithm-publication", Rolled::every, everything, everything,
             Delegation::toCurrent, Wait::keysTtl, algorithmDelegation, KeyAction::nothing, never,
             "the keys of both algorithms are published and spread"},
    StageRow{algorithmDelegation, "algorithm-delegation", Rolled::every, everything, everything,
             Delegation::toSuccessor, Wait::parent, algorithmRetirement, KeyAction::nothing, never,
             "the parent is asked to publish the DS of the new algorithm instead of the old one"},
    StageRow{algorithmRetirement, "algorithm-retirement", Rolled::every, everything, everything,
             Delegation::toSuccessor, Wait::parentTtl, algorithmWithdrawal, KeyAction::nothing, never,
             "the parent has the new DS; the old algorithm stays until no cache holds the old DS"},
    StageRow{algorithmWithdrawal, "algorithm-withdrawal", Rolled::every, hiddenSigner, everything,
             Delegation::toSuccessor, Wait::keysTtl, steady, KeyAction::promoteSuccessors, never,
             "the old keys are withdrawn; their signatures stay until no cache holds the keys"},

    StageRow{delegationRemoval, "delegation-removal", Rolled::nothing, unused, unused, Delegation::removal,
             Wait::parent, delegationExpiry, KeyAction::nothing, firstDelegation,
             "the parent is asked to remove the DS; the zone stays signed"},
    StageRow{delegationExpiry, "delegation-expiry", Rolled::nothing, unused, unused, Delegation::removal,
             Wait::parentTtl, unsignedZone, KeyAction::dropAll, never,
             "the parent has no DS any more; the zone stays signed until no cache holds it"},
};

constexpr std::array starts = {
    StartRow{Command::enable, unsignedZone, firstSignatures},
    StartRow{Command::disable, firstDelegation, delegationRemoval},
    StartRow{Command::disable, steady, delegationRemoval},
    StartRow{Command::rollZsk, steady, zskPublication},
    StartRow{Command::rollKsk, steady, kskPublication},
    StartRow{Command::rollCsk, steady, cskPublication},
    StartRow{Command::rollAlgorithm, steady, algorithmSignatures},
};

std::string usageText(const KeyUsage& usage) {
    std::string text;
    const auto add = [&](bool does, std::string_view word) {
        if (does) text += (text.empty() ? "" : ", ") + std::string(word);
    };
    add(usage.isPublished, "published");
    add(usage.signsKeys, "signs keys");
    add(usage.signsZone, "signs zone");
    return text.empty() ? "–" : text;
}

std::string_view delegationText(Delegation delegation) {
    switch (delegation) {
        case Delegation::nothing:
            return "–";
        case Delegation::toCurrent:
            return "current key";
        case Delegation::toSuccessor:
            return "new key";
        case Delegation::removal:
            break;
    }
    return "remove";
}

}  // namespace

std::span<const StageRow> stageTable() {
    return table;
}

std::span<const StartRow> startTable() {
    return starts;
}

const StageRow& rowOf(Stage stage) {
    const auto index = static_cast<size_t>(stage);
    SWB_ASSERT(index < table.size() && table[index].stage == stage, "the stage table has the order of the stages");
    return table[index];
}

std::string_view nameOf(Stage stage) {
    return rowOf(stage).name;
}

std::optional<Stage> stageFromText(std::string_view text) {
    for (const StageRow& row : table)
        if (row.name == text) return row.stage;
    return std::nullopt;
}

std::string_view nameOf(Command command) {
    switch (command) {
        case Command::enable:
            return "enable";
        case Command::disable:
            return "disable";
        case Command::disableNow:
            return "disable at once";
        case Command::rollZsk:
            return "roll the ZSK";
        case Command::rollKsk:
            return "roll the KSK";
        case Command::rollCsk:
            return "roll the CSK";
        case Command::rollAlgorithm:
            return "roll the algorithm";
        case Command::cancel:
            return "cancel";
        case Command::parentDone:
            break;
    }
    return "parent done";
}

std::string_view nameOf(Wait wait) {
    switch (wait) {
        case Wait::forever:
            return "nothing";
        case Wait::zoneTtl:
            return "the longest TTL of the zone";
        case Wait::keysTtl:
            return "the TTL of the keys";
        case Wait::parent:
            return "the parent's DS";
        case Wait::parentTtl:
            break;
    }
    return "the TTL of the parent's DS";
}

std::string stageTableText() {
    std::string text =
        "| stage | current keys | new keys | asked of the parent | waits for | then | cancel |\n"
        "|---|---|---|---|---|---|---|\n";
    for (const StageRow& row : table) {
        const bool isSteady = row.rolled == Rolled::nothing;
        const std::string current = row.stage == unsignedZone ? "–" : isSteady ? "in use" : usageText(row.current);
        text += "| " + std::string(row.name) + " | " + current + " | " + usageText(row.successor) + " | " +
                std::string(delegationText(row.delegation)) + " | " + std::string(nameOf(row.wait)) + " | " +
                (row.wait == Wait::forever ? "–" : std::string(nameOf(row.next))) + " | " +
                (row.onCancel ? std::string(nameOf(*row.onCancel)) : "–") + " |\n";
    }
    return text;
}

}  // namespace swb::dns::sign
