// Copies: the nodes of the trees that replication makes of databases. An application's own databases are one copy, and
// the replicas of one name inside it (F18) are another:
//
//     shop-fra            its databases, as the definition says
//     shop-fra.reports    the replicas called `reports` beside them, on their own servers
//
// A copy is described like an application that has nothing but databases, so that whatever sets up, watches, guards and
// removes replication between two applications does it for replicas inside one as well. Links, slots, boot guards and
// telemetry name copies. Groups, web fronts, processes and secrets belong to applications only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/application.h"

namespace swb {

// A name of an application, or "APPLICATION.REPLICA".
bool isCopyName(std::string_view text);
Result<std::string> checkedCopyName(std::string_view what, std::string_view text);
// Whether it names replicas inside an application. Of a valid copy name, like what follows.
bool isInside(std::string_view copy);
std::string ownerOf(std::string_view copy);

// The application itself, or the replicas inside it that the name means. Nothing: it has none of that name.
std::optional<Application> copyOf(const Application& owner, std::string_view copy);
// The copies inside it, sorted by name.
std::vector<Application> copiesInside(const Application& owner);

}  // namespace swb
