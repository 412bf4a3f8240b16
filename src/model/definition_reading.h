// What the parts of an application definition share: words that are safe wherever they end up, environments, services.
// Problems are reported to the reader, with their path. Internal to src/model.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/application.h"

namespace swb {

// Empty is accepted: whether something is required, its own reader says.
void requirePath(JsonReader& reader, std::string_view key, const std::string& value);
void requireWord(JsonReader& reader, std::string_view key, const std::string& value);
void requireName(JsonReader& reader, std::string_view key, const std::string& value);

Result<ServiceSpec> serviceFromJson(const Json& value, std::string path);
Json serviceToJson(const ServiceSpec& spec);

std::map<std::string, std::string> readEnvironment(JsonReader& reader, std::string_view key);
std::vector<std::string> readVariableNames(JsonReader& reader, std::string_view key);
JsonObject environmentToJson(const std::map<std::string, std::string>& environment);

}  // namespace swb
