// The little of XML that Route 53's answers are made of: elements, text, the five entities and numeric ones. Attributes
// are passed over, namespaces prefixes dropped. A document type, anything nested deeper than 16 or with over 20,000
// elements is an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace swb::publication {

struct XmlElement {
    std::string name;
    std::string text;  // of this element alone, without its children's
    std::vector<XmlElement> children;

    const XmlElement* child(std::string_view wanted) const;  // the first; null when there is none
    std::string textOf(std::string_view wanted) const;  // of the first child of that name; empty when there is none
};

Result<XmlElement> parseXml(std::string_view document);
std::string xmlEscaped(std::string_view text);

}  // namespace swb::publication
