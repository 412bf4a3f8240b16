// The lab's own use of `swing`, by its public command line: what the lab does, a person could have typed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lab/world.h"

namespace swb::lab {

enum class Refusal { isAnError, isAnAnswer };  // status 3 with a document that is no error

// swing ARGUMENTS --json with the lab's settings; its document. An error is the one that swing reported.
Result<Json> swing(const World& world, std::vector<std::string> arguments, const std::string& input = {},
                   int64_t timeoutMs = 60'000, Refusal refusal = Refusal::isAnError);

// Another of the programs; stdout is its document.
Result<Json> runProgramForJson(std::vector<std::string> argv, const std::string& input = {},
                               std::map<std::string, std::string> environment = {}, int64_t timeoutMs = 30'000,
                               Refusal refusal = Refusal::isAnError);

}  // namespace swb::lab
