// DNSSEC of a zone: what stage its keys are in, and the commands that begin the next one.
#include <algorithm>
#include <array>

#include "api/route.h"

namespace swb::api {
namespace {

using dns::sign::Algorithm;
using dns::sign::KeyLayout;
using dns::sign::Signer;

Result<Signer*> signerOf(const Context& context, const Call& call) {
    const dns::Name name = TRY(dns::Name::fromText(call.parts[0]));
    if (!context.publisher.server().zones()->zone(name))
        return fail(ErrorCode::NotFound, "the zone " + name.toText() + " is not answered by this controller");
    return context.signers.signerOf(name);
}

// Noted in the event log, begun at once, answered with the new status.
Result<Response> begun(Context& context, const Call& call, const Signer& signer, const std::string& event) {
    store::Commit commit;
    const Json status = statusToJson(signer.status(), signer.zone());
    commit.events.push_back(
        {"dnssec." + event, "zone/" + call.parts[0], call.actorText(), JsonObject{{"stage", textAt(status, "stage")}}});
    const auto noted = context.store.commit(commit);
    context.signers.wake();
    TRY(noted);
    return Response{202, JsonObject{{"dnssec", status}}};
}

Result<std::optional<Algorithm>> readAlgorithm(JsonReader& reader) {
    if (!reader.has("algorithm")) return std::optional<Algorithm>();
    return std::optional(TRY(dns::sign::algorithmFromNumber(reader.integer("algorithm"))));
}

}  // namespace

Result<Response> showDnssec(Context& context, const Call& call) {
    const Signer* signer = TRY(signerOf(context, call));
    return Response{200, JsonObject{{"dnssec", statusToJson(signer->status(), signer->zone())}}};
}

Result<Response> enableDnssec(Context& context, const Call& call) {
    Signer* signer = TRY(signerOf(context, call));
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const auto algorithm = TRY(readAlgorithm(reader));
    const std::string keys = reader.string("keys", "split");
    if (keys != "split" && keys != "combined") reader.problem("keys", "must be split or combined");
    TRY_VOID(reader.finish());
    TRY_VOID(signer->enable(algorithm.value_or(Algorithm::ecdsaP256Sha256),
                            keys == "split" ? KeyLayout::split : KeyLayout::combined));
    return begun(context, call, *signer, "enabled");
}

Result<Response> disableDnssec(Context& context, const Call& call) {
    Signer* signer = TRY(signerOf(context, call));
    const bool isNow = call.request.parameter("now") == "true";
    TRY_VOID(signer->command(isNow ? dns::sign::Command::disableNow : dns::sign::Command::disable));
    return begun(context, call, *signer, "disabled");
}

Result<Response> rollDnssec(Context& context, const Call& call) {
    using dns::sign::Command;
    constexpr std::array kinds = {std::pair{"zsk", Command::rollZsk}, std::pair{"ksk", Command::rollKsk},
                                  std::pair{"csk", Command::rollCsk}, std::pair{"algorithm", Command::rollAlgorithm}};
    Signer* signer = TRY(signerOf(context, call));
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string kind = reader.string("kind");
    const auto algorithm = TRY(readAlgorithm(reader));
    const auto known = std::find_if(kinds.begin(), kinds.end(), [&](const auto& pair) { return pair.first == kind; });
    if (known == kinds.end()) reader.problem("kind", "must be zsk, ksk, csk or algorithm");
    TRY_VOID(reader.finish());
    TRY_VOID(signer->roll(known->second, algorithm));
    return begun(context, call, *signer, "roll-" + kind);
}

Result<Response> cancelDnssec(Context& context, const Call& call) {
    Signer* signer = TRY(signerOf(context, call));
    TRY_VOID(signer->command(dns::sign::Command::cancel));
    return begun(context, call, *signer, "cancelled");
}

Result<Response> parentDoneDnssec(Context& context, const Call& call) {
    Signer* signer = TRY(signerOf(context, call));
    TRY_VOID(signer->command(dns::sign::Command::parentDone));
    return begun(context, call, *signer, "parent-done");
}

}  // namespace swb::api
