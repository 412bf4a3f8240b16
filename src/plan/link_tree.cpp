#include "plan/link_tree.h"

#include <algorithm>

namespace swb::plan {

std::string LinkTree::sourceOf(const std::string& application) const {
    for (const Link& link : links_)
        if (link.database == database_ && link.to == application) return link.from;
    return "";
}

size_t LinkTree::depthOf(const std::string& application) const {
    size_t depth = 0;
    for (std::string source = sourceOf(application); !source.empty() && depth <= links_.size();
         source = sourceOf(source))
        ++depth;
    return depth;
}

size_t LinkTree::heightBelow(const std::string& application, size_t level) const {
    size_t height = 0;
    if (level > links_.size()) return height;
    for (const Link& link : links_)
        if (link.database == database_ && link.from == application)
            height = std::max(height, 1 + heightBelow(link.to, level + 1));
    return height;
}

size_t LinkTree::heightOf(const std::string& application) const {
    return heightBelow(application, 0);
}

bool LinkTree::follows(const std::string& application, const std::string& other) const {
    std::string source = sourceOf(application);
    for (size_t steps = 0; !source.empty() && steps <= links_.size(); ++steps, source = sourceOf(source))
        if (source == other) return true;
    return false;
}

}  // namespace swb::plan
