// Decide and do are two catalogues (steps and verbs): what a plan can ask for, an agent must be able to do.
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <set>

#include "agent/verb.h"
#include "base/file.h"
#include "step/catalogue.h"

namespace swb {
namespace {

using testing::Contains;
using testing::IsEmpty;

const std::string root = SWB_SOURCE_DIR;

std::string textOf(const std::string& path) {
    auto text = readFile(root + "/" + path);
    EXPECT_TRUE(text.has_value()) << path;
    return text ? *text : "";
}

// First group of every match, each once.
std::set<std::string> matches(const std::string& text, const std::string& expression) {
    const std::regex pattern(expression);
    std::set<std::string> out;
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
        out.insert((*match)[1]);
    return out;
}

constexpr const char* plannerFiles[] = {"src/plan/plan_application.cpp", "src/plan/plan_builder.cpp",
                                        "src/plan/plan_replication.cpp", "src/plan/plan_switch.cpp"};
constexpr const char* stepFiles[] = {"src/step/activate.cpp", "src/step/address.cpp",      "src/step/application.cpp",
                                     "src/step/catch_up.cpp", "src/step/certificates.cpp", "src/step/fence.cpp",
                                     "src/step/lock.cpp",     "src/step/maintenance.cpp",  "src/step/publication.cpp",
                                     "src/step/rejoin.cpp",   "src/step/replication.cpp",  "src/step/take_over.cpp",
                                     "src/step/ttl.cpp"};

TEST(StepCoverage, EveryVerbOfTheStepsIsInTheAgentsTable) {
    for (const std::string& verb : step::agentVerbs()) EXPECT_NE(agent::findVerb(verb), nullptr) << verb;
}

TEST(StepCoverage, EveryVerbOfTheStepsIsDocumented) {
    const std::string manual = textOf("docs/protocol/verbs.md");
    for (const std::string& verb : step::agentVerbs())
        EXPECT_NE(manual.find("| `" + verb + "` |"), std::string::npos)
            << verb << " has no row in docs/protocol/verbs.md";
}

TEST(StepCoverage, TheListsOfVerbsAreThoseTheStepsSend) {
    std::set<std::string> sent;
    for (const char* file : stepFiles)
        for (const std::string& verb :
             matches(textOf(file),
                     "\"((?:controller|server|application|process|web|maintenance|database|guard)\\.[a-z-]+)\""))
            sent.insert(verb);
    ASSERT_GE(sent.size(), 20u);
    std::set<std::string> known;
    for (const std::string& verb : step::agentVerbs()) known.insert(verb);
    for (const std::string& verb : step::controllerVerbs()) known.insert(verb);
    for (const std::string& verb : sent)
        EXPECT_THAT(known, Contains(verb)) << "src/step/catalogue.cpp does not list it";
}

TEST(StepCoverage, EveryKindThePlannersEmitIsInTheCatalogue) {
    const run::StepCatalogue catalogue = step::makeCatalogue();
    std::set<std::string> emitted;
    for (const char* file : plannerFiles)
        for (const std::string& kind : matches(textOf(file), "plan\\.step\\(\\s*\"[a-z-]+\",\\s*\"([a-z-]+)\""))
            emitted.insert(kind);
    ASSERT_GE(emitted.size(), 25u);
    for (const std::string& kind : emitted) EXPECT_TRUE(catalogue.has(kind)) << kind;
    EXPECT_FALSE(catalogue.has("no-such-step")) << "the catalogue must be able to say no";
}

}  // namespace
}  // namespace swb
