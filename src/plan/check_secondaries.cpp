#include "plan/check_list.h"

namespace swb::plan {
namespace {

constexpr int64_t transferMs = 5000;  // what NOTIFY, the transfer and the look whether it has arrived may take

std::string contact(const SecondaryView& view) {
    return view.lastContactAt ? "it answered last at " + isoTime(view.lastContactAt) : "it has never answered";
}

std::string has(const SecondaryView& view) {
    return view.serial ? "serial " + std::to_string(*view.serial) : "no serial";
}

}  // namespace

std::string_view nameOf(SecondaryStanding standing) {
    switch (standing) {
        case SecondaryStanding::inSync:
            return "in sync";
        case SecondaryStanding::behind:
            return "behind";
        case SecondaryStanding::ahead:
            return "ahead";
        case SecondaryStanding::silent:
            return "silent";
    }
    return "";
}

void checkSecondaries(CheckList& list, const Snapshot& snapshot) {
    const auto warn = [&](const SecondaryView& view, std::string sentence, std::string hint) {
        list.add(Verdict::warning, "secondaries", view.address, std::move(sentence), std::move(hint));
    };
    for (const SecondaryView& view : snapshot.secondaries) {
        const std::string newest = "serial " + std::to_string(view.newest) + " of " + view.zone;
        switch (view.standing) {
            case SecondaryStanding::inSync:
                list.add(Verdict::ok, "secondaries", view.address, "the secondary has " + newest, "");
                break;
            case SecondaryStanding::behind:
                if (view.newestForMs < transferMs)
                    list.add(Verdict::ok, "secondaries", view.address, "the secondary is being told of " + newest, "");
                else
                    warn(view,
                         "the secondary has " + has(view) + ", not " + newest +
                             (view.lastError.empty() ? "" : ": " + view.lastError),
                         "its log and swingd's say why: a rule in allow_transfer, the key, the clocks");
                break;
            case SecondaryStanding::ahead:
                warn(view,
                     "the secondary has " + has(view) + ", newer than " + newest + ": it takes no changes from here",
                     "it has the zone from elsewhere, or from before a backup was restored: delete its copy");
                break;
            case SecondaryStanding::silent:
                warn(view, "the secondary does not answer: " + contact(view),
                     "does it run, and do UDP packets get there and back? Users who ask it wait for the next one");
                break;
        }
    }
}

}  // namespace swb::plan
