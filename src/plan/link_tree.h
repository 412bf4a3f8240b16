// The tree that replication makes of one database's copies: a replica may be a source in turn (F19). Every copy follows
// one other at most, nobody follows himself by a detour, and the tree is not deeper than what one can still understand.
#pragma once

#include <string>
#include <vector>

#include "model/group.h"

namespace swb::plan {

constexpr size_t linkDepthMax = 16;

class LinkTree {
  public:
    LinkTree(const std::vector<Link>& links, std::string database) : links_(links), database_(std::move(database)) {}

    // What it replicates from; empty: nothing.
    std::string sourceOf(const std::string& application) const;
    // Links between it and the application at the top; links in a circle, which should not be, end the count.
    size_t depthOf(const std::string& application) const;
    // Links between it and the farthest application that follows it.
    size_t heightOf(const std::string& application) const;
    // Whether `application` follows `other`, over however many others.
    bool follows(const std::string& application, const std::string& other) const;

  private:
    size_t heightBelow(const std::string& application, size_t level) const;

    const std::vector<Link>& links_;
    std::string database_;
};

}  // namespace swb::plan
