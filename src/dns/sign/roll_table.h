// The life of a zone's keys as a table: for each stage which keys are published and which sign, what the parent is
// asked for, what is waited for, and the stage after it.
//
// The order of stages keeps one promise: whatever a resolver has cached, within the TTLs, it finds a way from a DS it
// knows to a key that made the signature it got (RFC 6781, 7583). roll_table_test.cpp plays every roll-over against all
// mixtures of caches. The table is printed by `stageTableText()` for the manual.
//
// A stage's clock starts when the zone, as published, is as the stage wants it ("in place"), not when the stage was
// entered: after a crash in between nothing is taken for done that nobody has seen.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace swb::dns::sign {

enum class Stage : uint8_t {
    unsignedZone,
    firstSignatures,
    firstDelegation,
    steady,
    zskPublication,
    zskReplacement,
    kskPublication,
    kskDelegation,
    kskRetirement,
    cskPublication,
    cskReplacement,
    cskDelegation,
    cskRetirement,
    algorithmSignatures,
    algorithmPublication,
    algorithmDelegation,
    algorithmRetirement,
    algorithmWithdrawal,
    delegationRemoval,
    delegationExpiry,
};

// Which keys a stage is about. Keys of other roles are published and sign as their role says.
enum class Rolled : uint8_t { nothing, zsk, ksk, csk, every };

// What a key of the rolled roles does, as far as its role permits.
struct KeyUsage {
    bool isPublished = false;
    bool signsKeys = false;
    bool signsZone = false;
};

// What CDS and CDNSKEY ask of the parent (RFC 7344, 8078).
enum class Delegation : uint8_t { nothing, toCurrent, toSuccessor, removal };

// What must be over, once the stage is in place.
enum class Wait : uint8_t {
    forever,   // until somebody wants something
    zoneTtl,   // no cache holds a record set from before
    keysTtl,   // no cache holds the set of keys from before
    parent,    // the parent's DS set is as asked
    parentTtl  // no cache holds the parent's DS set from before
};

enum class KeyAction : uint8_t { nothing, promoteSuccessors, dropSuccessors, dropAll };

struct StageRow {
    Stage stage;
    std::string_view name;
    Rolled rolled;
    KeyUsage current;
    KeyUsage successor;
    Delegation delegation;
    Wait wait;
    Stage next;
    KeyAction atEnd;
    std::optional<Stage> onCancel;  // there the successors are dropped
    std::string_view sentence;
};

enum class Command : uint8_t {
    enable,
    disable,
    disableNow,
    rollZsk,
    rollKsk,
    rollCsk,
    rollAlgorithm,
    cancel,
    parentDone
};

// A command that begins something, and the stage it may be given in.
struct StartRow {
    Command command;
    Stage from;
    Stage to;
};

std::span<const StageRow> stageTable();
std::span<const StartRow> startTable();
const StageRow& rowOf(Stage stage);
std::string_view nameOf(Stage stage);
std::optional<Stage> stageFromText(std::string_view text);
std::string_view nameOf(Command command);
std::string_view nameOf(Wait wait);
// A Markdown table, for docs/dns.md.
std::string stageTableText();

}  // namespace swb::dns::sign
